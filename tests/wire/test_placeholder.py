"""A placeholder stands beside calls whose reasoning is lost, and nowhere else, after the host has asked for it."""

from __future__ import annotations

import copy
import json

import pytest

from kimi_cli.wire.outgoing import Outgoing, Told
from kimi_cli.wire.placeholder import is_reasoning_missing, with_placeholder
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.refusal import from_response
from kimi_cli.wire.relay import to_relay
from kimi_cli.wire.signature import Carried, to_signature
from tests.doubles.moonshot import MODELS
from tests.doubles.moonshot_chat import _check_thinking
from tests.wire.asking import ALWAYS, MODEL, ask, chat, judge_relay, result, said, thought, use, user

_WORDS = "thinking is enabled but reasoning_content is missing in assistant tool call message at index 3"


def _refusal(message: str, *, status: int = 400):
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()
    return from_response(host="Moonshot", status=status, headers={}, body=body, window=1, estimate=1)


@pytest.mark.parametrize(
    ("message", "status", "is_it"),
    [
        (_WORDS, 400, True),
        (f"Error from provider: {_WORDS.capitalize()}", 400, True),
        (_WORDS, 500, False),
        (_WORDS.replace("index 3", "index"), 400, False),
        ("reasoning_content is missing", 400, False),
        ("invalid thinking: only type=enabled is allowed for this model", 400, False),
        ("", 400, False),
    ],
)
def test_the_refusal_that_asks_for_it(message, status, is_it):
    """Only Moonshot's own words for it count, with the status that they come with."""
    assert is_reasoning_missing(_refusal(message, status=status)) is is_it


def _outgoing(messages):
    return Outgoing(fields={"model": MODEL.id}, told=Told((), messages), limit="max_tokens")


_TURNS = (
    user("a"),
    said("I look.", use("x")),
    user(result("x")),
    said(thought("Hm."), use("y"), use("z")),
    user(result("y"), result("z")),
    said("Done."),
    user("b"),
)


def test_a_chat_request():
    """Calls without reasoning get a space in the host's field; genuine reasoning and plain turns stay as they are."""
    asked = chat(ask(*_TURNS)).outgoing
    before = copy.deepcopy(asked.body)
    placed = with_placeholder(asked)
    assert asked.body == before
    assert [
        message.get("reasoning_content") for message in placed.body["messages"] if message["role"] == "assistant"
    ] == [" ", " ", None]
    _check_thinking(placed.body, model=MODELS["kimi-k2.7-code"])
    assert with_placeholder(placed) is None
    first = with_placeholder(asked, fields=("reasoning", "reasoning_content")).body["messages"][1]
    assert first["reasoning"] == first["reasoning_content"] == " "


def test_structured_reasoning_is_reasoning():
    """A call beside which details stand has its reasoning."""
    messages = chat(ask(*_TURNS[:3])).body["messages"]
    messages[1]["reasoning_details"] = [{"type": "reasoning.encrypted", "data": "x"}]
    assert with_placeholder(_outgoing(messages)) is None


def test_a_relayed_request():
    """The same for a host of Anthropic's format, as a thinking block at the front."""
    hidden = {"type": "thinking", "thinking": "", "signature": to_signature(Carried(text="So."))}
    request = ask(*_TURNS, said(hidden, use("v")), user(result("v")), model=ALWAYS.id)
    placed = with_placeholder(to_relay(Prompt(request), model=ALWAYS, estimate=100).outgoing)
    judge_relay(placed.body)
    thoughts = [
        [block["thinking"] for block in message["content"] if block["type"] == "thinking"]
        for message in placed.body["messages"]
        if message["role"] == "assistant"
    ]
    assert thoughts == [[" "], ["Hm."], [], ["So."]]
    assert with_placeholder(placed) is None


@pytest.mark.parametrize("messages", [[], [{"role": "assistant", "content": "b"}], [{"role": "user"}]])
def test_nothing_to_be_done(messages):
    """Where there is no such call there is nothing to ask again with."""
    assert with_placeholder(_outgoing(messages)) is None
