"""The bytes of an input, read as choices: to change a byte is to choose something else, and never breaks the form."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T")

_PIECES: Final = 256
_DEPTH: Final = 4
"""How deep values are nested; what is deeper is told to the code as a case of its own."""
WORDS: Final = (
    "",
    "a",
    " ",
    "\n",
    "{",
    "}",
    '"',
    "\\",
    "[",
    "]",
    ":",
    "{}",
    '{"a":1}',
    '{"a":',
    "月",
    "🌒",
    "\u2028",
    "\ufeff",
    "stop",
    "prompt is too long",
    "functions.Read:0",
    "Read",
    "mcp__a__b",
    "a.b/c",
    "<|tool_calls_section_begin|>",
    "<|tool_calls_section_end|>",
    "<|tool_call_section_begin|>",
    "<|tool_call_begin|>",
    "<|tool_call_argument_begin|>",
    "<|tool_call_end|>",
    "<|",
    "|>",
    "<|open|>",
    "<|close|>",
    "<|sep|>",
    "<|end_of_msg|>",
    '<|open|>call tool="Read" index="1"<|sep|>',
    '<|open|>argument key="a" type="number"<|sep|>',
    "tools<|sep|>",
    "call<|sep|>",
    "argument<|sep|>",
    "think<|sep|>",
    "<think>",
    "</think>",
    "<function=Read>",
    "</function>",
    "<parameter=a>",
    "</parameter>",
    "<tool_call>",
    "</tool_call>",
    "<|python_tag|>",
    '{"name":"Read","arguments":{"a":1}}',
    "functions.Read:0{",
    "```",
    "toolu_1",
    "toolu_2",
    "<system-reminder>",
    "x" * 70,
)
"""Texts that mean something to one part of the code or another."""
_NUMBERS: Final = (0, 1, -1, 2, 3, 8, 0.5, -0.0, 1e308, 2**31, 2**53, 2**64, 10**30)


class Source:
    """Gives from an input what is asked for, and zeros when it is used up."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def is_empty(self) -> bool:
        """Whether everything has been read."""
        return self._at >= len(self._data)

    def byte(self) -> int:
        """The next byte."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, limit: int) -> int:
        """A number, from zero."""
        return (self.byte() | (self.byte() << 8 if limit > 256 else 0)) % limit

    def chance(self, share: int) -> bool:
        """One time out of so many, and never when the input is used up."""
        return not self.is_empty and self.byte() % share == share - 1

    def pick(self, options: Sequence[_T]) -> _T:
        """One of them."""
        return options[self.below(len(options))]

    def rest(self) -> bytes:
        """All that is left, as it is."""
        start, self._at = self._at, len(self._data)
        return self._data[start:]

    def text(self) -> str:
        """A short text: some words, or the input's own bytes."""
        kind = self.byte() % 8
        if kind < 6:
            return "".join(self.pick(WORDS) for _ in range(1 + kind // 3))
        size = self.below(12)
        raw = bytes(self.byte() for _ in range(size))
        return raw.decode("utf-8", "surrogateescape" if kind == 7 else "replace")

    def value(self, keys: Sequence[str], *, depth: int = _DEPTH) -> object:
        """JSON of any kind, with keys from a vocabulary."""
        kind = self.byte() % 12
        if depth == 0 or self.is_empty or kind < 6:
            return (None, True, False, self.pick(_NUMBERS), self.text(), self.pick(keys))[kind % 6]
        if kind < 8:
            return [self.value(keys, depth=depth - 1) for _ in range(self.below(4))]
        return {self._key(keys): self.value(keys, depth=depth - 1) for _ in range(self.below(6))}

    def pieces(self, data: bytes) -> list[bytes]:
        """The data, cut at some places; into as many pieces as possible where there is nothing left to choose by."""
        some = (self.below(len(data)) for _ in range(self.below(8)))
        cuts = range(0, len(data), 1 + len(data) // _PIECES) if self.is_empty else sorted(some)
        return [data[start:stop] for start, stop in pairwise([0, *cuts, len(data)])]

    def _key(self, keys: Sequence[str]) -> str:
        return self.text() if self.chance(16) else self.pick(keys)
