"""A proxy's log, from its oldest file to the last line, and what is added to it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from kimi_cli.errors import KimiError
from kimi_cli.store.remedy import read_remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

Identity: TypeAlias = tuple[int, int]
"""Device and inode: a file under whatever name."""


class LogReader:
    """Reads a log that turns over by size: `NAME`, and the older `NAME.1`, `NAME.2` and so on.

    It remembers the file that it is in and the place, so that nothing is read twice or passed over when the file is
    renamed. A file that has become shorter is read from its beginning.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at: Identity | None = None
        self._offset = 0
        self._held: IO[bytes] | None = None
        self._seen: tuple[Identity, int] | None = None
        self._half = b""

    def lines(self) -> Iterator[bytes]:
        """The whole lines that this reader has not given yet, oldest first, without their ends.

        Raises:
            KimiError: a file cannot be read.
        """
        try:
            if self._looked_at() != self._seen or self._seen is None:
                yield from self._unread()
        except OSError as error:
            path, reason = Path(error.filename or self._path), error.strerror or error
            raise KimiError(f"The log {path} cannot be read ({reason}).", fix=read_remedy(path, error)) from error

    def half_line(self) -> bytes:
        """What stands after the last whole line: it is being written, or its writer has died."""
        return self._half

    def close(self) -> None:
        """Lets go of the file."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def _looked_at(self) -> tuple[Identity, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return (found.st_dev, found.st_ino), found.st_size

    def _unread(self) -> Iterator[bytes]:
        files = self._open_unread()
        try:
            for file in reversed(files):
                yield from self._rest_of(file, is_newest=file is files[0])
            if files:
                self._hold(files[0])
        finally:
            for file in files:
                if file is not self._held:
                    file.close()

    def _open_unread(self) -> list[IO[bytes]]:
        """The files with something new in them, newest first, down to the one that was read last.

        In this order a file that is renamed meanwhile is met twice, which is noticed; the other way round it would be
        missed.
        """
        files: list[IO[bytes]] = []
        seen: set[Identity] = set()
        for number in range(self._oldest_number() + 2):  # one more, as it may just be made
            path = self._path.with_name(f"{self._path.name}.{number}") if number else self._path
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            identity = _identity(file)
            if identity in seen:
                file.close()
                continue
            seen.add(identity)
            files.append(file)
            if identity == self._at:
                return files
        if self._held is not None:  # it has been removed since
            files.append(self._held)
        return files

    def _oldest_number(self) -> int:
        numbered = re.compile(rf"{re.escape(self._path.name)}\.(\d{{1,4}})", re.ASCII)
        try:
            names = [entry.name for entry in self._path.parent.iterdir()]
        except FileNotFoundError:
            return 0
        return max((int(found[1]) for name in names if (found := numbered.fullmatch(name))), default=0)

    def _rest_of(self, file: IO[bytes], *, is_newest: bool) -> Iterator[bytes]:
        identity, size = _identity(file), os.fstat(file.fileno()).st_size
        if identity != self._at or size < self._offset:
            self._at, self._offset = identity, 0
        file.seek(self._offset)
        self._half = b""
        for raw in file:
            if is_newest and not raw.endswith(b"\n"):
                self._half = raw
                break
            self._offset += len(raw)
            yield raw.rstrip(b"\r\n")
        self._seen = identity, self._offset + len(self._half)

    def _hold(self, file: IO[bytes]) -> None:
        """Keeps the newest file open, so that no other file can get its inode and pass for it.

        Windows gives no number twice, and would not let the proxy rename a file that we hold.
        """
        if sys.platform != "win32" and file is not self._held:
            self.close()
            self._held = file


def _identity(file: IO[bytes]) -> Identity:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino
