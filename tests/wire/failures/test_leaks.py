"""Whatever a host sends, there is a failure that can be shown, and no key and no organisation is in it."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.encode import error_body, error_headers
from kimi_cli.wire.failure import Failure, classify
from kimi_cli.wire.failures.advice import Advice
from kimi_cli.wire.refusal import from_response, from_stream, redact
from tests.wire.build import WINDOW
from tests.wire.upstream import values

ERROR_BYTES = 64 * 1024
"""As much of an error's body as is read."""
ALPHANUMERIC = string.ascii_letters + string.digits
KINDS = frozenset(
    {
        *("invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error"),
        *("conflict_error", "request_too_large", "rate_limit_error", "api_error", "timeout_error", "overloaded_error"),
        "policy_blocked",
    }
)


def runs(least: int, most: int) -> st.SearchStrategy[str]:
    """Letters and digits, with one of each at least, as random ids have them."""
    return st.text(ALPHANUMERIC, min_size=least, max_size=most).map(lambda text: f"a{text}7")


keys = st.one_of(
    runs(20, 60).map("gsk_{}".format),
    runs(20, 60).map("sk-{}".format),
    runs(20, 60).map("sk-or-v1-{}".format),
    runs(20, 60).map("sk-kimi-{}".format),
    runs(12, 40).map("fw_{}".format),
    runs(20, 60).map("nvapi-{}".format),
    runs(20, 60).map("hf_{}".format),
    runs(32, 64),
    st.tuples(runs(10, 20), runs(20, 40), runs(20, 40)).map(lambda parts: "eyJ" + ".".join(parts)),
)
accounts = st.one_of(
    runs(20, 30).map("org_{}".format),
    runs(20, 30).map("org-{}".format),
    runs(12, 20).map("proj-{}".format),
    runs(12, 30).map("proj_{}".format),
    runs(16, 24).map("user_{}".format),
    runs(12, 24).map("<ak-{}>".format),
)
words = st.sampled_from(
    [
        *("Invalid API Key", "provided:", "in organization", "Limit 8000,", "Requested 13200", "for", "TPM", "\n", "`"),
        *(
            "try again in 20s",
            "prompt is too long",
            "The model",
            "does not exist",
            "insufficient balance",
            "{",
            "}",
            "'",
        ),
        *("Error code: 401 - ", "litellm.AuthenticationError: GroqException - ", "<b>", "key", "=", "…", "\u2028", "é"),
    ]
)


@st.composite
def sentences(draw: st.DrawFn) -> tuple[str, str]:
    """A sentence with a secret in it, and the secret."""
    secret = draw(keys | accounts)
    mark = draw(st.sampled_from(["", "`", '"', "'", "("]))
    before, behind = draw(st.lists(words, max_size=6)), draw(st.lists(words, max_size=6))
    return " ".join([*before, f"{mark}{secret}{mark}", *behind]), secret.strip("<>")


def wrapped(sentence: str, how: int) -> bytes:
    """The sentence in one of the forms in which hosts send it."""
    error = {"message": sentence, "type": "t", "code": "c"}
    forms = [
        {"error": error},
        error,
        {"error": sentence},
        {"detail": sentence},
        {"detail": [{"loc": ["body", 0], "msg": sentence}]},
        {"error": {"message": json.dumps({"error": error})}},
        {"error": {"message": f"Error code: 400 - {error}"}},
        {"error": {"message": "Provider returned error", "metadata": {"raw": sentence, "provider_name": "Host"}}},
        {"error": {"message": {"text": sentence}}},
        {"code": 400, "reason": "BAD", "message": sentence},
        sentence,
    ]
    return sentence.encode() if how >= len(forms) else json.dumps(forms[how]).encode()


def failure_of(body: bytes, status: int, headers: dict[str, str] | None = None) -> Failure:
    advice = Advice(provider="groq", model="kimi", successor="kimi-k3", base_url="https://api.test/v1")
    return classify(
        from_response(
            host="Groq", status=status, headers=headers or {}, body=body, window=WINDOW, estimate=9, advice=advice
        )
    )


def check(failure: Failure) -> None:
    """Hold a failure against what clients can take."""
    assert 400 <= failure.status < 600
    assert failure.kind in KINDS
    assert failure.message
    assert "\n" not in failure.message
    assert len(failure.message) < 3_000
    assert json.loads(error_body(failure, "req_1"))["error"]["message"]
    assert all(value.isascii() for value in error_headers(failure, "req_1").values())
    if failure.status in {401, 403, 404}:
        raise AssertionError("Claude Code would ask for a login, or hide the words")


@given(said=sentences(), how=st.integers(0, 11), status=st.sampled_from([400, 401, 402, 403, 404, 413, 422, 429, 500]))
def test_no_key_and_no_organisation_is_shown(said: tuple[str, str], how: int, status: int) -> None:
    """Wherever a secret stands in a sentence, and however that is wrapped, it is left out."""
    sentence, secret = said
    failure = failure_of(wrapped(sentence, how), status)
    check(failure)
    assert secret not in failure.message
    moved = failure_of(b"", 302, {"location": f"https://new.test/{secret}/v1/messages?key={secret}"})
    check(moved)
    assert secret not in moved.message


@given(
    body=st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()),
    status=st.integers(100, 999),
    location=st.text(max_size=40),
    wait=st.text(max_size=12) | st.floats().map(str),
)
def test_any_answer_is_a_failure_that_can_be_told(body: bytes, status: int, location: str, wait: str) -> None:
    """No body, status or header is too odd."""
    check(failure_of(body, status, {"location": location, "retry-after": wait, "date": wait}))


@given(error=values, text=st.lists(words, max_size=12).map(" ".join))
def test_any_error_in_a_stream_is_a_failure_that_can_be_told(error: object, text: str) -> None:
    """Nor is any error inside a stream, whatever stands where its words, its names and its layers should."""
    for odd in (
        error,
        text,
        {"message": error, "type": text},
        {"error": error, "message": text, "code": error},
        {"message": text, "metadata": {"raw": error, "provider_name": error}},
        {"detail": [error, {"loc": error, "msg": text}], "status": error},
    ):
        check(classify(from_stream(host="Groq", error=odd, window=WINDOW, estimate=9)))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    [
        *(
            "<script",
            "<title>",
            "{",
            '{"error":',
            "'message': '",
            " ",
            ".",
            "1,",
            "try again in 9",
            "A",
            "AError: ",
            "/ ",
        ),
        *("org_a1 ", "organization ", "<ak-", "key=", "sk-", "eyJ.", "Limit 1 ", "1 in the messages", "`"),
    ],
)
def test_no_pattern_runs_away(piece: str) -> None:
    """Text that keeps a pattern busy from every one of its characters on is read to the end all the same."""
    body = (piece * ERROR_BYTES)[:ERROR_BYTES].encode()
    for form in (body, json.dumps({"error": {"message": body.decode()}}).encode()):
        check(failure_of(form, 400))
    redact((piece * 1_000_000)[:1_000_000])
