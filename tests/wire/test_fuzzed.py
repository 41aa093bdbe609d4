"""What fuzzing found, each named by its cause: nonsense of hosts and clients that crashed or went through."""

from __future__ import annotations

import json

import pytest

from kimi_cli.providers.dialect import GROQ, MOONSHOT
from kimi_cli.wire.encode import error_event
from kimi_cli.wire.events import Failed, MessageStop
from kimi_cli.wire.failure import InvalidRequestError
from kimi_cli.wire.ids import AnswerIds
from kimi_cli.wire.messages import MessagesAnswer
from kimi_cli.wire.passage import Passage
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.relay import to_relay
from kimi_cli.wire.request import to_chat
from kimi_cli.wire.salvage import salvage
from kimi_cli.wire.thinking import Display
from tests.wire.asking import ALWAYS, MODEL, ask, chat, relayed, said, tool, user
from tests.wire.build import check_events, message_of
from tests.wire.test_sequence import BEGIN, DELTA, STOP, piece, start, stop

USAGE = {"type": "message_delta", "usage": {"output_tokens": 3}}


def passed(*events, display=Display.SHOWN, cut=None):
    """The bytes that the client gets of these events, which come in one read, or in two."""
    answer = Passage(host="Host", window=1000, estimate=7, ids=AnswerIds(str), display=display)
    data = b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)
    sent = answer.feed(data[:cut]) + (answer.feed(data[cut:]) if cut else b"") + answer.finish()
    assert answer.failure is None or sent.endswith(error_event(answer.failure))
    return sent


def kinds(sent):
    """The types of the events in these bytes."""
    return [json.loads(part.partition("data:")[2])["type"] for part in sent.decode().split("\n\n")[:-1]]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ((DELTA, BEGIN, STOP), "it does not begin with the beginning of a message"),
        ((BEGIN, DELTA, start(0, "text")), "it goes on behind its end"),
        ((BEGIN, DELTA, piece(0, "text", "a")), "it goes on behind its end"),
        (({"type": "message_start"}, DELTA), "it does not begin with the beginning of a message"),
    ],
)
def test_a_message_out_of_order(events, reason):
    """An answer that begins with its end, or goes on behind it, is an error."""
    assert reason in passed(*events).decode()


def test_counts_in_the_middle():
    """Counts without a reason to end do not end the block that they come in."""
    whole = (BEGIN, start(0, "tool_use"), piece(0, "tool_use", "{}"), stop(0), DELTA, STOP)
    assert passed(*whole[:2], {**USAGE, "delta": {}}, *whole[2:]) == passed(*whole)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_start", "index": 0, "content_block": {}},
        {"type": "content_block_delta", "index": 0},
        {"type": "content_block_delta", "index": 0, "delta": {"text": "a"}},
        USAGE,
    ],
)
def test_an_event_without_what_it_is_about(event):
    """A client looks into what an event is about, so one that has nothing there is not passed on."""
    whole = (BEGIN, start(0, "text"), piece(0, "text", "a"), stop(0), DELTA, STOP)
    for place in (1, 2, 3):
        assert passed(*whole[:place], event, *whole[place:]) == passed(*whole)


@pytest.mark.parametrize("kind", [["a"], {"a": 1}])
def test_a_type_that_is_no_word(kind):
    """An event whose type is a list or an object is passed on, reasoning left out or not."""
    events = (BEGIN, {"type": kind}, DELTA, STOP)
    answer = Passage(host="Host", window=1000, estimate=7, display=Display.OMITTED)
    answer.feed(b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events))
    assert answer.is_over
    assert answer.failure is None


def test_half_a_call_alone_in_one_read():
    """Half a call that is all of an answer is kept from the client, however many reads it came in."""
    events = (BEGIN, start(0, "tool_use"), piece(0, "tool_use", '{"a":'))
    whole = passed(*events)
    assert kinds(whole) == ["message_start", "error"]
    assert passed(*events, cut=150) == whole


@pytest.mark.parametrize(
    "events",
    [
        (BEGIN, start(0, "text"), piece(0, "text", "a"), stop(0), STOP),
        (BEGIN, {**DELTA, "delta": {"stop_reason": None}}, STOP),
        (DELTA, STOP),
        (BEGIN, DELTA, start(0, "text")),
    ],
)
def test_no_answer_without_a_reason_to_end(events):
    """An answer that is taken apart ends in a failure where the host never said why it ends, or goes on behind that."""
    answer = MessagesAnswer(host="Host", window=1000, estimate=7, tool_names={})
    heard = answer.events(b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)) + answer.end()
    assert isinstance(heard[-1], Failed)
    assert not any(isinstance(event, MessageStop) for event in heard)


def test_blocks_that_overlap_are_taken_apart_in_order():
    """A block that begins inside another one waits, or ends it, also where an answer is taken apart."""
    events = (
        BEGIN,
        start(0, "text"),
        start(1, "tool_use"),
        piece(0, "text", "a"),
        piece(1, "tool_use", "{}"),
        DELTA,
        STOP,
    )
    answer = MessagesAnswer(host="Host", window=1000, estimate=7, tool_names={})
    heard = answer.events(b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events))
    check_events(heard)
    assert [block["type"] for block in message_of(heard)["content"]] == ["text", "tool_use", "text"]


def test_a_whole_message_without_a_reason_to_end():
    """Neither is a message in one piece an answer that does not say why it ends."""
    answer = MessagesAnswer(host="Host", window=1000, estimate=7, tool_names={})
    message = {"type": "message", "id": "msg_1", "content": [{"type": "text", "text": "a"}], "usage": {}}
    assert isinstance(answer.whole(json.dumps(message).encode())[-1], Failed)


def test_a_call_in_what_is_salvaged_beside_a_call():
    """Nothing is salvaged where a call stands in the reasoning or the text beside it: both would be carried out."""
    call = '{"name":"Read","arguments":{}}'
    thought = "<|tool_call_begin|>functions.Bash:0<|tool_call_argument_begin|>{}<|tool_call_end|>"
    assert salvage(f"<think>Hm.</think>{call}", offered={"Read": {}}) is not None
    cut_apart = '<|tool_call_begin|><|open|>call tool="Read"<|end_of_msg|><|sep|>'
    for written in (f"<think>{thought}</think>{call}", f"<think>{thought[:-19]}</think>{call}", cut_apart):
        assert salvage(written, offered={"Read": {}, "Bash": {}}) is None


@pytest.mark.parametrize("content", [[], "", [{"type": "redacted_thinking", "data": "x"}]])
def test_nothing_said(content):
    """A conversation in which nobody says anything is refused in Anthropic's words, and sent to no host."""
    request = ask({"role": "assistant", "content": content})
    for translate in (
        lambda: to_chat(Prompt(request), dialect=GROQ, model=MODEL, estimate=0),
        lambda: to_relay(Prompt(request), model=ALWAYS, estimate=0),
    ):
        with pytest.raises(InvalidRequestError, match="all messages must have non-empty content"):
            translate()


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "", "name": "web_search", "input": {}},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "Read", "input": {}},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": True},
        {"type": "web_search_tool_result", "content": []},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "text", "text": "a"}]},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": {}},
    ],
)
def test_half_a_search(block):
    """A block of a search that is not whole is not passed on as one: the host would refuse the conversation for it."""
    body, _ = relayed(ask(user("a"), said({"type": "text", "text": "b"}, block), user("c")))
    assert {part["type"] for message in body["messages"] for part in message["content"]} == {"text"}


def test_fields_of_a_search_and_an_image():
    """Of whole blocks, hosts get the fields that they know."""
    found = {"type": "web_search_result", "url": "https://a.b", "title": "A", "encrypted_content": "x"}
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [found]}
    image = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    body, _ = relayed(
        ask(
            user({"type": "image", "source": {**image, "new": 1}}),
            said({**search, "caller": {"type": "direct"}}, {**result, "is_error": False}),
            user("c"),
        )
    )
    assert body["messages"][0]["content"] == [{"type": "image", "source": image}]
    assert body["messages"][1]["content"] == [search, result]


def test_a_reference_to_what_has_no_end():
    """What refers to a definition that can never be met, and says something besides, is repaired as well."""
    itself = {"$ref": "#/properties/a"}
    inner = {"anyOf": [{"not": itself, **itself}, itself, {}], **itself, "type": ["object", "array"]}
    schema = {"type": "object", "properties": {"a": inner}}
    chat(ask(user("a"), tools=[tool("Read", input_schema=schema)]), dialect=MOONSHOT, model=ALWAYS)


def test_definitions_that_nobody_refers_to():
    """Definitions inside a property, which Moonshot refuses, are gone also where no reference needs them."""
    inner = {"type": "string", "$defs": {"b": {"type": "null"}}}
    schema = {"type": "object", "properties": {"a": inner}}
    body = chat(ask(user("a"), tools=[tool("Read", input_schema=schema)]), dialect=MOONSHOT, model=ALWAYS).body
    assert body["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {"a": {"type": "string"}}}
