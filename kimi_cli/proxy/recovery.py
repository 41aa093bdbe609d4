"""What is done about a failure before anything was sent: the host is asked again after a pause, or another one is.

The client would ask again by itself, but not of another host, and it gives up after ten times. What has been sent once
is never asked for again: the client may be carrying it out.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from kimi_cli.proxy.upstream import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kimi_cli.providers.route import Route
    from kimi_cli.proxy.failover import Failover, Turn
    from kimi_cli.wire.failure import Failure

DEFAULT_BUDGET: Final = 15.0
"""Seconds within which one request is asked of a host again and again. A longer wait is the client's to decide on:
it shows it to its user and can be interrupted."""
BUDGET_BESIDE: Final = 5.0
"""The same where another host could be asked instead."""
FIRST_PAUSE: Final = 0.5
"""Seconds before the second attempt; twice as long before each one after it."""
RETRY_AFTER_JITTER: Final = 0.25
"""How much later than told a host is asked again, in seconds: those it told the same would all come at once."""

_FOR_ANOTHER_HOST: Final = frozenset(
    {"billing_error", "rate_limit_error", "overloaded_error", "timeout_error", "api_error", "policy_blocked"}
)
"""By type, for a status is chosen for what the client does with it. `policy_blocked` is what exceeds a tier's limit."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How long to try. `budget` is in seconds; with none, every failure is passed on as it comes.

    `jitter` gives numbers from 0 to 1.
    """

    budget: float = DEFAULT_BUDGET
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def run(
        self,
        ask: Callable[[Route, Callable[[], None]], Awaitable[_T]],
        failover: Failover,
        *,
        fits: Callable[[Route], bool],
        fields: dict[str, object],
    ) -> _T:
        """What the first host that answers gives. `fields` are what the log says of the request.

        `ask` may call its second argument as soon as it knows that the host answers.

        Raises:
            UpstreamError: none could answer.
        """
        failures: list[Failure] = []
        with failover.turns(fits) as turns:
            for turn in turns:
                is_last = turn is turns[-1]
                asking = partial(ask, turn.route, partial(failover.answered, turn))
                try:
                    result = await self._persist(asking, turn, has_another=not is_last, fields=fields)
                except UpstreamError as error:
                    failover.failed(turn, error.failure)
                    if turn.is_probe:
                        continue
                    failures.append(error.failure)
                    if is_last or (len(failures) == 1 and not is_for_another_host(error.failure)):
                        raise UpstreamError(_of_all(failures)) from error
                else:
                    failover.answered(turn)
                    return result
        raise AssertionError("there is always a host to ask")

    async def _persist(
        self, asking: Callable[[], Awaitable[_T]], turn: Turn, *, has_another: bool, fields: dict[str, object]
    ) -> _T:
        """Ask one host, and again while the budget lasts."""
        budget = 0.0 if turn.is_probe else min(self.budget, BUDGET_BESIDE) if has_another else self.budget
        end = self.now() + budget
        tries = 0
        while True:
            try:
                return await asking()
            except UpstreamError as error:
                tries += 1
                pause = self._pause(error.failure, tries)
                if pause is None or self.now() + pause >= end:
                    raise
                noted = {"attempt": tries, "failure": error.failure.message, "pause": round(pause, 3)}
                _log.info("host asked again", extra={"fields": fields | noted})
            await self.sleep(pause)

    def _pause(self, failure: Failure, tries: int) -> float | None:
        """Seconds before the next attempt; None where there should be none."""
        if not is_temporary(failure):
            return None
        if failure.retry_after is not None:
            return failure.retry_after + RETRY_AFTER_JITTER * self.jitter()
        # Between half of the pause and all of it.
        return FIRST_PAUSE * float(2 ** (tries - 1)) * (1 + self.jitter()) / 2


def is_temporary(failure: Failure) -> bool:
    """Whether the same request may fare better in a moment."""
    if failure.should_retry is not None:
        return failure.should_retry
    return failure.status in {408, 429, 529} or failure.status >= 500


def is_for_another_host(failure: Failure) -> bool:
    """Whether another host may do better: this one is down, overloaded, unpaid, or has no room for the request."""
    return failure.kind in _FOR_ANOTHER_HOST


def _of_all(failures: list[Failure]) -> Failure:
    """The first host's failure, with what the others said."""
    first, *others = failures
    if not others:
        return first
    said = "; ".join(failure.message for failure in others)
    return replace(first, message=f"{first.message} Asked instead: {said}")
