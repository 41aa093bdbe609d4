"""What the model is told: the text of a PDF, what became of an image, and what could not be read.

Every sentence depends on the bytes and the model alone, so that a conversation's earlier turns stay as they were.
"""

from __future__ import annotations

import re
from typing import Final

from kimi_cli.media.task import PdfText, Picture, Reason, Unreadable

_PDF_REASONS: Final = {
    Reason.BROKEN: "it is damaged, or not a PDF",
    Reason.ENCRYPTED: "it is encrypted, and cannot be opened without its password",
    Reason.EMPTY: "it holds no text, only images, as a scan does",
    Reason.TOO_LARGE: "the file is too large",
    Reason.TOO_SLOW: "reading it took too long; fewer of its pages may be readable",
    Reason.TOO_MUCH: "reading it takes too much memory; fewer of its pages may be readable",
}
_IMAGE_REASONS: Final = {
    Reason.BROKEN: "it is damaged or cut short",
    Reason.UNKNOWN: "it is of a type that the model cannot be shown; PNG, JPEG, GIF and WebP can be",
    Reason.TOO_LARGE: "it is too large; a smaller one can be shown",
    Reason.TOO_SLOW: "decoding it took too long; a smaller one may be shown",
    Reason.TOO_MUCH: "decoding it takes too much memory; a smaller one may be shown",
}
_OTHER_REASON: Final = "the process that was to read it failed"
ONE_TOO_MANY: Final = "[image left out: the host takes no more images in one request, and newer ones follow]"
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,30}/[a-z0-9.+-]{1,50}")


def pdf_text(outcome: PdfText, *, title: str, context: str = "") -> str:
    """A PDF as a model reads it; `title` and `context` are the client's, and its own title stands in for none."""
    name = _name(title or outcome.title)
    heading = f"[text extracted from the PDF{name}, {_pages(outcome.pages)}; images and layout are left out]"
    text = "\n\n".join(part for part in (heading, context, outcome.text) if part)
    if not outcome.is_cut and outcome.read == outcome.pages:
        return text
    where = f"on page {outcome.read}" if outcome.is_cut else f"after page {outcome.read}"
    return f"{text}\n\n[cut off {where} of {outcome.pages}, because it is too long; the rest can be read by its pages]"


def unread_pdf(outcome: Unreadable, *, title: str) -> str:
    """What is said in place of a PDF that could not be read."""
    pages = f", {_pages(outcome.pages)}," if outcome.pages else ""
    return f"[the PDF{_name(title)}{pages} could not be read: {_PDF_REASONS.get(outcome.reason, _OTHER_REASON)}]"


def changed_picture(outcome: Picture) -> str:
    """What is said before an image that is less than the one that came; empty where it is not."""
    said: list[str] = []
    if outcome.frames > 1:
        said.append(f"the first of {outcome.frames} frames")
    if outcome.goes < outcome.came:
        said.append(f"scaled down from {_size(outcome.came)} to {_size(outcome.goes)} pixels")
    return f"[the image that follows is {', '.join(said)}]" if said else ""


def unseen_picture(outcome: Unreadable, *, media_type: str) -> str:
    """What is said in place of an image that could not be read; `media_type` is what the client said it was."""
    kind = f"image ({media_type})" if _MEDIA_TYPE.fullmatch(media_type) else "image"
    return f"[{kind} left out: {_IMAGE_REASONS.get(outcome.reason, _OTHER_REASON)}]"


def _name(title: str) -> str:
    return f' "{title}"' if title else ""


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count} pages"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
