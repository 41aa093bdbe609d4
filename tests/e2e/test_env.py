"""`kimi env`: SDK scripts and the real client in a shell that has a session."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import Call, call, say
from tests.e2e.stage import free_port, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.doubles.scenario import Ask, Reply
    from tests.e2e.stage import Stage

pytestmark = [
    pytest.mark.claude,
    pytest.mark.skipif(sys.platform == "win32" or shutil.which("bash") is None, reason="needs bash"),
]

SCRIPT = """
import anthropic, os
sdk = anthropic.Anthropic(max_retries=0, timeout=30)
tools = [{"name": "add", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}]
history = [{"role": "user", "content": "Add one to one."}]
asked = {"model": os.environ["ANTHROPIC_MODEL"], "max_tokens": 1000, "tools": tools}
first = sdk.messages.create(**asked, messages=history)
use = next(block for block in first.content if block.type == "tool_use")
print(use.name, use.input, first.stop_reason)
history += [
    {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "2"}]},
]
with sdk.messages.stream(**asked, messages=history) as stream:
    print("".join(stream.text_stream))
"""


@pytest.fixture
def script(stage: Stage) -> Path:
    """An agent's script, which takes everything from its environment."""
    file = stage.work / "agent.py"
    file.write_text(SCRIPT)
    return file


def opens(stage: Stage, *arguments: str) -> str:
    """The line with which a shell takes up its session."""
    return f'eval "$({shlex.join(stage.command("env", *arguments))})"'


def python(*arguments: object) -> str:
    """The line that runs Python."""
    return shlex.join([sys.executable, *map(str, arguments)])


@pytest.mark.parametrize("stage", ["groq", "moonshot", "moonshot-chat"], indirect=True)
def test_the_sdk(stage: Stage, script: Path) -> None:
    """A script of the SDK that knows nothing of us works in the shell, or in its place, on the chosen model."""
    stage.script(call(Call("add", {"a": 1}), text="Adding.", thinking="Adding is wanted."), say("Two."))
    environ = stage.environ | {"ANTHROPIC_API_KEY": "sk-ant-in-the-way", "ANTHROPIC_MODEL": "claude-in-the-way"}
    done = stage.run("bash", "-c", f"{opens(stage)}\nexec {python(script)}", environ=environ)
    assert (done.status, done.stdout) == (0, "add {'a': 1} tool_use\nTwo.\n"), done.stderr
    assert [ask.body["model"] for ask in stage.asks] == [stage.host.model] * 2
    stage.sandbox.assert_nothing_left()


def test_claude_code(stage: Stage) -> None:
    """Claude Code itself, started as `claude`, is on the session, and a second `kimi env` changes nothing."""
    stage.script(say("Here."))
    line = f"{opens(stage)}\n{opens(stage)}\n{shlex.quote(str(stage.claude))} --print 'Are you there?' < /dev/null"
    done = stage.run("bash", "-c", line)
    stage.assert_said(done, "Here.")
    assert len(stage.asks) == 1


def test_a_killed_shell(stage: Stage, script: Path) -> None:
    """After kill -9 of the shell, in the middle of an answer, the session, the proxy and their files are gone."""

    def kill_the_shell(_: Ask) -> Reply:
        for process in stage.sandbox.processes():
            if process.name() == "bash":
                process.kill()
        wait_until(lambda: not list(stage.sandbox.runtime.rglob("sessions/*")))
        return say("Too late.")

    stage.script(call(Call("add", {"a": 1}), text="Adding."), kill_the_shell)
    done = stage.run("bash", "-c", f"{opens(stage)}\n{python(script)}\necho survived")
    assert done.status == -signal.SIGKILL
    assert done.stdout == "add {'a': 1} tool_use\n"
    stage.sandbox.assert_nothing_left()


def test_a_killed_proxy(stage: Stage, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that was killed is back after the next `kimi env`, where the shell's programs know it."""
    monkeypatch.setenv("KIMI_PROXY_PORT", str(free_port()))  # nobody else takes it meanwhile
    stage.script(call(Call("add", {"a": 1}), text="Adding."), say("Two."))
    shell = subprocess.Popen(
        ["bash", "--noprofile", "--norc"],
        env=stage.environ,
        cwd=stage.work,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert shell.stdin is not None
    assert shell.stdout is not None
    try:
        shell.stdin.write(f"{opens(stage)}\necho $ANTHROPIC_BASE_URL $ANTHROPIC_AUTH_TOKEN\n")
        before = shell.stdout.readline()
        assert before.startswith("http://127.0.0.1:")
        (proxy,) = stage.sandbox.proxies()
        proxy.kill()
        wait_until(lambda: not proxy.is_running())
        # What it prints is not taken up: a program that runs since before has the old variables, too.
        shell.stdin.write(f"found=$({shlex.join(stage.command('env'))})\n{python(script)}\n")
        assert [shell.stdout.readline() for _ in range(2)] == ["add {'a': 1} tool_use\n", "Two.\n"]
        shell.stdin.write("echo $ANTHROPIC_BASE_URL $ANTHROPIC_AUTH_TOKEN\n")
        assert shell.stdout.readline() == before
    finally:
        shell.stdin.close()
        shell.wait(30)
        shell.stdout.close()
    stage.sandbox.assert_nothing_left()


def test_the_key_stays_out(stage: Stage, script: Path) -> None:
    """The session's variables hold no key, and nothing but the private receipt holds the token."""
    stage.script(call(Call("add", {"a": 1}), text="Adding."), say("Two."))
    look = "import os; print([n for n, v in os.environ.items() if os.environ['SECRET'] in v and n != 'SECRET'])"
    line = f'{opens(stage)}\n{python(script)}\nSECRET="${stage.host.key_variable}" {python("-c", look)}'
    line += f'\ngrep -rl "$ANTHROPIC_AUTH_TOKEN" {shlex.quote(str(stage.sandbox.root))} || true'
    done = stage.run("bash", "-c", line)
    _, _, named, *files = done.stdout.splitlines()
    assert named == f"['{stage.host.key_variable}']"
    assert [file.rsplit("/", 1)[0] for file in files] == [str(stage.sandbox.runtime / "kimi-cli" / "sessions")]
