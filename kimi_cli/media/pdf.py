"""Text out of a PDF.

pypdf is pure Python: what a hostile file can do to it is to take time and memory, and of both there is only so much.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError

from kimi_cli.media.task import Outcome, PdfText, Reason, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimi_cli.media.task import PdfTask

NO_TEXT: Final = "(no text on this page)"
NOT_READ: Final = "(this page could not be read)"
_TITLE_LIMIT: Final = 200
_UNSEEN: Final = {number: None for number in range(32) if chr(number) not in "\n\t"} | {0x7F: None}


def extract(data: bytes, task: PdfTask) -> Outcome:
    """The text of a PDF, page by page, the same for the same bytes."""
    try:
        reader = PdfReader(BytesIO(data))
        pages = len(reader.pages)
    except (FileNotDecryptedError, DependencyError, NotImplementedError):
        return Unreadable(Reason.ENCRYPTED)  # by a password, or in a way that is not known here
    if not pages:
        return Unreadable(Reason.BROKEN)
    text, read, is_cut, is_empty = _collect(reader, pages, task)
    if is_empty:
        return Unreadable(Reason.EMPTY, pages)
    return PdfText(pages, read, is_cut, _title(reader), text)


def _collect(reader: PdfReader, pages: int, task: PdfTask) -> tuple[str, int, bool, bool]:
    """Text, pages in it, whether the last one is cut, whether there is no text at all."""
    parts: list[str] = []
    room, read, is_empty = task.characters, 0, True
    for heading, text in _pages(reader, min(pages, task.pages)):
        is_empty = is_empty and text == NO_TEXT
        if room <= len(heading):
            return "\n\n".join(parts), read, False, is_empty
        read += 1
        part = heading + text
        parts.append(part[:room])
        if len(part) > room:
            return "\n\n".join(parts), read, True, is_empty
        room -= len(part) + len("\n\n")
    if read == pages and (fields := _fields(reader)):
        is_empty = False
        part = f"[form fields]\n{fields}"
        parts.append(part[:room])
        return "\n\n".join(parts), read, len(part) > room, is_empty
    return "\n\n".join(parts), read, False, is_empty


def _pages(reader: PdfReader, count: int) -> Iterator[tuple[str, str]]:
    for index in range(count):
        try:
            text = clean(reader.pages[index].extract_text()) or NO_TEXT
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - hostile bytes raise anything; the other pages may be well
            text = NOT_READ
        yield f"[page {index + 1}]\n", text


def _fields(reader: PdfReader) -> str:
    """What is filled in, which is no part of any page."""
    try:
        filled = reader.get_form_text_fields()
        return clean("\n".join(f"{name}: {value}" for name, value in filled.items() if value))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - as above
        return ""


def _title(reader: PdfReader) -> str:
    try:
        title = reader.metadata.title if reader.metadata is not None else None
        return " ".join(clean(str(title or "")).split())[:_TITLE_LIMIT]
    except Exception:  # noqa: BLE001 - as above, and a title is worth no failure
        return ""


def clean(text: str) -> str:
    """Text that any host takes: whole characters, none that cannot be seen, no space at the ends of lines."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "\n".join(line.rstrip() for line in whole.translate(_UNSEEN).splitlines()).strip("\n")
