"""Whatever form a host's refusal has, its words are found, and what is nobody's business is left out of them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.encode import error_headers
from kimi_cli.wire.failure import classify
from kimi_cli.wire.failures.forms import PAGE_LIMIT
from kimi_cli.wire.refusal import MESSAGE_LIMIT, Refusal, from_response, from_stream, redact
from tests.wire.build import WINDOW
from tests.wire.upstream import values


def _refusal(body: object = b"", *, status: int = 400, **headers: str) -> Refusal:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return from_response(host="Host", status=status, headers=named, body=raw, window=WINDOW, estimate=9)


@pytest.mark.parametrize(
    ("body", "kind", "code", "message"),
    [
        ({"error": {"message": "it broke", "type": "t", "code": "c"}}, "t", "c", "it broke"),
        ({"error": {"message": "it broke", "type": None, "code": None}}, "", "", "it broke"),
        ({"error": {"message": "it broke", "code": 429}}, "", "429", "it broke"),
        ({"error": "it broke"}, "", "", "it broke"),
        ({"type": "error", "error": {"type": "t", "message": "it broke"}, "request_id": "r"}, "t", "", "it broke"),
        ({"object": "error", "message": "it broke", "type": "t", "code": 400}, "t", "400", "it broke"),
        ({"message": "it broke"}, "", "", "it broke"),
        ({"detail": "it broke"}, "", "", "it broke"),
        ([{"error": {"message": "it broke", "code": 400}}], "", "400", "it broke"),
        ({"error": {"error": {"message": "it broke", "type": "t"}}}, "t", "", "it broke"),
        ("it broke", "", "", "it broke"),
        ({"error": {"message": "  it\n\n broke\t"}}, "", "", "it broke"),
        ({"detail": [{"loc": ["body"], "msg": "it broke"}]}, "", "", "body: it broke"),
        ({"detail": [{"msg": "it broke"}, {"loc": ["a", 0], "msg": "so did I"}]}, "", "", "it broke; a.0: so did I"),
        ({"detail": {"error": "it broke"}}, "", "", "it broke"),
        ({"errors": [{"code": 1, "message": "it broke"}]}, "", "1", "it broke"),
        ({"error": "no", "error_description": "it broke"}, "", "", "it broke"),
        ({"status": 404, "error": "Not Found", "path": "/x"}, "", "", "Not Found"),
        ({"statusCode": 401, "error": "Unauthorized", "message": "it broke"}, "", "", "it broke"),
        ({"code": 404, "reason": "GONE", "message": "it broke"}, "", "GONE", "it broke"),
        ({"type": "about:blank", "title": "Oh", "detail": "it broke"}, "", "", "it broke"),
        (
            {"error": {"message": "Error code: 429 - {'error': {'message': \"it's broken\", 'code': 'c'}}"}},
            "",
            "c",
            "it's broken",
        ),
        ({"error": {"message": 'A: {"error":{"message":"it broke","type":"t"}}. B'}}, "t", "", "it broke"),
        ({"error": {"message": "ValueError: it broke"}}, "", "", "it broke"),
        ({"error": {"message": 'it broke over {"message": "hello"}'}}, "", "", 'it broke over {"message": "hello"}'),
        ({"error": {"message": "No x-api-key header"}}, "", "", "No API key header"),
        ({"error": {"message": {"text": "it broke"}}}, "", "", '{"text":"it broke"}'),
    ],
)
def test_errors_in_json(body, kind, code, message):
    """Every form in which hosts wrap an error has its type, code and one line of words."""
    refusal = _refusal(body)
    assert (refusal.kind, refusal.code, refusal.message, refusal.is_recognised) == (kind, code, message, True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", ""),
        (b"   ", ""),
        (b"upstream connect error", "upstream connect error"),
        (
            b"<html><head><style>p {a}</style></head><body><h1>502</h1>\n<p>Bad Gateway</p></body></html>",
            "502 Bad Gateway",
        ),
        (b"<!DOCTYPE html><script>alert(1)</script>Down", "Down"),
        (b"\xff\xfeDown", "��Down"),
        (b"{", "{"),
        (b"{}", ""),
        (b"[]", ""),
        (b"null", ""),
        (b"17", ""),
        (b'{"error": null}', ""),
        (b'{"error": {}}', ""),
        (b'{"error": []}', ""),
        (b"<html><head><title> 502\nBad Gateway </title></head><body>Much more.</body></html>", "502 Bad Gateway"),
        (b"<title></title>Down", "Down"),
    ],
)
def test_what_is_no_error_in_json(body, message):
    """A web page gives up its words, and emptiness is known for what it is."""
    refusal = _refusal(body)
    assert refusal.message == message
    assert not refusal.is_recognised


def test_long_words_are_cut():
    """A message is one line of limited length."""
    refusal = _refusal({"error": {"message": "x" * 5_000}})
    assert len(refusal.message) == MESSAGE_LIMIT
    assert refusal.message.endswith("x…")
    page = _refusal(b"<p>" + b"x" * 5_000)
    assert page.message == "x" * (PAGE_LIMIT - 1) + "…"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Rate limit in organization `org_01hxyz` on tokens", "Rate limit on tokens"),
        ("Limit reached for gpt in organization org-AbC123 on requests", "Limit reached for gpt on requests"),
        ("Your organization org_01hxyzabc has no access", "Your has no access"),
        ("see org_01hxyzabc for details", "see for details"),
        ("Your account org-71e07f3ad2e24b9d<ak-eyqxxxyyz111> reached its limit", "Your account reached its limit"),
        ("Incorrect API key provided: gsk_abcdefgh1234.", "Incorrect API key provided: [redacted]"),
        ("key sk-or-v1-0123456789abcdef is wrong", "key [redacted] is wrong"),
        ("key sk-kimi-****1234 is wrong", "key [redacted] is wrong"),
        ("got Authorization: Bearer abc.def/ghi=", "got Authorization: [redacted]"),
        ("fw_3ZabcdefGHIJ, nvapi-abcdef123456, hf_abcdefgh", "[redacted], [redacted], [redacted]"),
        ("You in organization <org-71e07f3ad2e24b9d> may not", "You may not"),
        ("Your account org-71e07f3ad2e24b9d / proj-0f3a7c21b9d8 <ak-eyq1> request", "Your account request"),
        ("No more for project `proj_abc123xyz` today", "No more today"),
        (
            "Key Hash (Token) =569909a917a742e1c954a5ae2ff043fb10fff299956707ca9f9ce64c1f257585.",
            "Key Hash (Token) =[redacted].",
        ),
        ("api_key: abc-123-def-456 is wrong", "api_key: [redacted] is wrong"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc is old", "[redacted] is old"),
    ],
)
def test_redaction(text, clean):
    """Organisation ids and keys, masked ones too, are left out of what the user sees."""
    assert redact(text) == clean
    assert _refusal({"error": {"message": text}}).message == clean
    plain = re.sub(r"<.*?>", "", text)
    assert _refusal(text.encode()).message == " ".join(redact(plain).split())


@pytest.mark.parametrize(
    "text",
    [
        "The task-list is empty",
        "risk-free and ask-me",
        "the org-chart is wrong",
        "sk-1 is a ski",
        "moonshotai/kimi-k2-instruct-0905",
        "accounts/fireworks/models/kimi-k2p7-code",
        "the project proj is none",
        "property 'user_input1' is unsupported",
        "the key: it is wrong",
    ],
)
def test_plain_words_are_not_redacted(text):
    """Words that only look a little like a key stay."""
    assert redact(text) == text


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry_after": "7"}, "", 7.0),
        ({"retry_after": "1.5"}, "", 1.5),
        ({"retry_after": " 7 "}, "", 7.0),
        ({"retry_after": "-3"}, "", 0.0),
        ({"retry_after_ms": "850"}, "", 0.85),
        ({"retry_after_ms": "850", "retry_after": "7"}, "", 0.85),
        ({"retry_after_ms": "soon", "retry_after": "7"}, "", 7.0),
        ({"retry_after": "2m52.8s"}, "", 172.8),
        ({"retry_after": "Mon, 23 Nov 2026 10:00:30 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, "", 30.0),
        ({"retry_after": "Mon, 23 Nov 2026 09:00:00 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, "", 0.0),
        ({"retry_after": "Mon, 23 Nov 2026 10:00:30 GMT"}, "", None),
        ({"retry_after": "Mon, 23 Nov 2026 10:00:30 GMT", "date": "today"}, "", None),
        ({"retry_after": "inf"}, "", None),
        ({"retry_after": "1e999"}, "", None),
        ({"retry_after": "nan"}, "", None),
        ({"retry_after": "soon"}, "Please try again in 20s.", 20.0),
        ({}, "Please try again in 2m52.8s. Visit us", 172.8),
        ({}, "Please try again in 850ms.", 0.85),
        ({}, "please try again in 1h2m3s", 3723.0),
        ({}, "Please try again in 6m0s.", 360.0),
        ({}, "Try again in 2m.", 120.0),
        ({}, "Please try again in 20 seconds", 20.0),
        ({}, "please try again after 1 seconds", 1.0),
        ({}, "Try again in 3 minutes", 180.0),
        ({}, "Retry after 20 seconds", 20.0),
        ({}, "Please wait for 5s", 5.0),
        ({}, "try again in ...s", None),
        ({}, "try again in 1.2.3s", None),
        ({}, "try again in a while", None),
        ({}, "try again in 3 months", None),
        ({}, f"try again in {'9' * 500}m", None),
        ({}, "it broke", None),
    ],
)
def test_how_long_to_wait(headers, message, seconds):
    """Every form in which hosts tell how long to wait is seconds; headers count for more than sentences."""
    refusal = _refusal({"error": {"message": message or "x"}}, status=429, **headers)
    assert refusal.retry_after == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"message": "x", "code": 429}, 429),
        ({"message": "x", "code": "503"}, 503),
        ({"message": "x", "status_code": 400, "code": "invalid"}, 400),
        ({"message": "x", "code": 1301}, 500),
        ({"message": "x", "code": True}, 500),
        ({"message": "x", "code": -1}, 500),
        ({"message": "x", "code": "tool_use_failed"}, 500),
        ({"message": "x", "type": "overloaded_error"}, 529),
        ({"message": "x", "type": "invalid_request_error"}, 400),
        ({"message": "x", "type": "something"}, 500),
        ("x", 500),
        (None, 500),
        (17, 500),
    ],
)
def test_errors_in_a_stream_have_a_status(error, status):
    """An error without an HTTP status has the one that its code or type stands for, else 500."""
    assert from_stream(host="Host", error=error, window=WINDOW, estimate=9).status == status


@given(
    body=st.binary(max_size=80) | values.map(lambda value: json.dumps({"error": value}).encode()),
    status=st.integers(0, 999),
    retry_after=st.text(max_size=12) | st.floats().map(str),
    date=st.text(max_size=30),
)
def test_any_answer_becomes_a_failure(body, status, retry_after, date):
    """No status, body or header is too odd to be told of, in headers that can be sent."""
    refusal = _refusal(body, status=status, retry_after=retry_after, retry_after_ms=date, date=date)
    failure = classify(refusal)
    assert 400 <= failure.status < 600
    assert failure.message
    assert error_headers(failure, "req_1")


@given(error=values, words=st.text(max_size=40))
def test_any_error_in_a_stream_becomes_a_failure(error, words):
    """Nor is any error inside a stream."""
    for odd in (error, {"message": words, "code": error}, {"error": error, "type": words}):
        assert classify(from_stream(host="Host", error=odd, window=WINDOW, estimate=9)).message


def test_deep_nesting_is_no_crash():
    """An error inside an error inside an error is found, or is no error."""
    for depth in (10, 900, 1_010):
        deep = b'{"error":' * depth + b'{"message":"it broke"}' + b"}" * depth
        classify(_refusal(deep))
        classify(_refusal(deep.replace(b"error", b"message")))
    assert _refusal(b'{"error":' * 10 + b'{"message":"it broke"}' + b"}" * 10).message == "it broke"
