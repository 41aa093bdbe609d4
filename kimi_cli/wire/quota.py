"""What a host says is left of an account's allowance, read from the headers of its answers.

Hosts that publish it do so with every answer, in `x-ratelimit-{limit,remaining,reset}-{tokens,requests}`. At Groq the
tokens are those of a minute and the requests those of a day; Cerebras says so in the names (`-tokens-minute`).

An allowance comes back evenly or all at once. `reset` is the time until it is whole: with 7,927 of 8,000 tokens left
Groq says 547 ms, which is 73/8,000 of a minute, and with 998 of 1,000 requests 2m52.8s, which is 2/1,000 of a day.
Where the three numbers agree in that way it comes back evenly; elsewhere nothing is expected before the reset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUST_SECONDS: Final = 60.0
"""How long a host is believed that nothing is left. Allowances are by the minute; one that is by the day, or in a unit
that was misread, is tried again by then."""

WINDOWS: Final = {60.0: "a minute", 3600.0: "an hour", 86_400.0: "a day"}
_SLACK: Final = 0.05
"""How far the numbers of an allowance that comes back evenly may be apart: some hosts round the time."""
_TOKENS: Final = ("tokens", "tokens-minute")
_REQUESTS: Final = ("requests", "requests-minute", "requests-day")
_HEADERS: Final = {
    name: tuple(f"x-ratelimit-{field}-{name}" for field in ("limit", "remaining", "reset"))
    for name in (*_TOKENS, *_REQUESTS)
}
_UNITS: Final = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,12})?)(d|h|ms|m|us|µs|s)")
_LONGEST: Final = 100_000.0
"""Seconds of the longest reset, a little over a day. A larger number is a date, and its clock is not ours."""
_LARGEST: Final = 1e15


@dataclass(frozen=True, slots=True)
class Quota:
    """One allowance, as it was `at` a time of our clock. Times are in seconds.

    `left` is negative where more was used than was allowed. `reset` is how long after `at` all is there again;
    `window` is in how long nothing becomes all of it, evenly, and None where it comes back at the reset alone.
    """

    limit: float
    left: float
    reset: float
    window: float | None
    at: float

    def level(self, now: float, *, trust: float = TRUST_SECONDS) -> float:
        """What is there at `now`, if nothing has been used since. After `trust` seconds, all of it."""
        age = max(0.0, now - self.at)
        if age >= min(self.reset, trust):
            return self.limit
        return self.left if self.window is None else min(self.limit, self.left + age * self.limit / self.window)

    def wait(self, need: float, now: float) -> float:
        """How long until `need` is there. It may be over the limit: that of several requests, one after another."""
        short = need - self.level(now)
        if short <= 0:
            return 0.0
        whole = max(0.0, self.at + min(self.reset, TRUST_SECONDS) - now)
        if need > self.limit:
            return whole + (need - self.limit) * (self.window or TRUST_SECONDS) / self.limit
        return whole if self.window is None else min(whole, short * self.window / self.limit)


@dataclass(frozen=True, slots=True)
class Quotas:
    """What one answer's headers say: None where they say nothing, or nothing that makes sense."""

    tokens: Quota | None = None
    requests: Quota | None = None


def read_quotas(headers: Mapping[str, str], now: float) -> Quotas:
    """Read an answer's headers, whatever is in them. `headers` must answer lower-case names."""
    return Quotas(_read(headers, _TOKENS, now), _read(headers, _REQUESTS, now))


def _read(headers: Mapping[str, str], names: tuple[str, ...], now: float) -> Quota | None:
    for name in names:
        of_limit, of_left, of_reset = _HEADERS[name]
        if (said := headers.get(of_limit)) is None:
            continue
        limit, left = _number(said), _number(headers.get(of_left, ""))
        reset = _seconds(headers.get(of_reset, ""))
        if limit is not None and left is not None and reset is not None and limit >= max(1.0, left):
            return _quota(limit, left, reset, now)
    return None


def _quota(limit: float, left: float, reset: float, now: float) -> Quota:
    for window in WINDOWS:
        missing = limit * reset / window
        # With nothing left, what is missing beyond the limit was used above it.
        is_debt = left == 0 and limit <= missing <= 2 * limit
        if is_debt or abs(limit - left - missing) <= max(1.0, _SLACK * missing):
            return Quota(limit, limit - missing if is_debt else left, reset, window, now)
    return Quota(limit, left, reset, None, now)


def _number(text: str) -> float | None:
    """A number that is not negative."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < _LARGEST else None


def _seconds(text: str) -> float | None:
    """A duration: Go's, such as `2m52.8s`, or a bare number of seconds."""
    text = text.strip()
    seconds = _number(text)
    if seconds is None and (parts := _PART.findall(text)) and "".join(map("".join, parts)) == text:
        seconds = sum(float(amount) * _UNITS[unit] for amount, unit in parts)
    return seconds if seconds is not None and seconds <= _LONGEST else None
