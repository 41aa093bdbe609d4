"""What comes of tasks: known from before, or read now, once for all who ask."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.media.kept import Kept
from kimi_cli.media.reader import Reader
from kimi_cli.media.task import Reason, Unreadable

if TYPE_CHECKING:
    from kimi_cli.media.kept import Key
    from kimi_cli.media.task import Outcome, Task

DATA_LIMIT: Final = 44 * 1024 * 1024
"""Characters of base64: files of 33 MB. Anthropic takes 32 MB, and clients keep to that."""
_IN_PASSING: Final = 256 * 1024
"""Characters that are digested on the spot; more than that in a thread, so that no stream waits for it."""
_PASSING: Final = frozenset({Reason.NOT_STARTED})
"""Reasons that may be gone with the next request."""


class Library:
    """Outcomes of tasks, with what was read before. The same bytes have the same outcome on every turn."""

    def __init__(self, *, reader: Reader | None = None, kept: Kept | None = None) -> None:
        self._reader = reader or Reader()
        self._kept = kept or Kept()
        self._readings: dict[Key, _Reading] = {}
        self._tasks: set[asyncio.Task[Outcome]] = set()

    async def outcomes(self, asked: list[tuple[Task, str]]) -> list[Outcome]:
        """What comes of each task with its base64."""
        keys = await _keys(asked)
        known = {key: outcome for key in keys if key is not None and (outcome := self._kept.get(key)) is not None}
        new = {key: one for key, one in zip(keys, asked, strict=True) if key is not None and key not in known}
        # With exceptions among the results, it comes back when all have ended, also where it is cancelled.
        read = await asyncio.gather(*(self._read(key, *one) for key, one in new.items()), return_exceptions=True)
        for key, result in zip(new, read, strict=True):
            if isinstance(result, BaseException):
                raise result
            known[key] = result
        return [Unreadable(Reason.TOO_LARGE) if key is None else known[key] for key in keys]

    async def close(self) -> None:
        """End every process that still reads."""
        for task in self._tasks:
            if not task.cancelling():  # what ends already would leave its process in the middle of that
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, key: Key, task: Task, data: str) -> Outcome:
        """Read, or wait for what another request has begun; the last one to leave ends it."""
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = _Reading(asyncio.create_task(self._reader.read(task, data)))
            self._tasks.add(reading.task)
            reading.task.add_done_callback(self._tasks.discard)
        reading.waiting += 1
        try:
            outcome = await asyncio.shield(reading.task)
        finally:
            reading.waiting -= 1
            if self._readings.get(key) is reading and (reading.task.done() or not reading.waiting):
                del self._readings[key]
            if not reading.waiting and not reading.task.done():
                reading.task.cancel()
                await asyncio.wait([reading.task])
        if not (isinstance(outcome, Unreadable) and outcome.reason in _PASSING):
            self._kept.put(key, outcome)
        return outcome


@dataclass(slots=True, eq=False)
class _Reading:
    """A task that is carried out, and how many wait for it."""

    task: asyncio.Task[Outcome]
    waiting: int = 0


async def _keys(asked: list[tuple[Task, str]]) -> list[Key | None]:
    """One for each, or None for what is too large to be looked at."""

    def digest() -> list[Key | None]:
        return [_key(task, data) if len(data) <= DATA_LIMIT else None for task, data in asked]

    if sum(len(data) for _, data in asked) <= _IN_PASSING:
        return digest()
    return await asyncio.to_thread(digest)


def _key(task: Task, data: str) -> Key:
    return hashlib.sha256(data.encode("utf-8", "surrogatepass")).digest(), task
