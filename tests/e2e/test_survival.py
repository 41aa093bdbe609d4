"""A conversation with the real client goes on when the proxy under it is killed."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from kimi_cli.daemon import find_proxy
from kimi_cli.store.paths import Paths
from tests.doubles.scenario import Call, Calls, Gate, Reply, Silence, Text, call, say
from tests.e2e.stage import free_port, wait_until

if TYPE_CHECKING:
    from kimi_cli.store.identity import ProcessIdentity
    from tests.conftest import Sandbox
    from tests.e2e.stage import Stage

pytestmark = [
    pytest.mark.claude,
    pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell"),
]


@pytest.fixture(autouse=True)
def _own_port(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that nobody else takes while its proxy is gone."""
    monkeypatch.setenv("KIMI_PROXY_PORT", str(free_port()))


def kill_proxy(paths: Paths) -> ProcessIdentity:
    """Kill -9, at once."""
    state = find_proxy(paths)
    assert state is not None
    os.kill(state.process.pid, signal.SIGKILL)
    return state.process


def bash(command: str) -> Call:
    return Call("Bash", {"command": command, "description": "Write"})


@pytest.mark.parametrize("stage", ["groq", "moonshot"], indirect=True)
def test_the_proxy_is_killed_twice(stage: Stage) -> None:
    """In the middle of an answer and in the middle of a tool; the run ends right, and no tool has run twice."""
    paths, gate = Paths.find(os.environ), Gate()
    begun, go = stage.work / "begun", stage.work / "go"
    second = bash(f"echo two >> log; touch {begun}; while [ ! -e {go} ]; do sleep 0.05; done")
    stage.script(
        call(bash("echo one >> log")),
        Reply((Text(("Now the second. ",)), Silence(gate), Calls((second,)))),  # nobody hears the end of this one
        call(second),
        call(bash("echo three >> log")),
        say("All three are written."),
    )
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(stage.launch, "--print", "Write three lines.", "--allowedTools", "Bash")
        try:
            gate.wait_reached(seconds=60)
            first = kill_proxy(paths)
            gate.open()
            wait_until(begun.exists, seconds=60)
            assert kill_proxy(paths) != first
        finally:
            gate.open()
            go.touch()
        done = run.result(timeout=90)
    assert done.status == 0
    assert done.stdout.endswith("All three are written.\n")
    assert (stage.work / "log").read_text(encoding="utf-8").split() == ["one", "two", "three"]
    assert stage.double.refusals == []


@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_the_proxy_hangs(stage: Stage) -> None:
    """A proxy that is stopped in the middle of an answer is replaced, and the answer is asked for again."""
    gate = Gate()
    stage.script(Reply((Text(("The first half, ",)), Silence(gate))), say("The whole answer."))
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(stage.launch, "--print", "Tell me.")
        try:
            gate.wait_reached(seconds=60)
            state = find_proxy(Paths.find(os.environ))
            assert state is not None
            os.kill(state.process.pid, signal.SIGSTOP)
            done = run.result(timeout=90)
        finally:
            gate.open()
    assert done.status == 0
    assert done.stdout.endswith("The whole answer.\n")
    assert not state.process.is_alive()
