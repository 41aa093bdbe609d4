"""A clock that stands still until a test moves it, in place of the event loop's."""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(order=True)
class Timer:
    """A call to come."""

    when: float
    order: int
    callback: Callable[[], object] = field(compare=False)
    is_cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Do not call."""
        self.is_cancelled = True


class StoppedClock:
    """Seconds, from 1,000 on."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._timers: list[Timer] = []
        self._orders = count()

    def time(self) -> float:
        return self._now

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        timer = Timer(self._now + delay, next(self._orders), callback)
        heapq.heappush(self._timers, timer)
        return timer

    @property
    def timers(self) -> int:
        """How many calls are to come."""
        return sum(not timer.is_cancelled for timer in self._timers)

    async def move(self, seconds: float) -> None:
        """Let time go by, and whoever was waiting for it run."""
        end = self._now + seconds
        while self._timers and self._timers[0].when <= end:
            timer = heapq.heappop(self._timers)
            if not timer.is_cancelled:
                self._now = max(self._now, timer.when)
                timer.callback()
                await settled()
        self._now = end
        await settled()

    async def move_on(self) -> float:
        """Let time go by until the next call is due; gives the seconds."""
        seconds = min(timer.when for timer in self._timers if not timer.is_cancelled) - self._now
        await self.move(seconds)
        return seconds


async def settled() -> None:
    """Let every task run until all of them wait for something outside."""
    for _ in range(20):
        await asyncio.sleep(0)
