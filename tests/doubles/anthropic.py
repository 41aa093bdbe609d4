"""Anthropic's own endpoint, as far as reasoning goes: it takes back none but its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from tests.doubles.moonshot import Moonshot
from tests.doubles.refusal import Refused

if TYPE_CHECKING:
    from tests.doubles.scenario import JsonObject

OWN: Final = re.compile(r"[A-Za-z0-9+/]{64,}={0,2}")
"""The form of a signature that this host may have made."""
MODEL: Final = "claude-opus-4-6"


class Anthropic(Moonshot):
    """`/v1/messages`, with the words in which Anthropic refuses a signature."""

    base_path: ClassVar[str] = ""

    def _check(self, body: JsonObject) -> None:
        for index, message in enumerate(body["messages"]):
            if not message["content"]:
                raise Refused(
                    f"messages.{index}: all messages must have non-empty content", type="invalid_request_error"
                )
            blocks = message["content"] if isinstance(message["content"], list) else []
            for number, block in enumerate(blocks):
                if block["type"] == "thinking" and not OWN.fullmatch(block.get("signature") or ""):
                    place = f"messages.{index}.content.{number}"
                    text = f"{place}: Invalid `signature` in `thinking` block"
                    raise Refused(text, type="invalid_request_error")
