"""What is text, and how it is shown."""

from __future__ import annotations

import codecs
from typing import Final

LINE_LIMIT: Final = 2_000
"""Characters of a line that are shown."""
OUTPUT_LIMIT: Final = 30_000
"""Characters of a result. What is longer buries the conversation."""
_HEAD: Final = 8_192
MARK: Final = "\ufeff"
"""What a file may begin with, and nobody wants to see; it is left in the text by `encoding_of`'s encodings."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def encoding_of(head: bytes) -> str | None:
    """The encoding of a file that begins so; None where it is no text."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head[:_HEAD]:
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def capped(text: str, *, limit: int = OUTPUT_LIMIT) -> str:
    """The beginning and the end of a text that is too long, with a note of what is missing between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    missing = len(text) - 2 * half
    return f"{text[:half]}\n\n... [{missing:,} characters left out] ...\n\n{text[-half:]}"
