"""What hosts take of images, as data.

Facts are from the hosts' documentation and from what users saw of them, autumn 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

IMAGE_TYPES: Final = ("image/png", "image/jpeg")
"""What every host decodes. Moonshot's documentation names WebP and GIF too, and its endpoints refuse them."""
MIN_SIDE: Final = 28
"""Pixels: a patch of Kimi's eyes. Images of a pixel are refused as broken."""


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What one host takes. Sizes are characters of base64, which is how images travel.

    `side` is the longer edge and `pixels` the area of one image, `size` its size. `count` images with `total`
    together may be in one request.
    """

    side: int
    pixels: int
    size: int
    count: int
    total: int


CAUTIOUS: Final = ImageLimits(side=2_000, pixels=4_000_000, size=3_000_000, count=30, total=9_000_000)
"""For hosts that tell nothing, and for Fireworks, whose limits are the tightest that are told: 30 images, 10 MB.

The side is what Claude Code itself scales images to.
"""
_MOONSHOT: Final = ImageLimits(side=4_096, pixels=4_096 * 2_160, size=5_000_000, count=1_000, total=50_000_000)
"""It takes any number in a body of 100 MB, and sees no more in an image above 4K; its own client stops at 5 MB each."""
_GROQ: Final = ImageLimits(side=2_000, pixels=4_000_000, size=680_000, count=5, total=3_400_000)
"""It takes 33 megapixels each, but five images, and 4 MB for a whole request that has any; the rest is for the text."""

IMAGE_LIMITS: Final[Mapping[str, ImageLimits]] = MappingProxyType(
    {"moonshot": _MOONSHOT, "moonshot-cn": _MOONSHOT, "groq": _GROQ}
)
"""By provider; the others have cautious ones."""


def image_limits(provider: str) -> ImageLimits:
    """The limits of a provider, by its id."""
    return IMAGE_LIMITS.get(provider, CAUTIOUS)
