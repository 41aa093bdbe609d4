"""Images of every kind that a host trips over."""

from __future__ import annotations

import base64
from io import BytesIO
from random import Random

from PIL import Image

from kimi_cli.media.task import ImageTask

ROOMY = ImageTask(side=4_096, pixels=8_847_360, size=5_000_000)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of an image."""
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def plain(width: int = 64, height: int = 48, *, mode: str = "RGB", kind: str = "PNG") -> bytes:
    """An image of one colour."""
    return saved(Image.new(mode, (width, height)), kind)


def noise(width: int, height: int) -> Image.Image:
    """An image that no type makes small."""
    return Image.frombytes("RGB", (width, height), Random(7).randbytes(width * height * 3))


def animation(frames: int = 3) -> bytes:
    """A GIF that moves: red first, then other colours."""
    colours = ["red", *("blue" if number % 2 else "green" for number in range(frames - 1))]
    first, *others = [Image.new("RGB", (40, 30), colour) for colour in colours]
    return saved(first, "GIF", save_all=True, append_images=others, duration=50)


def sideways() -> bytes:
    """A photograph that says it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.new("RGB", (300, 100), "red"), "JPEG", exif=exif)


def as_text(data: bytes) -> str:
    """Base64, as images and documents travel."""
    return base64.b64encode(data).decode()


def opened(data: bytes) -> Image.Image:
    """The image in these bytes, decoded."""
    image = Image.open(BytesIO(data))
    image.load()
    return image
