"""The size of an image, read from the first bytes of its file, and what it costs a model to look at it."""

from __future__ import annotations

import math
from binascii import a2b_base64
from typing import TYPE_CHECKING, Final, TypeAlias

from kimi_cli.wire.foreign import a_string, an_object

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

UNKNOWN_TOKENS: Final = 1_500
"""An image whose size cannot be told: one that has only an address, or of another type. A screenshot takes as many."""
_AROUND: Final = 4
"""Tokens that mark where an image begins and ends."""

# How Kimi's eyes work, from the models' own processor: an image becomes patches of 14 pixels, four of which make a
# token. One with too many patches is scaled down first; none is scaled up. Anthropic counts squares of 28 pixels too.
_PATCH: Final = 14
_TOKEN: Final = 2 * _PATCH
_PATCHES: Final = 65_536
"""What kimi-k3 takes in one image. The models before it take a quarter, which is still an image of 1,792 by 1,792."""
_PATCHES_A_SIDE: Final = 512

_HEAD: Final = 32
"""Bytes in which every type but JPEG tells its size."""
_SEGMENTS: Final = 64
"""How many segments of a JPEG are passed over in search of its size. Colour profiles and previews take some twenty."""
_SIZES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""The JPEG segments that begin with the size."""

_Size: TypeAlias = tuple[int, int]


def picture_tokens(block: JsonObject) -> int:
    """What an `image` block costs: by its width and height, never by the length of its base64."""
    source = an_object(block.get("source"))
    size = size_of(a_string(source.get("data"))) if source.get("type") == "base64" else None
    return UNKNOWN_TOKENS if size is None else tokens_of(*size)


def tokens_of(width: int, height: int) -> int:
    """The tokens of an image of so many pixels."""
    patches = max(1, width // _PATCH) * max(1, height // _PATCH)
    scale = min(1.0, math.sqrt(_PATCHES / patches), _PATCHES_A_SIDE * _PATCH / max(width, height))
    columns, rows = (math.ceil(max(1, int(side * scale)) / _TOKEN) for side in (width, height))
    return columns * rows + _AROUND


def size_of(data: str) -> _Size | None:
    """Width and height of a PNG, JPEG, GIF or WebP in base64; None where they cannot be told.

    However large the file is, only a few dozen bytes of it are decoded.
    """
    head = _bytes(data, 0, _HEAD)
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        size = _big(head, 16, 4), _big(head, 20, 4)
    elif head.startswith((b"GIF87a", b"GIF89a")):
        size = _little(head, 6, 2), _little(head, 8, 2)
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        size = _webp(head)
    elif head.startswith(b"\xff\xd8\xff"):
        size = _jpeg(data)
    else:
        return None
    return size if min(size) > 0 and len(head) >= _HEAD - 6 else None


def _webp(head: bytes) -> _Size:
    match head[12:16]:
        case b"VP8X":
            return _little(head, 24, 3) + 1, _little(head, 27, 3) + 1
        case b"VP8L":
            bits = _little(head, 21, 4)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _little(head, 26, 2) & 0x3FFF, _little(head, 28, 2) & 0x3FFF
        case _:
            return 0, 0


def _jpeg(data: str) -> _Size:
    """A JPEG's size stands behind segments of any length, so that their heads are looked at one by one."""
    at = 2
    for _ in range(_SEGMENTS):
        head = _bytes(data, at, 9)
        if len(head) < 9 or head[0] != 0xFF:
            break
        if head[1] == 0xFF:  # fills up
            at += 1
        elif head[1] in _SIZES:
            return _big(head, 7, 2), _big(head, 5, 2)
        else:
            at += 2 + _big(head, 2, 2)
    return 0, 0


def _bytes(data: str, start: int, count: int) -> bytes:
    """Some bytes of what is in base64, from the characters that hold them; fewer where there are no more."""
    first = start // 3 * 4
    piece = data[first : (start + count + 2) // 3 * 4]
    try:
        decoded = a2b_base64(piece[: len(piece) // 4 * 4])
    except ValueError:  # not base64, or not ASCII
        return b""
    return decoded[start % 3 :][:count]


def _big(data: bytes, at: int, count: int) -> int:
    return int.from_bytes(data[at : at + count], "big")


def _little(data: bytes, at: int, count: int) -> int:
    return int.from_bytes(data[at : at + count], "little")
