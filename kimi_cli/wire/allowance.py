"""What an account may ask a model of a host for, learnt from the host's answers; what follows for a request.

A request counts from the moment it comes, with its whole prompt, cached or not, and the longest answer that it asks
for: Groq refuses one word with a `max_completion_tokens` of 32,768 where 8,000 tokens a minute are allowed ("Limit
8000, Requested 32979": zeeyado/koassistant.koplugin#106, archestra-ai/archestra#6885), and takes cached tokens off what
was counted only afterwards (console.groq.com/docs/prompt-caching). Cerebras documents the same
(inference-docs.cerebras.ai/support/rate-limits). What was counted too much is in the headers of later answers.

Headers that make no sense must not keep anybody from a host that would answer. So nothing is believed for longer than
`TRUST_SECONDS`, and what a host's own answers contradict is not believed at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from kimi_cli.wire.failure import Failure, beyond_tier
from kimi_cli.wire.failures.advice import NO_ADVICE
from kimi_cli.wire.failures.waiting import seconds_to_wait
from kimi_cli.wire.quota import TRUST_SECONDS, WINDOWS, Quotas, read_quotas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.wire.failures.advice import Advice
    from kimi_cli.wire.quota import Quota

CAUTION: Final = 0.8
"""The part of an estimated prompt that is certain: a request is too large only where that much of it is."""
MARGIN: Final = 1.1
"""How much larger than estimated a prompt may be."""
MIN_OUTPUT: Final = 1_024
"""The least tokens for an answer that are worth asking for."""
PACE_SECONDS: Final = 5.0
"""How long one request is given to show that a host which refused takes requests again, before the next one is sent."""


class Need(NamedTuple):
    """What a request counts for: a prompt, as estimated, and the longest answer that it may ask for, in tokens."""

    prompt: int
    output: int

    @property
    def tokens(self) -> int:
        """All of it."""
        return self.prompt + self.output


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that has been sent. `is_probe`: the host had said that there would be no room for it yet."""

    need: Need
    number: int
    is_probe: bool


class Allowance:
    """What is known, as of the latest answer. Times are seconds on any one clock."""

    def __init__(self) -> None:
        self._known, self._known_by = Quotas(), 0
        self._count = 0
        self._shut_until = self._pace_until = -math.inf
        self._wary_from: int | None = None
        """After a 429, how many requests had been sent by then; until one after them is answered."""
        self._is_believed = True
        """Whether the host does as its headers say."""
        self._accepted = 0
        """The largest request that it has taken: one over the limit shows that the limit is another."""
        self._refused_at: float | None = None
        """Since when requests have been called too large without asking the host."""

    @property
    def quotas(self) -> Quotas:
        """What the host's headers say, where it acts accordingly."""
        return self._known if self._is_believed else Quotas()

    def fit(self, need: Need, now: float, *, host: str, advice: Advice = NO_ADVICE) -> Need | Failure:
        """A request brought within the limit, by a shorter answer; or the reason why it can never be."""
        tokens = self.quotas.tokens
        if tokens is None or self._accepted > tokens.limit or need.tokens <= tokens.limit:
            return need
        least = min(need.output, MIN_OUTPUT)
        if CAUTION * need.prompt + least <= tokens.limit:
            return Need(need.prompt, max(least, min(need.output, int(tokens.limit - MARGIN * need.prompt))))
        self._refused_at = now if self._refused_at is None else self._refused_at
        if now >= self._refused_at + TRUST_SECONDS:
            # The account may be on another tier by now, which the host alone can tell.
            self._refused_at = None
            return need
        per, needed = WINDOWS.get(tokens.window or 0.0, "at a time"), round(need.prompt + least, -2)
        return beyond_tier(host, allowed=int(tokens.limit), needed=needed, per=per, advice=advice)

    def wait(self, tokens: float, requests: int, now: float) -> float:
        """Seconds until that many requests, of that many tokens together, may be sent."""
        quotas = self.quotas
        return max(
            0.0,
            self._shut_until - now,
            self._pace_until - now,
            quotas.tokens.wait(tokens, now) if quotas.tokens is not None else 0.0,
            quotas.requests.wait(requests, now) if quotas.requests is not None else 0.0,
        )

    def counted(self, need: Need) -> float:
        """The tokens that a request has to wait for, to be sure of them: never more than there can be."""
        tokens, wanted = self.quotas.tokens, MARGIN * need.prompt + need.output
        return wanted if tokens is None else min(wanted, tokens.limit)

    def ask(self, need: Need, now: float) -> Asked:
        """A request is sent."""
        self._count += 1
        tokens, requests = self.quotas.tokens, self.quotas.requests
        is_probe = _claims_less(tokens, need.tokens, now) or _claims_less(requests, 1, now)
        if is_probe or self._wary_from is not None:
            self._pace_until = now + PACE_SECONDS
        return Asked(need, self._count, is_probe)

    def heard(self, asked: Asked, status: int, headers: Mapping[str, str], now: float) -> None:
        """It is answered. `headers` must answer lower-case names."""
        self._pace_until = now
        if status == 200:
            self._accepted = max(self._accepted, asked.need.tokens)
            self._is_believed = self._is_believed and not asked.is_probe
            if self._wary_from is not None and asked.number > self._wary_from:
                self._wary_from = None
        elif status in {413, 429}:
            self._accepted, self._is_believed = 0, True
        if status == 429:
            self._wary_from = self._count
            self._shut_until = now + min(seconds_to_wait(headers, "") or 0.0, TRUST_SECONDS)
        found, known, is_late = read_quotas(headers, now), self._known, asked.number < self._known_by
        tokens = _newer(found.tokens, known.tokens, now, is_late=is_late)
        self._known = Quotas(tokens, _newer(found.requests, known.requests, now, is_late=is_late))
        self._known_by = max(self._known_by, asked.number)

    def to_json(self, now: float) -> dict[str, object]:
        """What is left of which limit, and for how many seconds the host wants to be left alone."""
        quotas = self.quotas
        return {
            "tokens": _to_json(quotas.tokens, now),
            "requests": _to_json(quotas.requests, now),
            "shut": round(max(0.0, self._shut_until - now), 1),
        }


def used_up(host: str, wait: float) -> Failure:
    """The answer to a request that would have to wait for too long."""
    seconds = max(1, math.ceil(wait))
    text = f"{host}'s rate limit is used up: it has room for this request in {seconds} s."
    return Failure(429, "rate_limit_error", text, retry_after=float(seconds))


def _to_json(quota: Quota | None, now: float) -> dict[str, int] | None:
    return None if quota is None else {"limit": int(quota.limit), "left": max(0, int(quota.level(now)))}


def _newer(found: Quota | None, known: Quota | None, now: float, *, is_late: bool) -> Quota | None:
    """The answer to an earlier request may not know of the later ones, so it can only lower what is left."""
    if found is None or known is None:
        return found or known
    return known if is_late and found.level(now) > known.level(now) else found


def _claims_less(quota: Quota | None, need: float, now: float) -> bool:
    """Whether the host said that so much would not be there yet."""
    return quota is not None and quota.level(now, trust=math.inf) < min(need, quota.limit)
