"""A session that was held on a Kimi model goes on with Anthropic's own, once it has been cleaned on request.

Anthropic refuses reasoning that it has not signed. Clients of old stop there for good; today's ask a second time,
without any reasoning. After cleaning nothing is refused, and the conversation is what it was.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.anthropic import MODEL, Anthropic
from tests.doubles.scenario import Call, Gate, Reasoning, Reply, Scenario, Silence, Text, call, say
from tests.doubles.serve import running
from tests.e2e.conftest import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Finished, Stage

pytestmark = [pytest.mark.claude, pytest.mark.parametrize("stage", ["groq"], indirect=True)]

GIVES_UP = "2.1.150"
"""A client that does not ask a second time."""
NOWHERE = "http://127.0.0.1:9"
"""A web proxy that there is not, for whatever a client might want of the real Anthropic."""


@pytest.fixture(params=[VERSION, GIVES_UP])
def version(request: pytest.FixtureRequest, stage: Stage) -> str:
    """The stage's client is of this version; where it has not been fetched there is nothing to see."""
    client = stage.claude.parents[1] / request.param / stage.claude.name
    if not client.exists():
        pytest.skip(f"Claude Code {request.param} is not here; fetch it with scripts/fetch_claude.py --version")
    stage.claude = client
    return request.param


class AtAnthropic:
    """Claude Code without kimi, on Anthropic's endpoint, and the sessions as they came from Kimi."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._kept = stage.sandbox.root / "kept"
        shutil.copytree(self._projects, self._kept)

    def go_on(self) -> tuple[Finished, Anthropic]:
        """Ask something more in the latest session."""
        stage, host = self._stage, Anthropic(Scenario(default=say("At Anthropic.")), key=self._stage.key)
        with running(host) as url:
            environ = {
                **stage.environ,
                "ANTHROPIC_BASE_URL": url,
                "HTTPS_PROXY": NOWHERE,
                "NO_PROXY": "127.0.0.1",
                # As the client takes the real endpoint, where it sends other models' reasoning along.
                "_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL": "1",
                "ANTHROPIC_AUTH_TOKEN": stage.key,
                "ANTHROPIC_MODEL": MODEL,
                "ENABLE_TOOL_SEARCH": "false",
            }
            environ.pop(stage.host.key_variable)
            done = stage.run(str(stage.claude), "--print", "--continue", "Go on.", environ=environ)
        return done, host

    def put_back(self) -> None:
        """Put the sessions back."""
        shutil.rmtree(self._projects)
        shutil.copytree(self._kept, self._projects)

    @property
    def _projects(self) -> Path:
        return self._stage.sandbox.home / ".claude" / "projects"


def bash(command: str) -> Call:
    """A step of the script."""
    return Call("Bash", {"command": command, "description": "A step of the script"})


def refused(host: Anthropic) -> list[str]:
    """What the host had against requests for messages; older clients ask for other things as well."""
    return [refusal.message for refusal in host.refusals if refusal.path.endswith("/messages")]


def said(host: Anthropic) -> list[dict[str, Any]]:
    """The conversation as the host was told it last, without marks for its cache."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: bare(inner) for name, inner in value.items() if name != "cache_control"}
        return [bare(inner) for inner in value] if isinstance(value, list) else value

    return bare(host.bodies[-1]["messages"])


def sessions(stage: Stage) -> list[Path]:
    """The files of all sessions."""
    return sorted((stage.sandbox.home / ".claude" / "projects").glob("*/*.jsonl"))


def test_field_29_a_cleaned_session_goes_on_at_anthropic(stage: Stage, version: str) -> None:
    """What was refused before is taken after, with every word, call and result, and no line beside them is changed."""
    stage.script(
        call(bash("echo marmalade"), text="I will look.", thinking="A plan."),
        say("It is marmalade.", thinking="All is well."),
        Reply((Reasoning(("Nothing but a thought.",)),), finish="stop"),
        say("That is all.", thinking="More of it."),
    )
    stage.launch("--print", "What is it?", "--allowedTools", "Bash")
    stage.launch("--print", "--continue", "Think about it.")
    (session,) = sessions(stage)
    before = session.read_bytes()
    anthropic = AtAnthropic(stage)

    done, host = anthropic.go_on()
    assert "Invalid `signature` in `thinking` block" in refused(host)[0]
    if version == GIVES_UP:
        assert done.status == 1
        assert "Invalid `signature`" in done.stdout
    else:
        assert (done.stdout, len(refused(host))) == ("At Anthropic.\n", 1)
    healed = said(host) if host.bodies else None

    anthropic.put_back()
    cleaned = stage.run(*stage.command("clean-session", "--json"))
    assert cleaned.status == 0, cleaned.stderr
    (told,) = json.loads(cleaned.stdout)["sessions"]
    assert (told["id"], told["path"]) == (session.stem, str(session))
    assert told["blocks"] == told["records"] == before.count(b'"type":"thinking"')
    assert told["blocks"] >= 3
    (backup,) = told["backups"]
    assert Path(backup) == session.with_name(f"{session.name}.before-cleaning")
    assert Path(backup).read_bytes() == before

    done, host = anthropic.go_on()
    assert (done.status, done.stdout, refused(host)) == (0, "At Anthropic.\n", [])
    text = json.dumps(said(host))
    for word in ("What is it?", "I will look.", "echo marmalade", "It is marmalade.", "Think about it.", "Go on."):
        assert word in text
    assert "Nothing but a thought." not in text
    if healed is not None:
        assert said(host) == healed


def test_field_29_compaction_and_subagents(stage: Stage) -> None:
    """What compaction has kept of a session word for word is still kept of it, and its subagents are cleaned too."""
    agent = Call("Agent", {"description": "Look", "prompt": "Look around.", "subagent_type": "general-purpose"})
    stage.double.scenario = Scenario(
        call(agent, thinking="Somebody else shall look."),
        call(bash("echo found"), thinking="As the agent: a look."),
        say("It was found.", thinking="As the agent: the end."),
        say("The agent has found it.", thinking="The end."),
        default=say("In short: it was found.", thinking="Summing up."),
    )
    stage.launch("--print", "Have somebody look.", "--allowedTools", "Bash,Agent")
    stage.launch("--print", "--continue", "/compact")
    (session,) = sessions(stage)
    anthropic = AtAnthropic(stage)
    _, host = anthropic.go_on()
    assert len(refused(host)) == 1
    healed = said(host)

    anthropic.put_back()
    assert "pieces of reasoning removed" in stage.run(*stage.command("clean-session", session.stem[:8])).stdout
    left = [path for path in session.parent.rglob("*.jsonl") if b'"type":"thinking"' in path.read_bytes()]
    assert left == []
    assert len(list(session.parent.rglob("agent-*.jsonl.before-cleaning"))) == 1
    done, host = anthropic.go_on()
    assert (done.stdout, refused(host)) == ("At Anthropic.\n", [])
    assert said(host) == healed
    assert "The agent has found it." in json.dumps(said(host))


@contextmanager
def launched(stage: Stage, *client: str) -> Iterator[subprocess.Popen[str]]:
    """Claude Code on Kimi in the background; it has ended when the block has."""
    process = subprocess.Popen(
        stage.launch_command(*client),
        env=stage.environ,
        cwd=stage.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def test_field_29_a_session_that_runs_is_left_alone(stage: Stage) -> None:
    """As long as Claude Code has the session, cleaning it is refused and the process named; after that it is done."""
    gate = Gate()
    stage.script(
        call(bash("echo one"), thinking="A plan."),
        Reply((Reasoning(("So far.",)), Silence(gate), Text(("Done.",)))),
    )
    with launched(stage, "--print", "Take your time.", "--allowedTools", "Bash") as process:
        gate.wait_reached(seconds=60)
        (session,) = sessions(stage)
        before = session.read_bytes()
        ran = stage.run(*stage.command("clean-session"))
        assert ran.status == 1
        assert f"Session {session.stem} is open in Claude Code (process " in ran.stderr
        assert "/exit" in ran.stderr
        assert session.read_bytes().startswith(before)  # to which the client itself may have added
        assert "would go" in stage.run(*stage.command("clean-session", "--dry-run")).stdout
        gate.open()
        out, _ = process.communicate(timeout=60)
        assert out == "Done.\n"
    assert "removed" in stage.run(*stage.command("clean-session")).stdout
    assert stage.run(*stage.command("clean-session")).stdout == f"{session.stem}  nothing to remove\n"
    stage.script(say("And still here."))
    stage.assert_said(stage.launch("--print", "--continue", "Are you there?"), "And still here.")
