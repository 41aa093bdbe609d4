"""Processes that are there and do nothing: a stopped proxy, a launcher in the background, somebody with the lock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from subprocess import TimeoutExpired

import pytest

from kimi_cli.daemon import ensure_proxy
from kimi_cli.daemon import lock as module
from kimi_cli.daemon.stop import stop_proxy
from kimi_cli.errors import ProxyError
from tests.doubles.scenario import say
from tests.e2e.stage import wait_until
from tests.faults.conftest import Halting

PAUSE_SECONDS = 4.0
"""Longer than a question about a proxy's health is waited for."""
HOLDS_LOCK = """
import os, sys
from kimi_cli.daemon.lock import proxy_lock
from kimi_cli.store.paths import Paths
with proxy_lock(Paths.find(os.environ)):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(place):
    """A process that holds the lock; it ends with the test."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS_LOCK], env=place.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_new_launch_replaces_a_proxy_that_hangs(place):
    """It is killed, its port goes on with another, and both sessions are served: the old one's question, too."""
    halting = Halting()
    place.script(halting.reply, say("three"), say("four"))
    first, _ = place.launch()
    first.ask()
    first.hear("word")
    hanging = place.state
    os.kill(hanging.process.pid, signal.SIGSTOP)
    second, up = place.launch()
    assert not hanging.process.is_alive()
    assert up["port"] == hanging.port
    assert first.hear("whole")["text"] == "three"
    assert [text for text in first.broken if text] == ["one "]
    second.ask()
    assert second.hear("whole")["text"] == "four"
    assert len(place.proxies()) == 1
    assert replaced(place) == [f"process {hanging.process.pid}, which did not answer: killed"]
    first.end()
    second.end()


def test_a_running_session_replaces_a_proxy_that_hangs(place):
    """Nobody needs to come: its launcher notices, and the question that nobody answered is answered in the end."""
    halting = Halting()
    place.script(halting.reply, say("three"))
    launch, up = place.launch()
    launch.ask()
    launch.hear("word")
    hanging = place.state.process
    os.kill(hanging.pid, signal.SIGSTOP)
    assert launch.hear("whole")["text"] == "three"
    assert [text for text in launch.broken if text] == ["one "]
    assert not hanging.is_alive()
    assert place.state.port == up["port"]
    assert replaced(place) == [f"process {hanging.pid}, which did not answer: killed"]
    launch.end()


def test_a_pause_is_no_hang(place):
    """A proxy that is stopped for a moment, as with a machine that sleeps, goes on where it was, with its answer."""
    halting = Halting()
    place.script(halting.reply)
    launch, _ = place.launch()
    launch.ask()
    launch.hear("word")
    before = place.state
    os.kill(before.process.pid, signal.SIGSTOP)
    with pytest.raises(TimeoutExpired):
        launch.process.wait(PAUSE_SECONDS)
    os.kill(before.process.pid, signal.SIGCONT)
    halting.gate.open()
    assert launch.hear("whole")["text"] == "one two"
    assert place.state == before
    assert launch.broken == []
    launch.end()


def test_stop_ends_a_proxy_that_hangs(place):
    """`kimi stop --force` kills it where it does not answer, and nothing is left but a client that gets no answer."""
    ensure_proxy(place.paths, environ=place.environ)  # where it runs already, the launcher is done with it by then
    launch, _ = place.launch()
    os.kill(place.state.process.pid, signal.SIGSTOP)
    assert place.kimi("stop", "--force").status == 0
    assert place.proxies() == []
    launch.ask(tries=1)
    launch.hear("gave up")
    launch.end()


def test_a_launch_in_the_background(place):
    """A session that is stopped as with Ctrl-Z keeps its proxy, and gets another one if that dies meanwhile."""
    launch, up = place.launch()
    for pid in (launch.process.pid, up["pid"]):
        os.kill(pid, signal.SIGSTOP)
    other, _ = place.launch()
    other.end()  # after which the proxy would end within its grace period, were there no other session
    assert [session.id for session in place.control.status().sessions] != []
    place.kill_proxy()
    for pid in (launch.process.pid, up["pid"]):
        os.kill(pid, signal.SIGCONT)
    launch.ask()
    launch.hear("whole")
    launch.end()


def test_a_dead_holder_of_the_lock(place, holder):
    """The lock of a process that was killed is free, and its file in nobody's way."""
    holder.kill()
    holder.wait()
    assert place.paths.lock_file.exists()
    place.launch()[0].end()


@pytest.mark.skipif(sys.platform != "linux", reason="who holds a lock is told on Linux only")
def test_a_hung_holder_of_the_lock(place, holder, monkeypatch):
    """A process that holds the lock and hangs is named after a while, is left alone, and its end frees the lock."""
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.5)
    os.kill(holder.pid, signal.SIGSTOP)
    for act in (
        lambda: ensure_proxy(place.paths, environ=place.environ),
        lambda: stop_proxy(place.paths, force=True),
    ):
        with pytest.raises(ProxyError, match=f"process {holder.pid}") as caught:
            act()
        assert caught.value.fix == f"kill -CONT {holder.pid}"
    assert holder.poll() is None
    os.kill(holder.pid, signal.SIGCONT)
    with pytest.raises(ProxyError, match=f"process {holder.pid}") as caught:
        stop_proxy(place.paths, force=True)
    assert caught.value.fix == f"kill {holder.pid}"
    holder.terminate()
    holder.wait()
    place.launch()[0].end()


def test_an_unknown_holder_of_the_lock(place, holder, monkeypatch):
    """Where the system does not tell who holds the lock, the launch ends with a sentence all the same."""
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.5)
    monkeypatch.setattr(module, "_LOCKS", place.stage.work / "nothing")
    with pytest.raises(ProxyError, match="Another kimi has been starting or stopping") as caught:
        ensure_proxy(place.paths, environ=place.environ)
    assert caught.value.fix is None
    holder.communicate()
    place.launch()[0].end()


def test_a_hung_holder_of_the_lock_beside_a_proxy(place):
    """While a proxy runs nobody needs the lock: launches go on, and the proxy waits for it with its own end."""
    launch, _ = place.launch()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS_LOCK], env=place.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline() == b"held\n"
        os.kill(process.pid, signal.SIGSTOP)
        other, _ = place.launch()
        for one in (launch, other):
            one.ask()
            one.hear("whole")
            one.end()
    finally:
        process.kill()
        process.communicate()
    wait_until(lambda: place.proxies() == [])


def replaced(place) -> list[str]:
    """What became of the proxies that were replaced, by the log."""
    lines = map(json.loads, place.paths.log_file.read_text().splitlines())
    return [line["replaces"] for line in lines if line["event"] == "started" and "replaces" in line]
