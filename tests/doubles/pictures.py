"""Images as hosts look at them, and small ones to send."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, UnidentifiedImageError

from tests.doubles.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Seen:
    """What a host finds in the bytes of an image, whatever type it was said to be."""

    media_type: str
    width: int
    height: int


def look_at(data: str) -> Seen:
    """Decode an image whole.

    Raises:
        ValueError: it is not one, or not all of one.
    """
    try:
        image = Image.open(BytesIO(base64.b64decode(data, validate=True)))
        image.load()
    except (binascii.Error, UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(str(error)) from error
    return Seen(Image.MIME.get(image.format or "", ""), image.width, image.height)


def check_for_kimi(data: str) -> None:
    """Refuse what Moonshot's endpoints refuse: other types than PNG and JPEG, broken images, a single pixel.

    Raises:
        Refused: in its words, which are the same for all of them.
    """
    try:
        seen = look_at(data)
    except ValueError:
        seen = None
    if seen is None or seen.media_type not in ("image/png", "image/jpeg") or seen.width * seen.height == 1:
        raise Refused(
            "Invalid request: prepare image failed error, status code: 400, message: failed to decode image: "
            "invalid or unsupported image format"
        )


def data_urls(body: dict[str, Any]) -> Iterator[str]:
    """The address of every image in a chat request, in order."""
    for message in body["messages"]:
        if isinstance(message.get("content"), list):
            yield from (part["image_url"]["url"] for part in message["content"] if part["type"] == "image_url")


def base64_of(url: str) -> str:
    """The base64 of a data URL."""
    return url.partition(",")[2]


def encoded(width: int = 64, height: int = 48, *, kind: str = "PNG", colour: str = "red") -> str:
    """The base64 of an image."""
    buffer = BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()
