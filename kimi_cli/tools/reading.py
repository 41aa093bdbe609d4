"""Read and LS."""

from __future__ import annotations

import base64
import codecs
from fnmatch import fnmatch
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.text import LINE_LIMIT, MARK, encoding_of
from kimi_cli.wire.foreign import a_string, an_int, strings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from kimi_cli.tools.place import Place
    from kimi_cli.wire.foreign import JsonObject

LINES: Final = 2_000
READ_LIMIT: Final = 256 * 1024
"""Bytes of a file that is shown as a whole."""
IMAGE_LIMIT: Final = 5 * 1024 * 1024
ENTRIES: Final = 1_000
PDF_LIMIT: Final = 20 * 1024 * 1024
_PDF: Final = b"%PDF-"
_PIECE: Final = 256 * 1024
_IMAGES: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_EMPTY: Final = "<system-reminder>Warning: the file exists but the contents are empty.</system-reminder>"
_HIDDEN: Final = ("__pycache__",)


def read(given: JsonObject, place: Place) -> str | Sequence[JsonObject]:
    """A file's lines with their numbers, or its picture, or a PDF as it is."""
    name = a_string(given.get("file_path"))
    offset, limit = max(1, an_int(given.get("offset")) or 1), an_int(given.get("limit"))
    with place.reading(name) as file:
        head = file.read(8_192)
        if media_type := _media_type(head):
            return _picture(file, head, media_type)
        if head.startswith(_PDF):
            return _document(file, head, PurePath(name).name)
        encoding = encoding_of(head)
        if encoding is None:
            kind = PurePath(name).suffix or "unnamed"
            raise ToolError(f"This tool cannot read binary files. The file appears to be a binary {kind} file.")
        size = file.seek(0, 2)
        if size > READ_LIMIT and limit is None:
            text = f"File content ({size / 1024:.0f}KB) exceeds maximum allowed size ({READ_LIMIT // 1024}KB)."
            raise ToolError(f"{text} Read it in parts with offset and limit, or search it with Grep.")
        if size == 0:
            return _EMPTY
        file.seek(0)
        lines = _lines(file, encoding, place, offset=offset, limit=LINES if limit is None else max(1, limit))
    if not lines:
        return f"<system-reminder>Warning: the file is shorter than the provided offset ({offset}).</system-reminder>"
    return "\n".join(f"{number}\t{line}" for number, line in enumerate(lines, offset))


def list_directory(given: JsonObject, place: Place) -> str:
    """A directory and what is below it, as a tree."""
    name = a_string(given.get("path")) or str(place.root)
    ignored = strings(given.get("ignore"))
    top: str | None = None
    shown: list[str] = []
    for directory, folders, files in place.walk(name):
        depth = 0 if top is None else len(directory.relative_to(top).parts)
        if top is None:
            top = str(directory)
        shown.append(f"{'  ' * depth}- {f'{directory}/' if depth == 0 else f'{directory.name}/'}")
        folders[:] = [name for name in folders if _is_listed(name, ignored)]
        shown += (f"{'  ' * (depth + 1)}- {name}" for name in files if _is_listed(name, ignored))
        if len(shown) > ENTRIES:
            note = f"There are more than {ENTRIES:,} files and directories here; list one of them, or use Glob."
            return "\n".join([*shown[:ENTRIES], "", note])
    return "\n".join(shown)


def _is_listed(name: str, ignored: Sequence[str]) -> bool:
    return not (name.startswith(".") or name in _HIDDEN or any(fnmatch(name, pattern) for pattern in ignored))


def _lines(file: IO[bytes], encoding: str, place: Place, *, offset: int, limit: int) -> list[str]:
    """Some lines of a file, without their ends; what no line should have is cut, and so is what all together should.

    Nothing is held of what is not shown, so that a file that is one line of many gigabytes does no harm.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    shown: list[str] = []
    number, line, length, total = 1, "", 0, 0
    is_first = True

    def end_line() -> bool:
        """Whether another one is wanted."""
        nonlocal number, line, length, total
        if number >= offset:
            text = line.removesuffix("\r")
            shown.append(text if length <= LINE_LIMIT else f"{text}... [line cut]")
            total += len(text) + 8
            if total > READ_LIMIT:
                shown[-1] += f"\n[cut here; read on with offset {number + 1}]"
                return False
        number, line, length = number + 1, "", 0
        return len(shown) < limit

    while data := file.read(_PIECE):
        place.check_time()
        pieces = decoder.decode(data).split("\n")
        if is_first:
            pieces[0], is_first = pieces[0].removeprefix(MARK), False
        for index, piece in enumerate(pieces):
            if index and not end_line():
                return shown
            line += piece[: max(0, LINE_LIMIT - len(line))]
            length += len(piece)
    if length:
        end_line()
    return shown


def _media_type(head: bytes) -> str | None:
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for mark, kind in _IMAGES.items() if head.startswith(mark)), None)


def _picture(file: IO[bytes], head: bytes, media_type: str) -> list[JsonObject]:
    return [{"type": "image", "source": _source(file, head, media_type, limit=IMAGE_LIMIT)}]


def _document(file: IO[bytes], head: bytes, name: str) -> list[JsonObject]:
    """A PDF, which becomes its text on the way to the host."""
    return [{"type": "document", "source": _source(file, head, "application/pdf", limit=PDF_LIMIT), "title": name}]


def _source(file: IO[bytes], head: bytes, media_type: str, *, limit: int) -> JsonObject:
    data = head + file.read(limit + 1 - len(head))
    if len(data) > limit:
        raise ToolError(f"The file is larger than {limit // 1024 // 1024} MB.")
    return {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
