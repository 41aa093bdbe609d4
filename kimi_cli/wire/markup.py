"""The tokens of Kimi's tool calls: what stands where, and what a text that ends may still go on to be.

They are those of K2; K3's tags (`xtml`) are found along with them.
"""

from __future__ import annotations

import re
from typing import Final

from kimi_cli.wire import xtml
from kimi_cli.wire.extent import Extent

TOKEN: Final = re.compile(
    r"<\|tool_call(?:(?P<section>s?_section_begin)|(?P<call>_begin)|(?P<arguments>_argument_begin)"
    r"|(?P<end>s?_section_end|_end))\|>"
    rf"|{xtml.TAG}"
)
END: Final = re.compile(r"<\|tool_call(?:s?_section_begin|_begin|s?_section_end|_end)\|>")
"""What ends a call's arguments."""
_ARGUMENTS: Final = "<|tool_call_argument_begin|>"
_BLOCK: Final = "```"
_TOKENS: Final = (
    "<|tool_calls_section_begin|>",
    "<|tool_calls_section_end|>",
    "<|tool_call_section_begin|>",
    "<|tool_call_section_end|>",
    "<|tool_call_begin|>",
    _ARGUMENTS,
    "<|tool_call_end|>",
)
OPENING: Final = "<|tool_call"
"""What every token begins with; what is shorter may be anything."""
_LONGEST: Final = max(xtml.LONGEST, *map(len, _TOKENS))
HEAD: Final = re.compile(
    rf"\s*(?:functions\.)?(?P<name>[^\s<{{`]{{1,256}}?)(?::\d{{1,9}})?\s*(?:{re.escape(_ARGUMENTS)}|(?=\{{|{_BLOCK}))"
)
"""What stands before a call's arguments. The longest names that hosts take have 64 characters."""
HEAD_LIMIT: Final = 512
"""Characters of a head. Without a limit, a text without one would be held that goes on forever."""
_PART_OF_HEAD: Final = re.compile(r"\s*[^\s<{`]*\s*")
_SPACE: Final = re.compile(r"\s*")


def held_from(text: str, at: int) -> int:
    """Where the part of the text begins that could go on to be a token; the text's length where there is none."""
    at = text.find("<", max(at, len(text) - _LONGEST + 1))
    while at >= 0:
        rest = text[at:]
        if any(token.startswith(rest) and token != rest for token in _TOKENS) or xtml.may_be_tag(rest):
            return at
        at = text.find("<", at + 1)
    return len(text)


def is_tag(token: re.Match[str]) -> bool:
    """Whether a token that was found is one of K3's tags."""
    return token.lastgroup in {"calls", "begun", "ended", "stray"}


def space_to(text: str, at: int) -> int:
    """Where the white space ends that begins here."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


def may_be_head(text: str, at: int) -> bool:
    """Whether the rest of the text may go on to become the head of a call."""
    if len(text) - at >= HEAD_LIMIT + len(_BLOCK):
        return False
    part = _PART_OF_HEAD.match(text, at)
    rest = text[part.end() :] if part else ""
    return any(token.startswith(rest) and token != rest for token in (_ARGUMENTS, _BLOCK))


class Arguments:
    """The arguments of the call that is being read.

    `is_balanced` says whether they leave no bracket open, so that the next token ends them. Only brackets of an object
    are counted.
    """

    def __init__(self, *, counts_brackets: bool = True) -> None:
        self._pieces: list[str] = []
        self._counts_brackets = counts_brackets
        self._extent: Extent | None = None
        self.is_balanced = False

    @property
    def text(self) -> str:
        """All that has come."""
        return "".join(self._pieces)

    def feed(self, text: str, at: int, stop: int) -> int:
        """Take some more, which stands between two places of a text; returns where they end, or the second place."""
        end = self._end(text, at, stop)
        self._pieces.append(text[at:end])
        return end

    def _end(self, text: str, at: int, stop: int) -> int:
        if self._extent is None:
            begun = space_to(text, at)
            if begun >= stop:
                return stop
            self._extent = Extent()
            self.is_balanced = not (self._counts_brackets and text[begun] == "{")
        if not self.is_balanced:
            over = self._extent.feed(text, at, stop)
            if over is None:
                return stop
            self.is_balanced, at = True, over
        token = END.search(text, at, stop)
        return token.start() if token else stop
