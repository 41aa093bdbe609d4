"""Where the parts of a JSON text stand in it, so that one can be taken out and every other character stays.

The text is known to be valid; a span is the places of its first character and behind its last.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Span: TypeAlias = tuple[int, int]

_DECODER: Final = json.JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\r\n]*")


def value_at(text: str, *keys: str) -> Span:
    """The value that nested keys lead to from the outermost object. Of a key that is repeated the last one counts.

    Raises:
        KeyError: there is none.
    """
    at = _skip(text, 0)
    span = (at, len(text))
    for key in keys:
        found = [place for name, place in _members(text, span[0]) if name == key]
        if not found:
            raise KeyError(key)
        span = found[-1]
    return span


def elements(text: str, array: Span) -> list[Span]:
    """The elements of an array."""
    found: list[Span] = []
    at = _skip(text, array[0] + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        found.append((at, end))
        at = _next(text, end)
    return found


def with_elements(text: str, array: Span, kept: Iterable[Span]) -> str:
    """The text with nothing in an array but some of its elements."""
    start, end = array
    return f"{text[: start + 1]}{','.join(text[slice(*span)] for span in kept)}{text[end - 1 :]}"


def _members(text: str, at: int) -> Iterator[tuple[str, Span]]:
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, end = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, end) + 1)  # behind the colon
        _, end = _DECODER.raw_decode(text, start)
        yield key, (start, end)
        at = _next(text, end)


def _next(text: str, end: int) -> int:
    """Where the next part begins, or what they are in ends."""
    at = _skip(text, end)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
