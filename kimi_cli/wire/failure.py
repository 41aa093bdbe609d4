"""What went wrong upstream, as the Anthropic error that makes Claude Code do the right thing.

Claude Code retries 429, 529 and 5xx, honours `retry-after` and `x-should-retry`, compacts on one wording of a 400, and
misreads other statuses; `failures.table` is chosen for what it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from kimi_cli.wire.failures import hints, tier
from kimi_cli.wire.failures.advice import NO_ADVICE, Advice
from kimi_cli.wire.failures.table import FINAL, PATIENCE, find_row, with_hint

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimi_cli.wire.refusal import Refusal

_P = ParamSpec("_P")
_T = TypeVar("_T")

__all__ = [
    "FINAL",
    "Failure",
    "InvalidRequestError",
    "beyond_tier",
    "bounded_depth",
    "classify",
    "truncated",
    "unreadable",
    "web_page",
]


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


def bounded_depth(walk: Callable[_P, _T]) -> Callable[_P, _T]:
    """What walks through a request refuses one that is nested too deeply to be walked through.

    It then raises `InvalidRequestError`.
    """

    @wraps(walk)
    def bounded(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return walk(*args, **kwargs)
        except RecursionError:
            raise InvalidRequestError("The request is nested too deeply.") from None

    return bounded


def truncated(host: str) -> Failure:
    """The stream ended before the answer did."""
    return Failure(500, "api_error", f"{host} ended its answer before it was complete.")


def unreadable(host: str, reason: str) -> Failure:
    """The host sent something that is not an answer."""
    return Failure(500, "api_error", f"{host} sent an answer that cannot be read: {reason}")


def web_page(host: str, advice: Advice = NO_ADVICE) -> Failure:
    """The host sent a web page in place of an answer, with a status that says that all is well."""
    text = f"{host} answered with a web page. {hints.base_url(advice)}"
    return Failure(FINAL, "api_error", text, should_retry=False)


def beyond_tier(host: str, *, allowed: int, needed: int, per: str = "a minute", advice: Advice = NO_ADVICE) -> Failure:
    """The request alone has more tokens, by our estimate, than may be sent in that time; see the table for its type."""
    text = tier.sentence(tier.Excess(allowed, needed, per, is_estimated=True), advice, host=host)
    return Failure(400, "policy_blocked", text, should_retry=False)


def classify(refusal: Refusal) -> Failure:
    """What the table says of a refusal. Never raises: whatever came back, the user is told something true."""
    row = find_row(refusal)
    message, wait, retry = row.message(refusal), refusal.retry_after, row.retry
    if wait is not None and wait > PATIENCE and retry is not False:
        message, retry = with_hint(message, hints.later(wait, said=refusal.message)), False
    return Failure(row.status, row.kind, message, retry_after=wait, should_retry=retry)
