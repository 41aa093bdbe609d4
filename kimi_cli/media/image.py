"""An image in the limits of a host, with Pillow.

Every image is decoded once, whole: a host refuses one that is cut short, and then every later turn of the conversation
that it is in.
"""

from __future__ import annotations

import base64
import math
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from kimi_cli.media.task import ImageTask, Outcome, Picture, Reason, Unreadable
from kimi_cli.providers.image_limits import IMAGE_TYPES, MIN_SIDE

DECODED_PIXELS: Final = 64_000_000
"""What is decoded at most: 8,000 by 8,000, which is what Anthropic takes."""
_TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
"""What is decoded at all: the types of the Messages API. Every further decoder is one more to attack."""
_LOSSLESS: Final = frozenset({"PNG", "GIF"})
"""Types of drawings and screenshots, in which a lossy type would blur the letters."""
_PLAIN_MODES: Final = frozenset({"L", "P", "RGB", "RGBA"})
"""Forms of colour that need no conversion; print colours and 16-bit greys trip hosts up."""
_QUALITIES: Final = (90, 80, 65, 50)
_SMALLER: Final = 0.75
"""By how much both edges shrink where no quality is enough."""
_SMALLEST: Final = 64


def fit(data: bytes, task: ImageTask, *, is_clean: bool) -> Outcome:
    """The image as hosts take it, or why that cannot be had. `is_clean` says whether its base64 can stay."""
    try:
        image = Image.open(BytesIO(data), formats=tuple(_TYPES))
    except UnidentifiedImageError:
        return Unreadable(Reason.UNKNOWN if type_of(data) is None else Reason.BROKEN)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Unreadable(Reason.TOO_LARGE)
    with image:
        if image.width * image.height > DECODED_PIXELS:
            return Unreadable(Reason.TOO_LARGE)
        came, kind, frames = image.size, image.format or "", getattr(image, "n_frames", 1)
        image.load()
        media_type = _TYPES[kind]
        size = _target(came, task)
        small_enough = (len(data) + 2) // 3 * 4 <= task.size
        if size == came and small_enough and media_type in IMAGE_TYPES and image.mode in _PLAIN_MODES:
            return Picture(media_type, "" if is_clean else base64.b64encode(data).decode(), came, came)
        return _encoded(image, size, task, came=came, frames=frames if kind in {"GIF", "WEBP"} else 1)


def type_of(data: bytes) -> str | None:
    """The media type by the first bytes, or None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _target(size: tuple[int, int], task: ImageTask) -> tuple[int, int]:
    """The width and height to go out with."""
    width, height = size
    ratio = min(1.0, task.side / max(size), math.sqrt(task.pixels / (width * height)))
    if ratio < 1:
        return max(1, math.floor(width * ratio)), max(1, math.floor(height * ratio))
    grown = math.ceil(MIN_SIDE / min(size))
    # What is a pixel thin and very long is no picture; no host's limits are worth breaking for it.
    return (width * grown, height * grown) if grown > 1 and max(size) * grown <= task.side else size


def _encoded(
    image: Image.Image, size: tuple[int, int], task: ImageTask, *, came: tuple[int, int], frames: int
) -> Outcome:
    is_drawing, image = image.format in _LOSSLESS, _plain(image)
    while True:
        shown = ImageOps.exif_transpose(_scaled(image, size))
        if shown.size != size and came == image.size:
            came = came[::-1]
        if is_drawing or shown.mode == "RGBA":
            encoded = _saved(shown, "PNG")
            if len(encoded) <= task.size:
                return Picture("image/png", encoded, came, shown.size, frames)
        flat = _flat(shown)
        for quality in _QUALITIES:
            encoded = _saved(flat, "JPEG", quality=quality)
            if len(encoded) <= task.size:
                return Picture("image/jpeg", encoded, came, shown.size, frames)
        if max(size) <= _SMALLEST:
            return Unreadable(Reason.TOO_LARGE)
        size = max(1, int(size[0] * _SMALLER)), max(1, int(size[1] * _SMALLER))


def _plain(image: Image.Image) -> Image.Image:
    """The image in grey, in colours, or in colours with transparency."""
    if image.mode.startswith(("I", "F")):
        # Sixteen bits of grey: the upper eight of them.
        return image.point(lambda value: value * (1 / 256)).convert("L")
    mode = "L" if image.mode == "L" else "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if size == image.size:
        return image
    if size[0] > image.size[0]:
        return image.resize(size, Image.Resampling.NEAREST)
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _flat(image: Image.Image) -> Image.Image:
    """On white, where there is transparency."""
    if image.mode != "RGBA":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _saved(image: Image.Image, kind: str, **options: int) -> str:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return base64.b64encode(buffer.getvalue()).decode()
