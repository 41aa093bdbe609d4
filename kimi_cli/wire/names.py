"""Tool names: the client's, and what hosts accept in their place.

Hosts take letters, digits, `_` and `-`, up to 64 of them, and Moonshot wants a letter first. Most names fit and stay as
they are; one that does not gets a readable form with a short digest of the original, so that the same name always maps
to the same other one. Claude Code itself sends names of up to 128 letters, for MCP servers with long names.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import a_string, objects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.wire.foreign import JsonObject

MAX_LENGTH: Final = 64
_DIGEST_LENGTH: Final = 8
_ACCEPTED: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,63}")
_REFUSED: Final = re.compile(r"[^a-zA-Z0-9_-]+")


class ToolNames:
    """The names of one request, in both directions; `originals` are those that are known to have been changed."""

    def __init__(self, originals: Mapping[str, str] | None = None) -> None:
        self._originals: dict[str, str] = {**(originals or {})}

    def to_host(self, name: str) -> str:
        """The name as hosts accept it."""
        if _ACCEPTED.fullmatch(name):
            return name
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
        plain = _REFUSED.sub("_", name)
        lettered = plain if plain[:1].isalpha() else f"t{plain}"
        readable = lettered[: MAX_LENGTH - _DIGEST_LENGTH - 1]
        mapped = f"{readable}_{digest}"
        self._originals[mapped] = name
        return mapped

    @property
    def originals(self) -> dict[str, str]:
        """The client's name for each name that had to be changed."""
        return self._originals


def with_original_name(block: JsonObject, originals: Mapping[str, str]) -> JsonObject:
    """A block of an answer with the client's name for the tool, where it is a call whose name had to be changed."""
    name = originals.get(a_string(block.get("name"))) if block.get("type") == "tool_use" else None
    return block if name is None else {**block, "name": name}


def with_original_names(message: JsonObject, originals: Mapping[str, str]) -> JsonObject:
    """The same for a whole message."""
    return {**message, "content": [with_original_name(block, originals) for block in objects(message.get("content"))]}
