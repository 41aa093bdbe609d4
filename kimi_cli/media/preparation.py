"""A request in, the request that a host takes out: PDFs are text in it, and images are within the limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.media.library import Library
from kimi_cli.media.places import media_of, with_others
from kimi_cli.media.task import ImageTask, PdfTask, PdfText, Picture, Reason, Unreadable
from kimi_cli.media.wording import ONE_TOO_MANY, changed_picture, pdf_text, unread_pdf, unseen_picture
from kimi_cli.providers.image_limits import CAUTIOUS
from kimi_cli.wire.foreign import a_string, an_object

if TYPE_CHECKING:
    from kimi_cli.media.task import Outcome
    from kimi_cli.providers.image_limits import ImageLimits
    from kimi_cli.providers.model import Model
    from kimi_cli.wire.foreign import JsonObject

PDF_PAGES: Final = 300
PDF_CHARACTERS: Final = 200_000
"""About 50,000 tokens, or seventy pages full of text."""
_PDF_TYPE: Final = "application/pdf"
_PDF_START: Final = "JVBERi"
"""`%PDF-` in base64: what begins so is a PDF whatever it is called."""
_TITLE_LIMIT: Final = 200
_LOOKED_AT: Final = 2
"""How many times the images that a request may have are looked at, newest first: some may turn out unreadable."""


class Media:
    """Prepares the requests of a process. Make it in the running event loop, and close it there."""

    def __init__(self, *, library: Library | None = None) -> None:
        self._library = library or Library()

    async def prepare(self, body: JsonObject, model: Model, *, limits: ImageLimits = CAUTIOUS) -> JsonObject:
        """The request as the model's host takes it: the very same object where there was nothing to do.

        The same bytes become the same text on every turn. What cannot be read is named to the model, with the reason.
        """
        media = media_of(body)
        if not media:
            return body
        blocks = [block for block in media if model.vision and _is_image(block)]
        looked_at = limits.count * _LOOKED_AT
        instead = {id(block): [_text(block, ONE_TOO_MANY)] for block in blocks[:-looked_at]}
        images = [_Image(block, limits) for block in blocks[-looked_at:]]
        items: list[_Pdf | _Image] = [*(_Pdf(block) for block in media if _is_pdf(block)), *images]
        outcomes = await self._library.outcomes([(item.task, item.data) for item in items])
        for item, outcome in zip(items, outcomes, strict=True):
            if (others := item.blocks(outcome)) is not None:
                instead[id(item.block)] = others
        instead |= _surplus(images, instead, limits)
        return with_others(body, instead) if instead else body

    async def close(self) -> None:
        """End every process that still reads."""
        await self._library.close()


@dataclass(frozen=True, slots=True)
class _Pdf:
    block: JsonObject

    @property
    def data(self) -> str:
        return _data(self.block)

    @property
    def task(self) -> PdfTask:
        return PdfTask(PDF_PAGES, PDF_CHARACTERS)

    def blocks(self, outcome: Outcome) -> list[JsonObject]:
        """What is put in its place."""
        title = " ".join(a_string(self.block.get("title")).split())[:_TITLE_LIMIT]
        if isinstance(outcome, PdfText):
            text = pdf_text(outcome, title=title, context=a_string(self.block.get("context")))
        else:
            text = unread_pdf(_reason(outcome), title=title)
        return [_text(self.block, text)]


@dataclass(frozen=True, slots=True)
class _Image:
    block: JsonObject
    limits: ImageLimits

    @property
    def data(self) -> str:
        return _data(self.block)

    @property
    def task(self) -> ImageTask:
        return ImageTask(self.limits.side, self.limits.pixels, self.limits.size)

    def blocks(self, outcome: Outcome) -> list[JsonObject] | None:
        """What is put in its place; None where it can stay."""
        media_type = a_string(an_object(self.block.get("source")).get("media_type"))
        if not isinstance(outcome, Picture):
            return [_text(self.block, unseen_picture(_reason(outcome), media_type=media_type))]
        if not outcome.data and media_type == outcome.media_type:
            return None
        source = {"type": "base64", "media_type": outcome.media_type, "data": outcome.data or self.data}
        note = changed_picture(outcome)
        image: JsonObject = {**self.block, "source": source}
        return [{"type": "text", "text": note}, image] if note else [image]


def _surplus(
    images: list[_Image], instead: dict[int, list[JsonObject]], limits: ImageLimits
) -> dict[int, list[JsonObject]]:
    """Words in the place of the oldest images, as many as are too many or too large for one request."""
    words: dict[int, list[JsonObject]] = {}
    count = total = 0
    for one in reversed(images):
        image = instead.get(id(one.block), [one.block])[-1]
        if not _is_image(image):
            continue
        count += 1
        total += len(_data(image))
        if count > limits.count or total > limits.total:
            words[id(one.block)] = [_text(one.block, ONE_TOO_MANY)]
    return words


def _is_image(block: JsonObject) -> bool:
    return block.get("type") == "image" and _is_base64(block)


def _is_pdf(block: JsonObject) -> bool:
    if block.get("type") != "document" or not _is_base64(block):
        return False
    return an_object(block.get("source")).get("media_type") == _PDF_TYPE or _data(block).startswith(_PDF_START)


def _is_base64(block: JsonObject) -> bool:
    source = an_object(block.get("source"))
    return source.get("type") == "base64" and isinstance(source.get("data"), str)


def _data(block: JsonObject) -> str:
    return a_string(an_object(block.get("source")).get("data"))


def _reason(outcome: Outcome) -> Unreadable:
    return outcome if isinstance(outcome, Unreadable) else Unreadable(Reason.FAILED)


def _text(block: JsonObject, text: str) -> JsonObject:
    """A text block in the place of another; a mark for the prompt's cache stays."""
    mark = {"cache_control": block["cache_control"]} if "cache_control" in block else {}
    return {"type": "text", "text": text, **mark}
