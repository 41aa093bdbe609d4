"""How an answer ends: why, what it cost, and what is said when it did not end well."""

from __future__ import annotations

import json

import pytest

from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.events import Failed, MessageStart, Usage
from kimi_cli.wire.failure import Failure
from tests.wire.build import (
    DONE,
    USAGE,
    calls,
    chunk,
    content_of,
    end,
    failure_of,
    fragment,
    frame,
    read,
    reasoning,
    sse,
    text,
    told,
)

_CALL = calls(fragment(0, id="x", name="Read", arguments="{}"))


def _usage(*chunks) -> Usage:
    return told(sse(*chunks))[-2].usage


@pytest.mark.parametrize(
    ("reason", "called", "stop_reason"),
    [
        ("stop", False, "end_turn"),
        ("stop", True, "tool_use"),
        ("tool_calls", True, "tool_use"),
        ("tool_calls", False, "end_turn"),
        ("function_call", True, "tool_use"),
        ("length", False, "max_tokens"),
        ("length", True, "max_tokens"),
        ("max_tokens", False, "max_tokens"),
        ("content_filter", False, "refusal"),
        ("content_filter", True, "refusal"),
        ("stop_sequence", False, "stop_sequence"),
        ("eos", False, "end_turn"),
        ("eos", True, "tool_use"),
        ("something new", False, "end_turn"),
    ],
)
def test_finish_reasons(reason, called, stop_reason):
    """Each reason has its counterpart; calls count for more than what a host says of them."""
    data = sse(text("a"), *([_CALL] if called else []), end(reason))
    assert told(data)[-2].stop_reason == stop_reason


@pytest.mark.parametrize("reason", ["error", "abort", "aborted", "cancelled", "insufficient_system_resource"])
def test_finish_reasons_of_failure(reason):
    """A host that says that it gave up has not answered."""
    failure = failure_of(sse(text("a"), end(reason)))
    assert (failure.status, failure.kind) == (500, "api_error")
    assert reason in failure.message


def test_a_finish_reason_in_the_last_delta():
    """A finish reason may come with the last content, and content even after it."""
    data = sse(chunk({"content": "a"}, "stop"), text("b"))
    assert content_of(data) == [{"type": "text", "text": "ab"}]


def test_a_repeated_finish_reason_changes_nothing():
    """Null and empty reasons after the real one do not take it back."""
    data = sse(text("a"), end("length"), {"choices": [{"delta": {}, "finish_reason": None}]}, chunk({}, ""))
    assert told(data)[-2].stop_reason == "max_tokens"


def test_the_stop_sequence_that_vllm_names():
    """Where the host names the sequence that it stopped at, the client learns it; a token number is no sequence."""
    for named, expected in (
        ("END", ("stop_sequence", "END")),
        (163_586, ("end_turn", None)),
        (None, ("end_turn", None)),
    ):
        data = sse(text("a"), {"choices": [{"delta": {}, "finish_reason": "stop", "stop_reason": named}]})
        delta = told(data)[-2]
        assert (delta.stop_reason, delta.stop_sequence) == expected


_CACHED = {**USAGE, "prompt_tokens_details": {"cached_tokens": 8}}


@pytest.mark.parametrize(
    ("last", "usage"),
    [
        ([end(usage=_CACHED)], Usage(4, 8, 3)),
        ([end(), {"choices": [], "usage": _CACHED}], Usage(4, 8, 3)),
        ([end(x_groq={"usage": _CACHED})], Usage(4, 8, 3)),
        ([{"choices": [{"delta": {}, "finish_reason": "stop", "usage": _CACHED}]}], Usage(4, 8, 3)),
        ([end(usage={**USAGE, "cached_tokens": 8})], Usage(4, 8, 3)),
        ([end(usage={**_CACHED, "cached_tokens": 8})], Usage(4, 8, 3)),
        ([end(usage={**USAGE, "prompt_tokens_details": None, "completion_tokens_details": None})], Usage(12, 0, 3)),
        ([end(usage={**USAGE, "completion_tokens_details": {"reasoning_tokens": 2}})], Usage(12, 0, 3, 2)),
        ([end(usage={**USAGE, "cached_tokens": 99})], Usage(0, 12, 3)),
        ([end(usage={"prompt_tokens": 12.0, "completion_tokens": 3})], Usage(12, 0, 3)),
        ([end(usage={}), {"choices": [], "usage": USAGE}], Usage(12, 0, 3)),
        ([end(usage=USAGE), {"choices": [], "usage": None}], Usage(12, 0, 3)),
        ([end(usage=None, x_groq={"usage": USAGE})], Usage(12, 0, 3)),
    ],
    ids=[
        "at the top",
        "in a chunk of its own",
        "in x_groq",
        "in the choice",
        "cached at the top of usage",
        "cached in both places",
        "details null",
        "reasoning tokens",
        "more cached than sent",
        "a float",
        "empty first",
        "null last",
        "null beside x_groq",
    ],
)
def test_usage_is_found(last, usage):
    """Usage counts wherever a host puts it; cached tokens are told apart from fresh ones and never both."""
    assert _usage(text("a"), *last) == usage


def test_running_usage_ends_with_the_last_count():
    """Hosts that count along are believed at the end."""
    assert _usage(chunk({"content": "a"}, usage={**USAGE, "completion_tokens": 1}), end(usage=USAGE)) == Usage(12, 0, 3)


def test_usage_without_counts_does_not_erase_counts():
    """An object that counts nothing after one that counts is not taken for zero tokens."""
    assert _usage(end(usage=USAGE), {"choices": [], "usage": {"prompt_tokens": None, "queue_time": 1}}) == Usage(
        12, 0, 3
    )


def test_usage_is_estimated_where_there_is_none():
    """A host that never counts leaves the estimate of the prompt, and one made from the answer's length."""
    assert _usage(reasoning("x" * 20), text("y" * 19), end()) == Usage(7, 0, 10)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        DONE,
        sse(text("a"), done=False),
        sse(text("a")),
        sse(_CALL, done=False),
        sse(_CALL),
        sse(text("a"), {"choices": [], "usage": USAGE}),
        sse(text("a"), done=False) + b'data: {"choices": [{"delta": {"conte',
        sse(text("a"), done=False) + b"data",
        b": keep-alive\n\n",
    ],
    ids=[
        "nothing",
        "only DONE",
        "text",
        "text and DONE",
        "a whole call",
        "a whole call and DONE",
        "usage without a finish reason",
        "half a chunk",
        "half a field",
        "comments only",
    ],
)
def test_truncation_is_a_failure(data):
    """Without a finish reason nothing is an answer, whatever came before and whether or not the host says DONE."""
    failure = failure_of(data)
    assert (failure.status, failure.kind) == (500, "api_error")
    assert "before it was complete" in failure.message


@pytest.mark.parametrize(
    "rest", [b"", b"data: [DO", b'data: {"choices": [], "usa', b"data: [DONE]", b"data: [DONE] \n\n"]
)
def test_an_answer_with_a_finish_reason_is_complete(rest):
    """What is cut off after the finish reason was not part of the answer."""
    assert content_of(sse(text("a"), end(), done=False) + rest) == [{"type": "text", "text": "a"}]


def test_a_missing_last_blank_line_loses_nothing():
    """The last event counts though the stream ends with its last character."""
    assert content_of(sse(text("a"), end(), done=False).rstrip(b"\n")) == [{"type": "text", "text": "a"}]


def test_nothing_after_done_counts():
    """DONE is the end, also where bytes follow it."""
    assert content_of(sse(text("a"), end()) + sse(text("b"))) == [{"type": "text", "text": "a"}]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"error": {"message": "it broke", "type": "server_error"}}, 500, "api_error"),
        ({"error": "it broke"}, 500, "api_error"),
        ({"object": "error", "message": "it broke", "code": 400}, 400, "invalid_request_error"),
        ({"x_groq": {"id": "r", "error": "it broke"}}, 500, "api_error"),
        ({"error": {"message": "it broke", "code": 429}}, 429, "rate_limit_error"),
        ({"error": {"message": "it broke", "code": "429"}}, 429, "rate_limit_error"),
        ({"error": {"message": "it broke", "status_code": 503}}, 529, "overloaded_error"),
        ({"error": {"message": "it broke", "type": "engine_overloaded_error"}}, 529, "overloaded_error"),
        ({"error": {"message": "it broke", "type": "invalid_request_error"}}, 400, "invalid_request_error"),
        ({"error": {"message": "it broke", "code": "tool_use_failed", "failed_generation": "x"}}, 500, "api_error"),
        ({"error": {"message": "it broke", "code": 502}, **end("error")}, 500, "api_error"),
    ],
)
def test_an_error_inside_the_stream(error, status, kind):
    """An error in the middle ends the answer with what the host said, before and after content."""
    for before in ([], [text("a")]):
        failure = failure_of(sse(*before, error, text("b"), end()))
        assert (failure.status, failure.kind) == (status, kind)
        assert "it broke" in failure.message


@pytest.mark.parametrize("nothing", [{"error": None}, {"x_groq": {"error": None}}, {"x_groq": None}])
def test_no_error_is_no_error(nothing):
    """Fields of that name that hold nothing are no failure."""
    assert content_of(sse({**text("a"), **nothing}, end())) == [{"type": "text", "text": "a"}]


def test_an_error_before_content_has_no_message_start():
    """A failure before anything was said can still become an HTTP status."""
    assert [type(event) for event in read([sse({"error": "x"})])] == [Failed]


@pytest.mark.parametrize(
    "garbage",
    [b"data: <html>\n\n", b"data: [1]\n\n", b'data: "x"\n\n', b"data: {\n\n", b"data: \xff\n\n", b"data: NaN\n\n"],
)
def test_a_chunk_that_is_no_object_is_a_failure(garbage):
    """A stream that cannot be read in the middle has not been read."""
    failure = failure_of(sse(text("a"), done=False) + garbage + sse(end()))
    assert "cannot be read" in failure.message


def test_an_event_that_is_too_large_is_a_failure():
    """Text before it has been passed on; then the answer fails."""
    answer = ChatAnswer(frame())
    events = answer.events(sse(text("a"), done=False) + b"data: " + b"x" * (17 * 1024 * 1024))
    assert [type(event).__name__ for event in events] == [
        "MessageStart",
        "TextStart",
        "TextDelta",
        "BlockStop",
        "Failed",
    ]
    assert answer.end() == []


def test_deep_nesting_is_a_failure_and_no_crash():
    """JSON nested deeper than anything can be printed again ends the answer as unreadable, or is left alone."""
    for depth in (100, 300, 600, 900, 1_000, 1_020, 5_000):
        deep = '{"error":' * depth + "1" + "}" * depth
        for data in (
            f'data: {{"choices":[{{"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":{deep}}}}}]}}}}]}}\n\n',
            f'data: {{"error":{deep}}}\n\n',
            f'data: {{"error":{{"message":{deep}}}}}\n\n',
            f'data: {{"usage":{deep},"choices":[{{"finish_reason":{deep}}}]}}\n\n',
        ):
            read([data.encode()])


def test_our_own_failure_ends_the_answer():
    """A failure of the connection takes the place of the rest, once."""
    answer = ChatAnswer(frame())
    failure = Failure(504, "timeout_error", "Host did not answer in time.")
    first = answer.events(sse(text("a"), done=False))
    assert isinstance(first[0], MessageStart)
    assert b'"timeout_error"' in answer.fail(failure)
    assert answer.is_over
    assert answer.failure == failure
    assert (answer.fail(failure), answer.feed(sse(text("b"))), answer.finish()) == (b"", b"", b"")


def test_the_states_of_an_answer():
    """The answer says when content has left, when only counts can follow, and when it is over."""
    answer = ChatAnswer(frame())
    states = [(answer.has_content, answer.is_answered, answer.is_over)]
    for data in (
        sse(chunk({"role": "assistant"}), done=False),
        sse(text("a"), done=False),
        sse(end(), done=False),
        DONE,
    ):
        answer.feed(data)
        states.append((answer.has_content, answer.is_answered, answer.is_over))
    assert states == [
        (False, False, False),
        (False, False, False),
        (True, False, False),
        (True, True, False),
        (True, True, True),
    ]
    assert answer.usage == Usage(7, 0, 0)


def test_a_completion_in_one_piece():
    """A JSON answer in place of a stream is a message, or a failure where it has no end or holds an error."""
    message = {"role": "assistant", "content": "a"}
    whole = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": USAGE}
    events = ChatAnswer(frame()).whole(json.dumps(whole).encode())
    assert type(events[-1]).__name__ == "MessageStop"
    for body in (
        b"",
        b"{}",
        b"[]",
        b"<html>",
        b'{"error":{"message":"x"}}',
        b'{"choices":[{"message":{"content":"a"}}]}',
    ):
        assert isinstance(ChatAnswer(frame()).whole(body)[-1], Failed)
