"""The usage ledger's files: one for each month, read line by line, with a bound on all of them together."""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from kimi_cli.store.files import PRIVATE_FILE, ensure_private_dir
from kimi_cli.store.ledger_entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

LEDGER_NAME: Final = r"usage-(?P<month>\d{4}-\d{2})(?:\.(?P<part>[1-9]\d{0,3}))?\.jsonl"
"""The form of a file's name: a month in UTC, and where that has several files, which."""
FILE_BYTES: Final = 32 * 1024 * 1024
"""What a file may have before another is begun: a hundred thousand answers."""
TOTAL_BYTES: Final = 256 * 1024 * 1024
"""All files together; the oldest go first. At two thousand answers a day that is more than a year."""
_NAME: Final = re.compile(LEDGER_NAME)


def append(
    directory: Path, entries: Sequence[Entry], *, file_bytes: int = FILE_BYTES, total_bytes: int = TOTAL_BYTES
) -> Sequence[Entry]:
    """Writes the first entries, those of one month, in one write; any number of processes may do so at once.

    Returns the entries that are still to be written.

    Raises:
        OSError: none could be written.
    """
    ensure_private_dir(directory)
    month = _month_of(entries[0].time)
    count = next((at for at, entry in enumerate(entries) if _month_of(entry.time) != month), len(entries))
    lines = [entry.to_line() for entry in entries[:count]]
    path = _file_for(directory, month, limit=file_bytes)
    is_new = not path.exists()
    written = _append(path, lines)
    if is_new:
        _make_room(directory, limit=total_bytes)
    if not written:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return entries[written:]


def ledger_files(directory: Path) -> tuple[Path, ...]:
    """The ledger's files, the oldest first. Anything else in the directory is passed over."""
    try:
        found = [(match["month"], int(match["part"] or 0), path) for path, match in _matching(directory.iterdir())]
    except OSError:  # there is none, or it may not be read
        return ()
    return tuple(path for *_, path in sorted(found))


class LedgerReader:
    """The entries of all files, from `since` on, in seconds since the epoch; one month after the other.

    What cannot be read is passed over: `skipped` counts lines, half ones included, and `unreadable` names files, once
    the entries have been gone through.
    """

    def __init__(self, directory: Path, *, since: float | None = None) -> None:
        self._directory, self._since = directory, since
        self.skipped = 0
        self.unreadable: list[Path] = []

    def __iter__(self) -> Iterator[Entry]:
        first = None if self._since is None else _month_of(self._since)
        for path, match in _matching(ledger_files(self._directory)):
            if first is None or match["month"] >= first:
                yield from self._entries(path)

    def _entries(self, path: Path) -> Iterator[Entry]:
        try:
            with path.open("rb") as file:
                for line in file:
                    try:
                        entry = Entry.from_line(line)
                    except ValueError:
                        self.skipped += bool(line.strip())
                        continue
                    if self._since is None or entry.time >= self._since:
                        yield entry
        except OSError:
            self.unreadable.append(path)


def _matching(paths: Iterable[Path]) -> Iterator[tuple[Path, re.Match[str]]]:
    """Those of the paths that have the name of one of the ledger's files."""
    return ((path, match) for path in paths if (match := _NAME.fullmatch(path.name)))


def _month_of(time: float) -> str:
    """The month of a moment, as files are named after it."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m")


def _file_for(directory: Path, month: str, *, limit: int) -> Path:
    """The month's last file, or the next one where that is full."""
    part = 0
    for file, match in _matching(ledger_files(directory)):
        if match["month"] == month:
            part = int(match["part"] or 0)
            with suppress(FileNotFoundError):
                part += file.stat().st_size >= limit
    return directory / f"usage-{month}{f'.{part}' if part else ''}.jsonl"


def _append(path: Path, lines: Sequence[bytes]) -> int:
    """Adds lines in one write, and returns how many of them are there whole."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    for name in ("O_BINARY", "O_NOFOLLOW", "O_CLOEXEC"):  # each is missing where it has no meaning
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags, PRIVATE_FILE)
    try:
        # Half a line is there of somebody who was killed, or whose disk was full: it spoils no more than itself.
        torn = os.lseek(descriptor, 0, os.SEEK_END) > 0
        if torn:
            os.lseek(descriptor, -1, os.SEEK_END)
            torn = os.read(descriptor, 1) != b"\n"
        data = b"\n" * torn + b"".join(lines)
        return max(0, data[: os.write(descriptor, data)].count(b"\n") - torn)
    finally:
        os.close(descriptor)


def _make_room(directory: Path, *, limit: int) -> None:
    """Removes the oldest files, but never the newest, until all have no more than `limit` bytes."""
    sizes: dict[Path, int] = {}
    for file in ledger_files(directory):
        with suppress(OSError):
            sizes[file] = file.stat().st_size
    total = sum(sizes.values())
    for file in list(sizes)[:-1]:
        if total <= limit:
            break
        with suppress(OSError):
            file.unlink()
            total -= sizes[file]
