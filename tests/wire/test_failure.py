"""The table from what a host says to what Claude Code does right: each row by its status, type, words and advice."""

from __future__ import annotations

import json
import math
import re

import pytest

from kimi_cli.wire.encode import error_headers
from kimi_cli.wire.failure import (
    Failure,
    InvalidRequestError,
    beyond_tier,
    classify,
    truncated,
    unreadable,
    web_page,
)
from kimi_cli.wire.refusal import Advice, from_response, from_stream
from tests.wire.build import WINDOW

_OVERFLOW = re.compile(r"prompt is too long[^0-9]*(\d+)\s*tokens?\s*>\s*(\d+)")
"""The pattern by which Claude Code 2.1.330 knows that it has to compact."""
_SPLIT = re.compile(r"input length and `max_tokens` exceed context limit: (\d+) \+ (\d+) > (\d+)")
"""The one by which it asks again for fewer output tokens: for `limit - input - 1000` of them."""


def _failure(status: int, error: object = b"", *, estimate: int = 9, window: int = WINDOW, **headers: str) -> Failure:
    body = error if isinstance(error, bytes) else json.dumps({"error": error}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    refusal = from_response(host="Groq", status=status, headers=named, body=body, window=window, estimate=estimate)
    return classify(refusal)


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        # Statuses alone
        (400, {"message": "x"}, (400, "invalid_request_error", False)),
        (401, {"message": "x"}, (424, "authentication_error", False)),
        (402, {"message": "x"}, (402, "billing_error", False)),
        (403, {"message": "x"}, (424, "permission_error", False)),
        (404, {"message": "x"}, (424, "not_found_error", False)),
        (408, {"message": "x"}, (504, "timeout_error", None)),
        (409, {"message": "x"}, (409, "conflict_error", None)),
        (405, {"message": "x"}, (424, "not_found_error", False)),
        (410, {"message": "x"}, (424, "not_found_error", False)),
        (413, {"message": "x"}, (413, "request_too_large", False)),
        (412, {"message": "x"}, (400, "invalid_request_error", False)),
        (422, {"message": "x"}, (400, "invalid_request_error", False)),
        (425, {"message": "x"}, (500, "api_error", None)),
        (429, {"message": "x"}, (429, "rate_limit_error", None)),
        (451, {"message": "x"}, (424, "permission_error", False)),
        (498, {"message": "x"}, (529, "overloaded_error", None)),
        (499, {"message": "x"}, (500, "api_error", None)),
        (500, {"message": "x"}, (500, "api_error", None)),
        (501, {"message": "x"}, (424, "api_error", False)),
        (502, {"message": "x"}, (500, "api_error", None)),
        (503, {"message": "x"}, (529, "overloaded_error", None)),
        (504, {"message": "x"}, (504, "timeout_error", None)),
        (524, {"message": "x"}, (504, "timeout_error", None)),
        (529, {"message": "x"}, (529, "overloaded_error", None)),
        (200, {"message": "x"}, (500, "api_error", None)),
        # Groq
        (400, {"message": "x", "code": "model_decommissioned"}, (424, "not_found_error", False)),
        (404, {"message": "x", "code": "model_not_found"}, (424, "not_found_error", False)),
        (400, {"message": "x", "code": "tool_use_failed", "failed_generation": "f"}, (500, "api_error", None)),
        (400, {"message": "x", "code": "json_validate_failed"}, (500, "api_error", None)),
        (
            400,
            {"message": "`max_completion_tokens` must be less than or equal to `16384`"},
            (400, "invalid_request_error", False),
        ),
        (
            401,
            {"message": "x", "type": "invalid_request_error", "code": "invalid_api_key"},
            (424, "authentication_error", False),
        ),
        (429, {"message": "x", "type": "tokens", "code": "rate_limit_exceeded"}, (429, "rate_limit_error", None)),
        (498, {"message": "x", "code": "capacity_exceeded"}, (529, "overloaded_error", None)),
        # Moonshot
        (400, {"message": "x", "type": "content_filter"}, (424, "permission_error", False)),
        (401, {"message": "x", "type": "invalid_authentication_error"}, (424, "authentication_error", False)),
        (401, {"message": "x", "type": "incorrect_api_key_error"}, (424, "authentication_error", False)),
        (403, {"message": "x", "type": "permission_denied_error"}, (424, "permission_error", False)),
        (403, {"message": "x", "type": "access_terminated_error"}, (424, "permission_error", False)),
        (404, {"message": "x", "type": "resource_not_found_error"}, (424, "not_found_error", False)),
        (429, {"message": "x", "type": "engine_overloaded_error"}, (529, "overloaded_error", None)),
        (429, {"message": "x", "type": "exceeded_current_quota_error"}, (402, "billing_error", False)),
        (429, {"message": "x", "type": "rate_limit_reached_error"}, (429, "rate_limit_error", None)),
        (500, {"message": "x", "type": "server_error"}, (500, "api_error", None)),
        (503, {"message": "x", "type": "server_unavailable"}, (529, "overloaded_error", None)),
        # Others
        (429, {"message": "x", "code": "insufficient_quota"}, (402, "billing_error", False)),
        (402, {"message": "Insufficient credits", "code": 402}, (402, "billing_error", False)),
        (429, {"message": "x", "code": 429}, (429, "rate_limit_error", None)),
    ],
)
def test_the_table(status, error, expected):
    """Each refusal has the status that makes the client wait, stop or tell; the host's words are kept.

    A 401, 403 or 404 is never passed on: Claude Code would ask for a login, or hide the words.
    """
    failure = _failure(status, error)
    assert (failure.status, failure.kind, failure.should_retry) == expected
    assert failure.message.startswith("Groq: " + error["message"])


@pytest.mark.parametrize(
    "message",
    [
        "Please reduce the length of the messages or completion.",
        "This model's maximum context length is 131072 tokens. However, your messages resulted in 140000 tokens.",
        "maximum context length is 32768 tokens, however you requested 40000 tokens",
        "Input token length too long",
        "Your request exceeded model token limit : 131072",
        "Your request exceeded model token limit : 131072 (requested: 140000)",
        "The input (140000 tokens) is longer than the model's context length (131072 tokens).",
        "The prompt is longer than the maximum model length of 131072",
        "the request exceeds the available context size",
        "Requested token count exceeds the maximum number of tokens allowed",
        "Input tokens exceed the configured limit of 131072 tokens. Your messages resulted in 140,000 tokens.",
        "the request exceeds the context window",
        "ContextWindowExceededError: too much",
        "maximum context limit reached",
        "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
        "prompt exceeds max length",
        "tokens in request more than max tokens allowed",
        "Range of input length should be [1, 98304]",
        "context window exceeds limit (2013)",
        "sequence of 140000 tokens, but model only supports up to 131072",
        "context exceeds your deployment limits",
        "Input is too long for requested model.",
        "prompt is too long: 140000 tokens > 131072 maximum",
        "Prompt Is Too Long",
        "request (140000 tokens) exceeds the available context size (131072 tokens), try increasing it",
    ],
)
@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_every_overflow_makes_the_client_compact(status, message):
    """A prompt that does not fit is told in the one form that starts a compaction: tokens, and fewer that fit."""
    for estimate in (9, WINDOW + 5_000):
        failure = _failure(status, {"message": message, "type": "invalid_request_error"}, estimate=estimate)
        assert (failure.status, failure.kind, failure.should_retry) == (400, "invalid_request_error", False)
        found = _OVERFLOW.fullmatch(failure.message.removesuffix(" maximum"))
        assert found
        assert int(found[1]) > int(found[2])


def test_overflow_by_code_alone():
    """The code says enough where the words do not."""
    assert _OVERFLOW.search(_failure(400, {"message": "no", "code": "context_length_exceeded"}).message)


def test_overflow_in_a_stream():
    """An overflow that comes as an event, without a status, is one too."""
    error = {"message": "Please reduce the length of the messages or completion.", "code": "context_length_exceeded"}
    failure = classify(from_stream(host="Groq", error=error, window=WINDOW, estimate=9))
    assert failure.status == 400
    assert _OVERFLOW.search(failure.message)


@pytest.mark.parametrize(
    ("message", "estimate", "told"),
    [
        ("maximum context length is 131072 tokens. However, you requested 140,123 tokens.", 9, (140_123, 131_072)),
        ("maximum context length is 32768 tokens. However, you requested 40000 tokens.", 9, (40_000, 32_768)),
        ("maximum context length is 262144 tokens. However, you requested 300000 tokens.", 9, (300_000, 262_144)),
        ("exceeded model token limit : 262144", 300_000, (300_000, 240_000)),
        ("Please reduce the length of the messages or completion.", 300_000, (300_000, 131_072)),
        ("Please reduce the length of the messages or completion.", 132_000, (132_000, 105_600)),
        ("Please reduce the length of the messages or completion.", 60_000, (60_000, 48_000)),
        ("Please reduce the length of the messages or completion.", 9, (1_000, 800)),
        ("prompt is too long in 2026", 60_000, (60_000, 48_000)),
        ("prompt is too long: 90000 tokens > 80000 maximum", 60_000, (90_000, 80_000)),
        ("input length and `max_tokens` exceed context limit: 79000 + 9000 > 80000", 60_000, (88_000, 80_000)),
    ],
)
def test_overflow_tells_by_how_much(message, estimate, told):
    """The host's counts and limit are told, else ours, and a fifth at least is too much: clients drop as much.

    Other numbers in its words are not taken for one.
    """
    found = _OVERFLOW.search(_failure(400, {"message": message}, estimate=estimate).message)
    assert (int(found[1]), int(found[2])) == told


def test_words_about_length_are_no_overflow_at_other_statuses():
    """A rate limit that speaks of lengths is still a rate limit."""
    assert _failure(429, {"message": "reduce the length of the messages"}).kind == "rate_limit_error"


def _split(prompt: int, completion: int, window: int = WINDOW) -> Failure:
    message = (
        f"This model's maximum context length is {window} tokens. However, you requested {prompt + completion} tokens "
        f"({prompt} in the messages, {completion} in the completion). Please reduce the length of the messages."
    )
    return _failure(400, {"message": message})


def test_an_overflow_by_the_answer_alone_asks_for_a_shorter_answer():
    """A prompt that fits with a shorter answer is told in the form that makes the client ask for one."""
    found = _SPLIT.search(_split(110_000, 32_000).message)
    assert [int(number) for number in found.groups()] == [110_000, 32_000, WINDOW]
    assert int(found[1]) + int(found[2]) > int(found[3])


@pytest.mark.parametrize(
    ("prompt", "completion", "window"),
    [(140_000, 20_000, WINDOW), (131_000, 20_000, WINDOW), (129_500, 32_000, WINDOW), (30_000, 8_000, 32_768)],
    ids=["the prompt alone is too long", "nothing is left", "too little is left", "the host's window is smaller"],
)
def test_an_overflow_that_a_shorter_answer_would_not_help(prompt, completion, window):
    """Where asking for less would fail again or ask for nothing, the client compacts."""
    assert _OVERFLOW.search(_split(prompt, completion, window).message)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (502, b"", "Groq answered HTTP 502 without an explanation."),
        (502, b"<html><h1>502 Bad Gateway</h1></html>", "Groq answered HTTP 502: 502 Bad Gateway"),
        (500, b"{}", "Groq answered HTTP 500 without an explanation."),
        (400, b'{"error": {"message": "a\\nb"}}', "Groq: a b"),
        (400, b'{"error": {"message": "Groq: a"}}', "Groq: a"),
        (404, b"404 page not found", "Groq answered HTTP 404: 404 page not found. Is its base URL right?"),
    ],
)
def test_the_words(status, body, message):
    """One line says who failed and how, once, with the status where the host has no words of its own."""
    assert _failure(status, body).message == message


def test_a_host_that_wants_to_be_left_alone_for_long():
    """A wait of some minutes is waited for; a longer one is told, so that nobody sits through it."""
    for seconds in (0, 46, 300):
        failure = _failure(429, {"message": "x"}, retry_after=str(seconds))
        assert (failure.retry_after, failure.should_retry, failure.message) == (seconds, None, "Groq: x")
    failure = _failure(503, {"message": "x"}, retry_after="5419")
    assert (failure.status, failure.retry_after, failure.should_retry) == (529, 5419, False)
    assert failure.message == "Groq: x. It takes requests again in 1 h 31 min."
    assert _failure(429, {"message": "Try again in 2h."}).message == "Groq: Try again in 2h."


@pytest.mark.parametrize(("wait", "header"), [(1.2, "2"), (60.0, "60"), (61.3, "60"), (299.0, "60")])
def test_the_client_is_told_to_wait_for_as_long_as_it_does(wait, header):
    """Claude Code gives up where it is told to wait for over a minute; it gets the minutes one at a time."""
    failure = Failure(429, "rate_limit_error", "x", retry_after=wait)
    assert error_headers(failure, "req_1")["retry-after"] == header
    final = Failure(429, "rate_limit_error", "x", retry_after=wait, should_retry=False)
    assert error_headers(final, "req_1")["retry-after"] == str(math.ceil(wait))


def test_our_own_failures():
    """What is no answer of the host's names the host and can be retried."""
    assert truncated("Groq") == Failure(500, "api_error", "Groq ended its answer before it was complete.")
    assert unreadable("Groq", "x.").message == "Groq sent an answer that cannot be read: x."
    assert InvalidRequestError("x").failure == Failure(400, "invalid_request_error", "x")
    page = web_page("Groq", Advice(provider="groq", base_url="https://api.groq.com"))
    assert (page.status, page.kind, page.should_retry) == (424, "api_error", False)
    assert page.message == (
        "Groq answered with a web page. Is https://api.groq.com the right base URL? To change it: kimi provider groq "
        "--base-url URL"
    )
    assert web_page("Groq").message == "Groq answered with a web page. Is its base URL right?"


def test_a_tier_that_is_known_beforehand():
    """What never fits is told in the same words, whoever found out."""
    failure = beyond_tier("Groq", allowed=8_000, needed=13_200, advice=Advice(provider="groq"))
    assert failure == Failure(
        400,
        "policy_blocked",
        "Your Groq tier allows 8,000 tokens a minute; this request needs about 13,200: it takes a larger tier "
        "(https://console.groq.com/settings/billing), another host (kimi provider NAME) or a shorter conversation "
        "(/clear).",
        should_retry=False,
    )
    assert "a day; this" in beyond_tier("Host", allowed=1, needed=2, per="a day").message
