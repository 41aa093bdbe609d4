"""Kimi's own tool-call tokens, where a host lets them through as text instead of turning them into calls.

    <|tool_calls_section_begin|><|tool_call_begin|>functions.NAME:INDEX<|tool_call_argument_begin|>{...}<|tool_call_end|>
    <|tool_calls_section_end|>

They come in content or in reasoning, cut anywhere, in a singular variant of the section's name, and sometimes with the
ends missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_OPENING: Final = "<|tool_call"
"""What every token begins with; a text that ends with part of it has to wait for the next piece."""
_TOKEN: Final = re.compile(
    r"<\|tool_calls?_section_(?P<section>begin|end)\|>|<\|tool_call_(?P<call>begin|argument_begin|end)\|>"
)
_LONGEST: Final = len("<|tool_calls_section_begin|>")
_NAME: Final = re.compile(r"\s*(?:functions\.)?(?P<name>.*?)(?::\d+)?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RawCall:
    """A call that was written as text."""

    name: str
    arguments: str


class _At(Enum):
    TEXT = auto()
    SECTION = auto()
    NAME = auto()
    ARGUMENTS = auto()


class RawCallScanner:
    """Takes text in pieces and gives back the text without tokens, and the calls that were in it, in order."""

    def __init__(self) -> None:
        self._at = _At.TEXT
        self._held = ""
        self._pieces: list[str] = []
        self._name = ""

    def feed(self, text: str) -> list[str | RawCall]:
        """What is certain after this piece."""
        if self._at is _At.TEXT and not self._held and "<" not in text:
            return [text]
        text = self._held + text
        found: list[str | RawCall] = []
        start = 0
        for token in _TOKEN.finditer(text):
            self._take(text[start : token.start()], found)
            self._turn(token, found)
            start = token.end()
        keep = _held_from(text, start)
        self._held = text[keep:]
        self._take(text[start:keep], found)
        return found

    def finish(self) -> list[str | RawCall]:
        """What was held back, and a call whose end never came."""
        found: list[str | RawCall] = []
        self._take(self._held, found)
        self._held = ""
        self._end_call(found)
        return found

    def _take(self, text: str, found: list[str | RawCall]) -> None:
        """Text between tokens; what stands between the calls of a section is nothing but white space."""
        if not text:
            return
        if self._at is _At.TEXT:
            found.append(text)
        elif self._at is not _At.SECTION:
            self._pieces.append(text)

    def _turn(self, token: re.Match[str], found: list[str | RawCall]) -> None:
        match token["section"] or token["call"], bool(token["section"]):
            case "begin", True:
                self._end_call(found)
                self._at = _At.SECTION
            case "end", True:
                self._end_call(found)
                self._at = _At.TEXT
            case "begin", False:
                self._end_call(found)
                self._at = _At.NAME
            case "argument_begin", False if self._at is _At.NAME:
                self._name = "".join(self._pieces)
                self._pieces.clear()
                self._at = _At.ARGUMENTS
            case "end", False:
                in_call = self._at in {_At.NAME, _At.ARGUMENTS}
                self._end_call(found)
                self._at = _At.SECTION if in_call else self._at

    def _end_call(self, found: list[str | RawCall]) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        if self._at is _At.ARGUMENTS:
            name = _NAME.fullmatch(self._name)
            found.append(RawCall(name["name"] if name else self._name, text.strip()))
            self._at = _At.SECTION


def _held_from(text: str, start: int) -> int:
    """Where the part of the text begins that could be the beginning of a token; the text's length if there is none."""
    at = text.rfind("<", max(start, len(text) - _LONGEST))
    if at < 0:
        return len(text)
    rest = text[at:]
    return at if rest.startswith(_OPENING) or _OPENING.startswith(rest) else len(text)
