"""The built-in client runs the loop of tools over Anthropic's API, and trusts no stream."""

from __future__ import annotations

import itertools
import socket

import pytest

from kimi_cli.demo.client import Client
from kimi_cli.demo.outcome import ToolRun
from kimi_cli.demo.report import DemoError
from tests.demo.stub import call, message, running_stub, sse, text, thinking


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "note.txt").write_text("one\ntwo\n")
    (tmp_path / "secret.txt").write_text("no business of the demo's")
    return folder


def _client(stub, folder, **more) -> Client:
    return Client(base_url=stub.base_url, token="session-token", model="m", folder=folder, **more)


def test_the_loop_runs_tools_until_the_answer(folder):
    """Calls are run, their results go back in order after the blocks that made them; the last text is the answer."""
    path = str(folder / "note.txt")
    first = [
        thinking("Hm."),
        text("Reading."),
        call(1, "Read", file_path=path),
        call(2, "Bash", command="wc -l note.txt"),
    ]
    with running_stub(message(1, *first), message(2, thinking(" So."), text("Done."))) as stub:
        clock = itertools.count(10.0, 0.5)
        outcome = _client(stub, folder, clock=lambda: next(clock)).converse("Go")
    assert outcome.answer == "Done."
    assert outcome.thinking == "Hm. So."
    assert outcome.first_token == 0.5
    assert outcome.tools == (
        ToolRun("Read", path, "one\ntwo\n"),
        ToolRun("Bash", "wc -l note.txt", "2 note.txt"),
    )
    (path_1, headers, body), (_, _, later) = stub.asked
    assert path_1 == "/v1/messages"
    assert headers["Authorization"] == "Bearer session-token"
    assert (body["stream"], body["model"]) == (True, "m")
    assert {tool["name"] for tool in body["tools"]} == {"Read", "Bash"}
    assert later["messages"] == [
        {"role": "user", "content": "Go"},
        {"role": "assistant", "content": first},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "one\ntwo\n"},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": "2 note.txt"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (call(1, "Read", file_path="../secret.txt"), "outside of the demo's directory"),
        (call(1, "Read", file_path="/etc/passwd"), "outside of the demo's directory"),
        (call(1, "Read", file_path="absent.txt"), "No such file"),
        (call(1, "Bash", command="rm -rf note.txt"), "not a command"),
        (call(1, "Bash", command="wc -l note.txt; rm note.txt"), "not a command"),
        (call(1, "Bash", command="wc -l ../secret.txt"), "outside of the demo's directory"),
        (call(1, "Bash", command="wc -l 'note.txt"), "No closing quotation"),
        (call(1, "Write", file_path="note.txt"), "no tool 'Write'"),
    ],
)
def test_tools_do_nothing_else(folder, bad, words):
    """What leaves the directory or is no count of lines fails as a tool does: the model is told, the loop goes on."""
    with running_stub(message(1, bad), message(2, text("I see."))) as stub:
        outcome = _client(stub, folder).converse("Go")
    assert [run.failed for run in outcome.tools] == [True]
    assert words in outcome.tools[0].result
    (result,) = stub.asked[1][2]["messages"][-1]["content"]
    assert result["is_error"]
    assert (folder / "note.txt").read_text() == "one\ntwo\n"


_GOOD = message(1, text("Hi."))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "ended without message_stop"),
        (_GOOD[: len(_GOOD) // 2], "ended inside of an event|is not JSON|has the line"),
        (_GOOD.removesuffix(sse({"type": "message_stop"})), "ended without message_stop"),
        (_GOOD.rstrip(b"\n"), "ended inside of an event"),
        (_GOOD + sse({"type": "ping"}), "came after message_stop"),
        (_GOOD.replace(b"event: message_stop\n", b""), "has the line"),
        (_GOOD + b"data: [DONE]\n\n", "has the line"),
        (b"event: ping\ndata: {\n\n", "is not JSON"),
        (b"event: ping\ndata: []\n\n", "is not an object"),
        (sse({"type": "error", "error": {"type": "api_error", "message": "It broke."}}), "It broke"),
        (message(1, text("Hi."), stop_reason="tool_use"), "0 tool calls"),
        ((401, {"type": "error", "error": {"message": "Who are you?"}}), r"answered 401: Who are you\?"),
        ((500, ["x"]), "answered 500: b'"),
    ],
)
def test_whatever_is_off_is_an_error(folder, answer, words):
    """A stream that is cut, out of order or malformed, and any status but 200, end the demo with a sentence."""
    with running_stub(answer) as stub, pytest.raises(DemoError, match=words):
        _client(stub, folder).converse("Go")


def test_an_id_may_not_come_twice(folder):
    """Two answers with one id would be merged by Claude Code, so they are an error here."""
    again = message(1, call(1, "Read", file_path="note.txt"))
    with running_stub(again, again) as stub, pytest.raises(DemoError, match="'msg_1' came twice"):
        _client(stub, folder).converse("Go")


def test_a_loop_ends(folder):
    """A model that calls tools for ever is stopped."""
    answers = [message(number, call(number, "Read", file_path="note.txt")) for number in range(20)]
    with running_stub(*answers) as stub, pytest.raises(DemoError, match="did not end within"):
        _client(stub, folder).converse("Go")


def test_no_proxy_is_one_sentence(folder):
    """Where nobody listens, the error says that the connection failed."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(DemoError, match="connection to the proxy failed"):
            Client(base_url=address, token="t", model="m", folder=folder).converse("Go")


def test_the_token_is_not_shown(folder):
    """The session token is not in the client's `repr`."""
    assert "secret" not in repr(Client(base_url="http://x", token="secret", model="m", folder=folder))
