"""Reasoning inside the signature of a thinking block, for hosts that want it back when its text was not shown.

Clients replay a block word for word and take its signature for opaque, as they do with Anthropic's own, which holds the
reasoning encrypted. Ours holds it packed. A client's history is its own to write, as the text of a block would be, so
nothing is signed: a checksum tells what was damaged on the way, and that counts as nothing.
"""

from __future__ import annotations

import binascii
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import NotJsonError, dumps, loads_object
from kimi_cli.wire.details import text_in
from kimi_cli.wire.foreign import a_string, objects

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

PREFIX: Final = "kimi1:"
"""What makes a signature ours, and says in which form. No base64, which other signatures are, holds a colon."""
PROGRESS: Final = "kimi-progress"
"""The signature of a block that tells of work on this side. No model has thought it, and none gets to see it."""
LIMIT: Final = 8 * 1024 * 1024
"""Bytes of what one signature holds, unpacked: reasoning of a million tokens, twice over."""
_LEVEL: Final = 1
"""The quickest compression; prose is a third shorter for it, and little more would come of the slowest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a signature holds; everything may be missing.

    `text` is the reasoning, where neither the block nor `details` hold it. `details` are structured reasoning as the
    host of `model` sent it. `signature` is the host's own, where the block was relayed.
    """

    text: str = ""
    details: tuple[JsonObject, ...] = ()
    model: str = ""
    signature: str = ""

    @property
    def reasoning(self) -> str:
        """The reasoning as text."""
        return self.text or text_in(self.details)


NOTHING: Final = Carried()


def to_signature(carried: Carried) -> str:
    """The signature; empty where there is nothing to hold, or more than is taken back."""
    fields: JsonObject = {"t": carried.text, "d": list(carried.details), "m": carried.model, "s": carried.signature}
    data = dumps({name: value for name, value in fields.items() if value})
    if carried == NOTHING or len(data) > LIMIT:
        return ""
    return PREFIX + binascii.b2a_base64(zlib.compress(data, _LEVEL), newline=False).decode()


def from_signature(signature: str) -> Carried | None:
    """What a signature of ours holds; None for anybody else's, and for one that is damaged."""
    if not signature.startswith(PREFIX) or len(signature) > 2 * LIMIT:
        return None
    unpacking = zlib.decompressobj()
    try:
        packed = binascii.a2b_base64(signature[len(PREFIX) :], strict_mode=True)
        data = unpacking.decompress(packed, LIMIT)
        fields = loads_object(data)
    except (ValueError, zlib.error, NotJsonError):
        return None
    if not unpacking.eof or unpacking.unused_data:
        return None
    return Carried(
        text=a_string(fields.get("t")),
        details=tuple(objects(fields.get("d"))),
        model=a_string(fields.get("m")),
        signature=a_string(fields.get("s")),
    )


def reasoning_of(block: JsonObject) -> str:
    """The reasoning of a thinking block: its text, or what its signature holds in its place."""
    text = a_string(block.get("thinking"))
    return text or (from_signature(a_string(block.get("signature"))) or NOTHING).reasoning
