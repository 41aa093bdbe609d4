"""What went wrong upstream, as the Anthropic error that makes Claude Code do the right thing.

One ordered table, first match wins. Claude Code retries 429, 529 and 5xx, honours `retry-after` and `x-should-retry`,
compacts on one wording of a 400, and misreads a 413 as "max 32MB"; so statuses are chosen for what the client does.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimi_cli.wire.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Failure:
    """An Anthropic error: HTTP status, `error.type`, one line for the user, and advice on retrying.

    `retry_after` is in seconds. `should_retry` becomes `x-should-retry`; None leaves the decision to the status.
    """

    status: int
    kind: str
    message: str
    retry_after: float | None = None
    should_retry: bool | None = None


class InvalidRequestError(Exception):
    """The client's request has no meaning that could be sent on; `failure` is the answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(400, "invalid_request_error", message)


@contextmanager
def bounded_depth() -> Iterator[None]:
    """Around what walks through a request: one that is nested too deeply to be walked through is refused.

    Raises:
        InvalidRequestError: it is.
    """
    try:
        yield
    except RecursionError:
        raise InvalidRequestError("The request is nested too deeply.") from None


def truncated(host: str) -> Failure:
    """The stream ended before the answer did."""
    return Failure(500, "api_error", f"{host} ended its answer before it was complete.")


def unreadable(host: str, reason: str) -> Failure:
    """The host sent something that is not an answer."""
    return Failure(500, "api_error", f"{host} sent an answer that cannot be read: {reason}")


def classify(refusal: Refusal) -> Failure:
    """The first row of the table that fits. Never raises: whatever came back, the user is told something true."""
    for fits, treat in _TABLE:
        if fits(refusal):
            return treat(refusal)
    return _failure(refusal, 500, "api_error")


_LIMIT_REQUESTED: Final = re.compile(r"Limit[: ]+(\d+).*?Requested[: ]+(\d+)", re.IGNORECASE | re.DOTALL)
_SPLIT_OVERFLOW: Final = re.compile(r"\(?(\d+) in the messages.*?(\d+) in the completion", re.IGNORECASE | re.DOTALL)
_NUMBER: Final = re.compile(r"\d[\d,]{2,}")
_ROOM: Final = 4_000
"""Tokens that a prompt must leave for a shorter answer to be worth asking for; clients keep 1,000 of them back."""

# Phrases by which hosts say that a prompt does not fit the model's window.
_OVERFLOW: Final = (
    "maximum context length",
    "context_length_exceeded",
    "exceeds the context window",
    "contextwindowexceedederror",
    "longer than the maximum model length",
    "longer than the model's context length",
    "exceeds the available context size",
    "exceeds the maximum number of tokens allowed",
    "exceeded model token limit",
    "input token length too long",
    "input tokens exceed the configured limit",
    "maximum context limit",
    "maximum prompt length",
    "prompt exceeds max length",
    "tokens in request more than max tokens allowed",
    "range of input length should be",
    "context window exceeds limit",
    "but model only supports up to",
    "reduce the length of the messages",
    "context exceeds your deployment",
    "input is too long for requested model",
    "prompt is too long",
)
_NO_BALANCE: Final = ("exceeded_current_quota", "insufficient_quota", "insufficient balance", "insufficient_balance")
_NO_MODEL: Final = ("model_not_found", "model_decommissioned", "resource_not_found", "model_terms_required")
_BAD_KEY: Final = ("invalid_api_key", "invalid_authentication", "incorrect_api_key", "authentication_error")
_OVERLOAD: Final = ("engine_overloaded", "overloaded_error", "capacity_exceeded", "server_unavailable")


def _says(*words: str) -> Callable[[Refusal], bool]:
    def fits(refusal: Refusal) -> bool:
        text = f"{refusal.kind}\n{refusal.code}\n{refusal.message}".lower()
        return any(word in text for word in words)

    return fits


def _has(*words: str) -> Callable[[Refusal], bool]:
    """Looks at type and code alone: a message may mention a word in passing."""

    def fits(refusal: Refusal) -> bool:
        text = f"{refusal.kind}\n{refusal.code}".lower()
        return any(word in text for word in words)

    return fits


def _is(*statuses: int) -> Callable[[Refusal], bool]:
    return lambda refusal: refusal.status in statuses


def _is_overflow(refusal: Refusal) -> bool:
    return refusal.status in {400, 413, 422, 500} and _says(*_OVERFLOW)(refusal)


def _is_tier_refusal(refusal: Refusal) -> bool:
    """A request that is larger than the account's tokens per minute: no waiting will ever help it."""
    return (
        refusal.status in {413, 429}
        and "request too large" in refusal.message.lower()
        and bool(_LIMIT_REQUESTED.search(refusal.message))
    )


def _overflow(refusal: Refusal) -> Failure:
    """The two wordings that Claude Code acts on: it compacts, or asks again for fewer output tokens."""
    numbers = sorted(int(number.replace(",", "")) for number in _NUMBER.findall(refusal.message))
    window = refusal.window
    split = _SPLIT_OVERFLOW.search(refusal.message)
    prompt, completion = (int(split[1]), int(split[2])) if split else (0, 0)
    if prompt + completion > window and prompt + _ROOM <= window:
        text = f"input length and `max_tokens` exceed context limit: {prompt} + {completion} > {window}"
        return Failure(400, "invalid_request_error", text, should_retry=False)
    larger = [number for number in numbers if number > window]
    tokens = larger[-1] if larger else max(refusal.estimate, window + 1)
    return Failure(
        400, "invalid_request_error", f"prompt is too long: {tokens} tokens > {window} maximum", should_retry=False
    )


def _tier_refusal(refusal: Refusal) -> Failure:
    found = _LIMIT_REQUESTED.search(refusal.message)
    limit, requested = (int(found[1]), int(found[2])) if found else (0, 0)
    text = (
        f"Your {refusal.host} tier allows {limit:,} tokens a minute and this request needs {requested:,}: "
        "a larger tier, another host or a shorter conversation is needed."
    )
    return Failure(400, "invalid_request_error", text, should_retry=False)


def _no_key(refusal: Refusal) -> Failure:
    failure = _failure(refusal, 401, "authentication_error", should_retry=False)
    return replace(failure, message=f"{failure.message} Store another key with: kimi set-key")


def _as(status: int, kind: str, *, should_retry: bool | None = None) -> Callable[[Refusal], Failure]:
    return lambda refusal: _failure(refusal, status, kind, should_retry=should_retry)


_TABLE: Final[tuple[tuple[Callable[[Refusal], bool], Callable[[Refusal], Failure]], ...]] = (
    (_is_overflow, _overflow),
    (_is_tier_refusal, _tier_refusal),
    (_has(*_NO_BALANCE), _as(402, "billing_error", should_retry=False)),
    (_has(*_OVERLOAD), _as(529, "overloaded_error")),
    (_has(*_BAD_KEY), _no_key),
    (_has(*_NO_MODEL), _as(404, "not_found_error", should_retry=False)),
    # The model produced a call that the host could not parse; another attempt may succeed.
    (_has("tool_use_failed"), _as(500, "api_error")),
    (_has("rate_limit"), _as(429, "rate_limit_error")),
    (_is(401), _no_key),
    (_is(402), _as(402, "billing_error", should_retry=False)),
    (_is(403), _as(403, "permission_error", should_retry=False)),
    (_is(404, 410), _as(404, "not_found_error", should_retry=False)),
    (_is(408, 504, 524), _as(504, "timeout_error")),
    (_is(409), _as(409, "conflict_error")),
    (_is(413), _as(413, "request_too_large", should_retry=False)),
    (_is(429), _as(429, "rate_limit_error")),
    (_is(498, 503, 529), _as(529, "overloaded_error")),
    (lambda refusal: 300 <= refusal.status < 400, _as(500, "api_error", should_retry=False)),
    (lambda refusal: 400 <= refusal.status < 500, _as(400, "invalid_request_error", should_retry=False)),
)


def _failure(refusal: Refusal, status: int, kind: str, *, should_retry: bool | None = None) -> Failure:
    if not refusal.message:
        text = f"{refusal.host} answered HTTP {refusal.status} without an explanation."
    elif not refusal.is_recognised:
        text = f"{refusal.host} answered HTTP {refusal.status}: {refusal.message}"
    else:
        text = f"{refusal.host}: {refusal.message}"
    return Failure(status, kind, text, retry_after=refusal.retry_after, should_retry=should_retry)
