"""Groq's endpoint with an account's limits: tokens a minute and requests a day, counted as Groq counts them.

A request counts with its prompt and the longest answer that it allows, from when it comes. What has been used comes
back evenly. Every answer says what is left. A request over what is left gets a 429, one over the limit itself a 413.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.doubles.groq import Groq
from tests.doubles.refusal import Refused
from tests.doubles.strict_chat import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web

    from tests.doubles.scenario import JsonObject, Scenario

MINUTE: Final = 60.0
DAY: Final = 86_400.0
ORGANISATION: Final = "org_01jp8byqwpfx9sp1m0dbhb6a1e"


@dataclass(slots=True)
class Bucket:
    """One limit. `now` is a clock in seconds, `window` the time in which all of it comes back."""

    limit: int
    window: float
    now: Callable[[], float]
    _used: float = 0.0
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._at = self.now()

    @property
    def used(self) -> float:
        """What has not come back yet."""
        now = self.now()
        self._used = max(0.0, self._used - (now - self._at) * self.limit / self.window)
        self._at = now
        return self._used

    def wait(self, amount: float) -> float:
        """Seconds until that much is there."""
        return max(0.0, (self.used + amount - self.limit) * self.window / self.limit)

    def take(self, amount: float) -> None:
        """Use some of it."""
        self._used = self.used + amount

    def headers(self, name: str) -> Mapping[str, str]:
        """What an answer says of it."""
        return {
            f"x-ratelimit-limit-{name}": str(self.limit),
            f"x-ratelimit-remaining-{name}": str(max(0, int(self.limit - self.used))),
            f"x-ratelimit-reset-{name}": duration(self.used * self.window / self.limit),
        }


class LimitedGroq(Groq):
    """`tokens` and `requests` are the limits; they may be changed, as they are by an upgrade of the account."""

    def __init__(
        self,
        scenario: Scenario | None = None,
        *,
        tokens: int,
        requests: int = 1000,
        now: Callable[[], float] = time.monotonic,
        key: str | None = None,
    ) -> None:
        super().__init__(scenario, key=key)
        self.tokens = Bucket(tokens, MINUTE, now)
        self.daily = Bucket(requests, DAY, now)

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Both limits."""
        if request.path.endswith("/chat/completions"):
            response.headers.update({**self.tokens.headers("tokens"), **self.daily.headers("requests")})

    def refuse(self, request: web.Request, refused: Refused, *, body: JsonObject) -> web.Response:
        """With the time after which to ask again."""
        response = super().refuse(request, refused, body=body)
        if isinstance(refused, OverLimit):
            response.headers["retry-after"] = f"{refused.wait:.3f}"
        return response

    def _check(self, body: JsonObject) -> None:
        super()._check(body)
        requested = estimate_tokens(body) + int(body.get("max_completion_tokens") or body.get("max_tokens") or 0)
        if requested > self.tokens.limit:
            raise Refused(
                f"Request too large for {_where(body)} on tokens per minute (TPM): Limit {self.tokens.limit}, "
                f"Requested {requested}, please reduce your message size and try again.",
                status=413,
                type="tokens",
                code="rate_limit_exceeded",
            )
        for bucket, amount, kind in (
            (self.daily, 1, "requests per day (RPD)"),
            (self.tokens, requested, "tokens per minute (TPM)"),
        ):
            if (wait := bucket.wait(amount)) > 0:
                raise OverLimit(
                    f"Rate limit reached for {_where(body)} on {kind}: Limit {bucket.limit}, Used "
                    f"{int(bucket.used)}, Requested {amount}. Please try again in {duration(wait)}.",
                    wait=wait,
                )
        self.daily.take(1)
        self.tokens.take(requested)


class OverLimit(Refused):
    """The 429; `wait` in seconds."""

    def __init__(self, message: str, *, wait: float) -> None:
        super().__init__(message, status=429, type="tokens", code="rate_limit_exceeded")
        self.wait = wait


def duration(seconds: float) -> str:
    """A time in Go's form."""
    if seconds < 1:
        return f"{seconds * 1000:.6g}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    amount = f"{rest:.9g}s"
    return f"{hours}h{minutes}m{amount}" if hours else f"{minutes}m{amount}" if minutes else amount


def _where(body: JsonObject) -> str:
    return f"model `{body['model']}` in organization `{ORGANISATION}` service tier `on_demand`"
