"""The usage ledger as a process that serves requests writes it: noted at once, on disk about a second later.

All entries of that second are written in one go. A process that is killed loses no more than they.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from kimi_cli.store.ledger_files import FILE_BYTES, TOTAL_BYTES, append

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kimi_cli.store.ledger_entry import Entry

_log = logging.getLogger(__name__)

FLUSH_SECONDS: Final = 1.0
"""Between an entry and its being written: what a process that is killed loses, at most."""
PENDING: Final = 10_000
"""Entries that wait while the disk takes none; the oldest are lost first."""


class Ledger:
    """Takes entries from the event loop, and writes them to the files in `directory` as long as `run` runs.

    Entries that cannot be written are tried again with the next one, and the log says so once.
    """

    def __init__(self, directory: Path, *, file_bytes: int = FILE_BYTES, total_bytes: int = TOTAL_BYTES) -> None:
        self._directory, self._file_bytes, self._total_bytes = directory, file_bytes, total_bytes
        self._pending: deque[Entry] = deque(maxlen=PENDING)
        self._noted, self._closing = asyncio.Event(), asyncio.Event()
        self._writing = asyncio.Lock()
        self._is_failing = False

    def note(self, entry: Entry) -> None:
        """Takes an entry in. Costs next to nothing, and never fails."""
        self._pending.append(entry)
        self._noted.set()

    async def run(self) -> None:
        """Writes what comes, until `close` is called."""
        while not self._closing.is_set():
            await self._noted.wait()
            try:
                await asyncio.wait_for(self._closing.wait(), FLUSH_SECONDS)
            except TimeoutError:
                await self._flush()

    async def close(self) -> None:
        """Writes the rest, and lets `run` end."""
        self._closing.set()
        self._noted.set()
        await self._flush()

    async def _flush(self) -> None:
        async with self._writing:
            self._noted.clear()
            entries = tuple(self._pending)
            self._pending.clear()
            if entries:
                # In a thread, for a home directory may be on a slow disk.
                left = await asyncio.to_thread(self._write, entries)
                noted = (*left, *self._pending)
                self._pending.clear()
                self._pending.extend(noted)

    def _write(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Writes entries, and returns those that could not be."""
        try:
            while entries:
                entries = append(self._directory, entries, file_bytes=self._file_bytes, total_bytes=self._total_bytes)
        except OSError as error:
            if not self._is_failing:
                fields = {"directory": self._directory, "reason": error.strerror or str(error)}
                _log.warning("usage not recorded", extra={"fields": fields})
            self._is_failing = True
        else:
            self._is_failing = False
        return entries
