"""Nothing that a user has set for Claude Code elsewhere leads a launch astray, and nothing of it is changed."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import Call, call, say
from tests.field.settled import READY, at_a_terminal, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Stage

pytestmark = [pytest.mark.claude, pytest.mark.parametrize("stage", ["moonshot"], indirect=True)]

THEIRS = "sk-ant-theirs-0123456789"
THOUGHT = "The file first."


@contextmanager
def elsewhere() -> Iterator[tuple[str, list[bytes]]]:
    """An address that is not ours, and what was sent there."""
    heard: list[bytes] = []

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            heard.append(self.request.recv(65536))

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()


def foreign(address: str) -> dict[str, str]:
    """Variables that would lead elsewhere, or bring other credentials, each by itself."""
    return {
        "ANTHROPIC_BASE_URL": address,
        "ANTHROPIC_API_KEY": THEIRS,
        "ANTHROPIC_AUTH_TOKEN": THEIRS,
        "ANTHROPIC_CUSTOM_HEADERS": f"x-theirs: {THEIRS}",
        "ANTHROPIC_MODEL": "claude-opus-4-5",
        "ANTHROPIC_SMALL_FAST_MODEL": "claude-haiku-4-5",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-haiku-4-5",
        "CLAUDE_CODE_SUBAGENT_MODEL": "claude-haiku-4-5",
        "CLAUDE_CODE_OAUTH_TOKEN": THEIRS,
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "5000",
        "HTTP_PROXY": address,
        "http_proxy": address,
    }


@pytest.mark.parametrize("place", ["shell", "files", "flag"])
def test_field_23_from_wherever_it_comes(stage: Stage, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """The conversation, tools and their results included, reaches our host; elsewhere nothing is heard."""
    (stage.work / "note").write_text("marmalade\n", encoding="utf-8")
    stage.script(
        call(Call("Read", {"file_path": str(stage.work / "note")}), thinking=THOUGHT), say("It says marmalade.")
    )
    project = stage.work / ".claude"
    project.mkdir()
    files, flags = [settle(stage), project / "settings.json", project / "settings.local.json"], []
    with elsewhere() as (address, heard):
        settings = {"env": foreign(address), "apiKeyHelper": f"echo {THEIRS}", "model": "opus"}
        for file in files:
            file.write_text(json.dumps(settings if place == "files" else {"env": {"MINE": "1"}}), encoding="utf-8")
        if place == "shell":
            for name, value in foreign(address).items():
                monkeypatch.setenv(name, value)
        elif place == "flag":
            flags = ["--settings", json.dumps(settings)]
        before = [json.loads(file.read_bytes()) for file in files]
        done = stage.launch(*flags, "--print", "What does it say?", "--allowedTools", "Read")
    stage.assert_said(done, "It says marmalade.")
    assert "marmalade" in stage.asks[1].result
    assert {body["model"] for body in stage.double.bodies} == {"kimi-k3"}
    assert heard == []
    sent = json.dumps([[dict(request.headers), request.body] for request in stage.double.requests])
    assert THEIRS not in sent
    for file, was in zip(files, before, strict=True):
        # Claude Code itself writes the name of a default model anew, and nothing else.
        assert json.loads(file.read_bytes()) | {"model": None} == was | {"model": None}


def test_field_23_a_login_is_left_alone(stage: Stage) -> None:
    """Who is logged in with Anthropic is asked nothing and warned of nothing, and is logged in afterwards."""
    settle(stage)
    token = {"accessToken": THEIRS, "refreshToken": THEIRS, "expiresAt": int((time.time() + 86_400) * 1000)}
    login = {"claudeAiOauth": {**token, "scopes": ["user:inference"], "subscriptionType": "max"}}
    file = stage.sandbox.home / ".claude" / ".credentials.json"
    file.write_text(json.dumps(login), encoding="utf-8")
    stage.script(say("Hello."))
    with at_a_terminal(stage) as window:
        window.wait_for(READY)
        window.enter("Say hello.")
        screen = window.wait_for("Hello\\.")
        window.enter("/exit")
        window.wait_for_end()
    assert "auth" not in screen.lower()
    assert json.loads(file.read_text(encoding="utf-8")) == login
    assert THEIRS not in json.dumps([dict(request.headers) for request in stage.double.requests])
