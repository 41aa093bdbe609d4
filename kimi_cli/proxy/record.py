"""Recorded bodies: what was asked and answered, in private files, for sessions that ask for it.

Headers are not recorded, so no key is among what is written; tokens and keys in use are struck out all the same, for a
tool may have read them aloud. A record that cannot be written is done without: it is never worth a request.
"""

from __future__ import annotations

import json
import logging
import os
import re
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from kimi_cli.store.bodies import Part, recorded_bodies
from kimi_cli.store.files import PRIVATE_FILE, ensure_private_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_log = logging.getLogger(__name__)

TOTAL_BYTES: Final = 256 * 1024 * 1024
"""All records together; a long conversation with Claude Code takes about one megabyte a request."""
_ROOM: Final = 0.9
"""How much of the limit is left after old records were removed, so that not every write removes some."""
_CONCEALED: Final = b"[redacted]"


class Recorder:
    """The records of one process, in `directory`. `secrets` gives every text that must not appear, as of now.

    All records, those of earlier processes included, have at most `limit` bytes: the oldest go first. One that is
    being written stays, and breaks off where there is no other to remove. What another process adds meanwhile counts
    from the next removal on.
    """

    def __init__(self, directory: Path, *, secrets: Callable[[], Iterable[str]], limit: int = TOTAL_BYTES) -> None:
        self._directory, self._secrets, self._limit = directory, secrets, limit
        self._total: int | None = None
        self._open: set[str] = set()

    def open(self, request_id: str) -> Record:
        """A record for one request, to be closed."""
        self._open.add(request_id)
        return Record(self, request_id, Redaction(self._secrets()))

    def create(self, request_id: str, part: Part) -> IO[bytes]:
        """A new file for one part of a request.

        Raises:
            OSError: it cannot be made.
        """
        ensure_private_dir(self._directory)
        if self._total is None:
            _log.warning("recording bodies", extra={"fields": {"directory": self._directory}})
            self._total = sum(recorded.size for recorded in recorded_bodies(self._directory))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self._directory / f"{request_id}.{part}", flags, PRIVATE_FILE)
        # Unbuffered: what the proxy has passed on is recorded, even if it is killed the next moment.
        return open(descriptor, "wb", buffering=0)  # noqa: PTH123 - it is a descriptor

    def make_room(self, size: int) -> bool:
        """Counts bytes that are about to be written, and removes old records for them; False where there is no room."""
        self._total = (self._total or 0) + size
        if self._total <= self._limit:
            return True
        records = recorded_bodies(self._directory)
        self._total = size + sum(recorded.size for recorded in records)
        for recorded in records:
            if self._total <= self._limit * _ROOM:
                break
            if recorded.request_id not in self._open:
                with suppress(OSError):
                    for file in recorded.files:
                        file.unlink(missing_ok=True)
                    self._total -= recorded.size
        return self._total <= self._limit

    def closed(self, request_id: str) -> None:
        """A record is complete, and may be removed when its time has come."""
        self._open.discard(request_id)


class Record:
    """What is recorded of one request."""

    def __init__(self, recorder: Recorder, request_id: str, redaction: Redaction) -> None:
        self._recorder, self._request_id, self._redaction = recorder, request_id, redaction
        self._files: dict[Part, IO[bytes]] = {}
        self._held: dict[Part, bytes] = {}
        self._is_broken = False

    def add(self, part: Part, data: bytes) -> None:
        """Adds to one part. It is on disk when this returns, up to the few bytes that may begin a secret."""
        clean, self._held[part] = self._redaction.feed(self._held.get(part, b"") + data)
        self._write(part, clean)

    def close(self) -> None:
        """Writes what was held back; nothing is added from here on."""
        for part, held in self._held.items():
            self._write(part, self._redaction.finish(held))
        self._held.clear()
        for file in self._files.values():
            with suppress(OSError):
                file.close()
        self._recorder.closed(self._request_id)

    def _write(self, part: Part, data: bytes) -> None:
        if self._is_broken:
            return
        try:
            if part not in self._files:
                self._files[part] = self._recorder.create(self._request_id, part)
            if not self._recorder.make_room(len(data)):
                self._break_off("there is no room left")
                return
            rest = memoryview(data)
            while rest:
                rest = rest[self._files[part].write(rest) :]
        except OSError as error:
            self._break_off(error.strerror or str(error))

    def _break_off(self, reason: str) -> None:
        self._is_broken = True
        fields = {"request_id": self._request_id, "reason": reason}
        _log.warning("bodies not recorded", extra={"fields": fields})


class Redaction:
    """Strikes secrets out of a text that comes in pieces. As long as a secret may have begun, its beginning is held."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in (secret, json.dumps(secret)[1:-1])}
        texts = sorted((form.encode() for form in forms), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, texts))) if texts else None
        self._reach = len(texts[0]) - 1 if texts else 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What can be written of `data`, clean, and the rest, which has to stand before what comes next."""
        end, clean = max(0, len(data) - self._reach), bytearray()
        at = 0
        # A secret that begins before `end` is in `data` as a whole, whichever it is.
        for found in self._pattern.finditer(data) if self._pattern else ():
            if found.start() >= end:
                break
            clean += data[at : found.start()] + _CONCEALED
            at = found.end()
        return bytes(clean + data[at : max(at, end)]), data[max(at, end) :]

    def finish(self, rest: bytes) -> bytes:
        """The rest, clean, where nothing comes next."""
        return self._pattern.sub(_CONCEALED, rest) if self._pattern else rest
