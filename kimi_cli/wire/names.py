"""Tool names: the client's, and what hosts accept in their place.

Hosts take letters, digits, `_` and `-`, up to 64 of them. Most names fit and stay as they are; one that does not gets
a readable form with a short digest of the original, so that the same name always maps to the same other one.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

MAX_LENGTH: Final = 64
_DIGEST_LENGTH: Final = 8
_ACCEPTED: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_REFUSED: Final = re.compile(r"[^a-zA-Z0-9_-]+")


class ToolNames:
    """The names of one request, in both directions."""

    def __init__(self) -> None:
        self._originals: dict[str, str] = {}

    def to_host(self, name: str) -> str:
        """The name as hosts accept it."""
        if _ACCEPTED.fullmatch(name):
            return name
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
        readable = _REFUSED.sub("_", name)[: MAX_LENGTH - _DIGEST_LENGTH - 1]
        mapped = f"{readable}_{digest}"
        self._originals[mapped] = name
        return mapped

    @property
    def originals(self) -> dict[str, str]:
        """The client's name for each name that had to be changed."""
        return self._originals
