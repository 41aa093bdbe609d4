"""The log: one JSON object a line, in a file that turns over by size, without keys, tokens or bodies.

Modules log as usual, `logging.getLogger(__name__)`, with what belongs to the event in `extra={"fields": {...}}`.
"""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import dumps_text
from kimi_cli.wire.refusal import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from io import TextIOWrapper

SIZE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of one file; with the older ones the log stays below 16 MB."""
OLDER_FILES: Final = 3
_PRIVATE: Final = 0o600
_CONCEALED: Final = "[redacted]"
_SHORT: Final = 64


def start_logging(path: Path, *, debug: bool, secrets: Callable[[], Iterable[str]]) -> None:
    """Sends everything that is logged to `path`. A log that cannot be written is done without.

    `secrets` gives every text that must not appear, as of now; they are kept out of exceptions' texts too.
    """
    logging.raiseExceptions = False  # a full disk is no reason to fail, nor to write about it to stderr
    root = logging.getLogger()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler: logging.Handler = _PrivateFileHandler(path)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(_JsonLines(secrets))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("kimi_cli").setLevel(logging.DEBUG if debug else logging.INFO)


class _PrivateFileHandler(RotatingFileHandler):
    """A rotating file with mode 0600 that several processes may share: whoever finds it turned over opens it anew."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=SIZE_LIMIT, backupCount=OLDER_FILES, encoding="utf-8")
        self._path = Path(self.baseFilename)

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _PRIVATE)
        return open(descriptor, "a", encoding="utf-8")  # noqa: PTH123 - opened with a mode of its own

    def shouldRollover(self, record: logging.LogRecord) -> int:  # noqa: N802, ARG002 - as the standard library has it
        """Looks at the file that is there, once: other processes write to it, and move it away."""
        if self.stream is not None and self._has_moved(self.stream):
            self.stream.close()
            self.stream = self._open()
        return self.stream is not None and os.fstat(self.stream.fileno()).st_size >= self.maxBytes

    def doRollover(self) -> None:  # noqa: N802 - as above
        with suppress(OSError):  # what cannot be turned over now is written to all the same, and tried again
            super().doRollover()

    def rotate(self, source: str, dest: str) -> None:
        """Renames the file; where that is forbidden, empties it, so that it never grows beyond its size for good.

        Windows forbids it while any process has the file open, as this one has for its stderr.
        """
        try:
            Path(source).replace(dest)
        except FileNotFoundError:  # another process was faster
            return
        except OSError:
            with suppress(OSError):
                descriptor = os.open(dest, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
                with open(descriptor, "wb") as copy, Path(source).open("rb") as original:  # noqa: PTH123 - as above
                    shutil.copyfileobj(original, copy)
            os.truncate(source, 0)

    def _has_moved(self, stream: TextIOWrapper) -> bool:
        try:
            return not os.path.samestat(os.fstat(stream.fileno()), self._path.stat())
        except OSError:
            return True


class _JsonLines(logging.Formatter):
    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {"event": record.getMessage()}
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            said |= fields
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        secrets = tuple(self._secrets())
        return dumps_text(
            {
                "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
                "level": record.levelname.lower(),
                "pid": record.process,
                **{name: _clean(value, secrets) for name, value in said.items()},
            }
        )


def _clean(value: object, secrets: Iterable[str]) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case list() | tuple():
            return [_clean(item, secrets) for item in value]
        case _:
            return _without(secrets, str(value))


def _without(secrets: Iterable[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, _CONCEALED)
    return _redacted(text) if len(text) <= _SHORT else redact(text)


@lru_cache(maxsize=256)
def _redacted(text: str) -> str:
    """What is short, as the names of sessions, models and events are, comes again and again."""
    return redact(text)
