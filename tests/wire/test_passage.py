"""A relayed stream reaches the client as the host sent it, whole events at a time, and never ends silently short."""

from __future__ import annotations

import json

import anthropic
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.encode import PING
from kimi_cli.wire.events import Usage
from kimi_cli.wire.failure import Failure
from kimi_cli.wire.passage import Passage, usage_of
from tests.wire.build import WINDOW, every_cut, pieces


def _event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields}, ensure_ascii=False)}\n\n".encode()


_USAGE = {"input_tokens": 4, "cache_read_input_tokens": 8, "output_tokens": 1}
_START = _event("message_start", message={"id": "msg_1", "type": "message", "usage": _USAGE, "content": []})
_TEXT = _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
_DELTA = _event(
    "content_block_delta", index=0, delta={"type": "text_delta", "text": "月\u2028 an error in a message_stop"}
)
_END_OF_TEXT = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
_END = _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3})
_STOP = _event("message_stop")
_GOOD = _START + PING + _TEXT + b": comment\n\n" + _DELTA * 2 + _event("content_block_stop", index=0) + _END + _STOP


def _passage() -> Passage:
    return Passage(host="Moonshot", window=WINDOW, estimate=9)


def _passed(parts) -> tuple[bytes, Passage]:
    passage = _passage()
    out = b"".join(map(passage.feed, parts))
    return out + passage.finish(), passage


def _told(data: bytes) -> tuple[bytes, Passage]:
    """What the client gets, which is the same for every cut."""
    (out, passage), *others = (_passed(parts) for parts in every_cut(data))
    for other, theirs in others:
        assert other == out
        assert (theirs.failure, theirs.usage) == (passage.failure, passage.usage)
        assert (theirs.is_over, theirs.has_content) == (passage.is_over, passage.has_content)
    return out, passage


def _error(out: bytes) -> dict:
    """The error event at the end of what the client gets."""
    name, data = out.removesuffix(b"\n\n").rpartition(b"\n\n")[2].split(b"\n")
    assert name == b"event: error"
    return json.loads(data.removeprefix(b"data: "))["error"]


def test_a_good_stream_passes_unchanged():
    """Every byte of a good stream arrives, whatever its events hold."""
    out, passage = _told(_GOOD)
    assert out == _GOOD
    assert (passage.failure, passage.is_over, passage.has_content) == (None, True, True)
    assert passage.usage == Usage(4, 8, 3)


def test_line_ends_of_two_characters():
    """A stream with CRLF passes with LF, which means the same."""
    out, passage = _told(_GOOD.replace(b"\n", b"\r\n"))
    assert out == _GOOD
    assert passage.failure is None


def test_line_ends_of_a_lone_return():
    """So does one with CR alone, the third line end of the standard."""
    out, passage = _told(_GOOD.replace(b"\n", b"\r"))
    assert out == _GOOD
    assert passage.failure is None


def test_blank_lines_too_many_are_dropped():
    """Between events one blank line is enough, wherever the reads end."""
    out, passage = _told(b"\n" + _GOOD.replace(b"\n\n", b"\n\n\n") + b"\n\n")
    assert out == _GOOD
    assert passage.failure is None


def test_only_whole_events_leave():
    """Between any two writes a ping may stand, because every write ends an event."""
    for parts in every_cut(_GOOD):
        passage = _passage()
        for out in map(passage.feed, parts):
            assert out == b"" or out.endswith(b"\n\n")


def test_events_leave_at_once():
    """What a read completes is not kept back."""
    passage = _passage()
    assert passage.feed(_START + _TEXT[:10]) == _START
    assert passage.feed(_TEXT[10:]) == _TEXT


def test_has_content_with_the_first_block():
    """Before the first block a failure can still become a status; the start of the message alone is no content."""
    passage = _passage()
    passage.feed(_START + PING)
    assert not passage.has_content
    passage.feed(_TEXT)
    assert passage.has_content


@pytest.mark.parametrize("missing_end", [b"", b"\n"])
def test_a_missing_last_blank_line_loses_nothing(missing_end):
    """The last event counts though its end is missing, and arrives with it."""
    out, passage = _told(_GOOD.rstrip(b"\n") + missing_end)
    assert out == _GOOD
    assert passage.failure is None


@pytest.mark.parametrize(
    "data",
    [b"", _START, _START + _TEXT + _DELTA, _GOOD.removesuffix(_STOP), PING, b"data: [DONE]\n\n"],
    ids=["nothing", "the start", "content", "all but the stop", "a ping", "another protocol"],
)
def test_a_stream_that_breaks_off_ends_in_an_error(data):
    """Without message_stop the answer is not complete, and the client is told."""
    out, passage = _told(data)
    assert _error(out)["type"] == "api_error"
    assert passage.failure is not None
    assert passage.is_over


@pytest.mark.parametrize("length", range(1, len(_DELTA) - 2, 7))
def test_half_an_event_is_not_passed_on(length):
    """An event that was cut off is left out, so that the error behind it can be read."""
    out, passage = _passed([_START + _TEXT + _DELTA[:length]])
    assert out.startswith(_START + _TEXT + _END_OF_TEXT)
    assert out.count(b"\n\n") == 4
    assert "before it was complete" in _error(out)["message"]
    assert passage.failure is not None


@pytest.mark.parametrize(
    ("block", "is_closed"),
    [
        ({"type": "thinking", "thinking": ""}, True),
        ({"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}, False),
        ({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}, False),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
def test_a_failure_closes_what_was_said_and_no_call(block, is_closed):
    """Thoughts are whole whenever they end; a call is not, and must never look so."""
    start = _event("content_block_start", index=1, content_block=block)
    out, _ = _told(_START + _TEXT + _DELTA + _END_OF_TEXT + start)
    rest = out.removeprefix(_START + _TEXT + _DELTA + _END_OF_TEXT + start)
    assert rest.startswith(_END_OF_TEXT.replace(b":0}", b":1}") if is_closed else b"event: error")
    assert rest.count(b"content_block_stop") == 2 * is_closed


def test_a_failure_between_blocks_closes_nothing():
    """A block that the host has closed is not closed again."""
    out, _ = _told(_START + _TEXT + _DELTA + _END_OF_TEXT)
    assert out.count(b"event: content_block_stop") == 1


def test_nothing_follows_the_end():
    """What a host sends after message_stop, in the same read or a later one, is dropped."""
    out, passage = _told(_GOOD + _DELTA + PING + _STOP)
    assert out == _GOOD
    assert passage.feed(_DELTA) + passage.finish() + passage.fail(Failure(500, "api_error", "x")) == b""


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (_event("error", error={"type": "overloaded_error", "message": "it broke"}), "overloaded_error"),
        (_event("error", error={"type": "engine_overloaded_error", "message": "it broke"}), "overloaded_error"),
        (_event("error", error={"type": "rate_limit_reached_error", "message": "it broke"}), "rate_limit_error"),
        (_event("error", error={"type": "invalid_request_error", "message": "it broke"}), "invalid_request_error"),
        (_event("error", error={"message": "it broke"}), "api_error"),
        (b'event: error\ndata: {"error": {"type": "server_error", "message": "it broke"}}\n\n', "api_error"),
        (b'data: {"error": {"type": "server_error", "message": "it broke"}}\n\n', "api_error"),
        (b'event: error\ndata: {"type": "server_error", "message": "it broke"}\n\n', "api_error"),
    ],
)
def test_errors_are_put_into_anthropics_words(event, kind):
    """An error inside the stream gets the type that the client knows, ends the stream, and is told once."""
    out, passage = _told(_START + _TEXT + event + _DELTA + _STOP)
    assert out.startswith(_START + _TEXT + _END_OF_TEXT)
    assert out.count(b"event: error") == 1
    assert _error(out)["type"] == kind
    assert "it broke" in _error(out)["message"]
    assert passage.is_over


def test_an_overflow_inside_the_stream_makes_the_client_compact():
    """Also an error event can say that the prompt does not fit."""
    event = _event("error", error={"type": "invalid_request_error", "message": "Input token length too long"})
    assert _error(_told(event)[0])["message"].startswith("prompt is too long: ")


def test_an_event_that_is_no_json_is_an_error():
    """An important event that cannot be read is not passed on."""
    out, _ = _told(_START + b"event: message_delta\ndata: {oops\n\n" + _STOP)
    assert "cannot be read" in _error(out)["message"]


def test_an_event_that_is_too_large_is_an_error():
    """What came before it arrives; the stream then ends."""
    passage = _passage()
    out = passage.feed(_START + b"data: " + b"x" * (17 * 1024 * 1024))
    assert out.startswith(_START)
    assert "16,777,216" in _error(out)["message"]
    assert passage.feed(_STOP) == b""


def test_our_own_failure_ends_the_stream():
    """A failure of the connection becomes an error event, and is remembered."""
    passage = _passage()
    passage.feed(_START)
    failure = Failure(504, "timeout_error", "Moonshot did not answer in time.")
    assert _error(passage.fail(failure)) == {"type": "timeout_error", "message": failure.message}
    assert (passage.failure, passage.is_over) == (failure, True)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({}, Usage(1, 2, 3)),
        ({"output_tokens": 9}, Usage(1, 2, 9)),
        ({"input_tokens": 5, "cache_creation_input_tokens": 2}, Usage(7, 2, 3)),
        ({"cache_read_input_tokens": 0, "input_tokens": None}, Usage(1, 0, 3)),
    ],
)
def test_usage_is_cumulative(usage, expected):
    """A later count replaces an earlier one; what a host does not repeat stays."""
    assert usage_of(usage, Usage(1, 2, 3)) == expected


@given(cuts=st.sets(st.integers(0, len(_GOOD)), max_size=30))
def test_any_cut_passes_the_same(cuts):
    """However the reads fall, the same bytes arrive."""
    assert _passed(pieces(_GOOD, cuts))[0] == _GOOD


@given(
    junk=st.binary(max_size=40)
    | st.sampled_from([b"data: {}\n\n", b"event: error\n\n", b"message_\n\n", b"\r\r\n\n\r"]),
    cuts=st.sets(st.integers(0, 200), max_size=10),
)
def test_arbitrary_bytes_never_crash(junk, cuts):
    """Bytes of any kind in the middle end in one error or pass by, the same for every cut."""
    data = _START + junk + _TEXT + _STOP
    out, passage = _passed([data])
    assert _passed(pieces(data, cuts))[0] == out
    assert passage.is_over
    assert out.count(b"event: error\ndata: ") <= 1 + junk.count(b"error")


def test_the_sdk_reads_what_was_passed_on():
    """The `anthropic` SDK accumulates the relayed stream, with pings put in between any two writes."""
    passage = _passage()
    answer = b"".join(passage.feed(_GOOD[at : at + 9]) + (PING if at else b"") for at in range(0, len(_GOOD), 9))
    served = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=answer)
    )
    with (
        httpx2.Client(transport=served) as http_client,
        anthropic.Anthropic(api_key="k", http_client=http_client) as client,
        client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]) as stream,
    ):
        assert stream.get_final_text() == "月\u2028 an error in a message_stop" * 2
