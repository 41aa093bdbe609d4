"""Patterns of file names: `*`, `?`, `[...]`, `**` for any number of directories, `{a,b}` for either."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from kimi_cli.tools.failure import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ALTERNATIVES: Final = 256
"""Patterns that one with braces may stand for."""
_LENGTH: Final = 1_000
_BRACES: Final = re.compile(r"\{([^{}]*)\}")


class Pattern:
    """One pattern, of whole paths: `src/**/*.py`."""

    def __init__(self, text: str) -> None:
        if not text or len(text) > _LENGTH:
            raise ToolError("The pattern must be a text of at most 1,000 characters.")
        self._alternatives = [
            [_part(part) for part in one.split("/") if part not in {"", "."}] for one in _either(text)
        ]

    def matches(self, parts: Sequence[str]) -> bool:
        """Whether it means the path of these names."""
        return any(_matches(alternative, parts) for alternative in self._alternatives)


def _matches(pattern: Sequence[Callable[[str], object] | None], parts: Sequence[str]) -> bool:
    """Every position is reached at most once from each part of the pattern, however many `**` there are."""
    reached = {0}
    for part in pattern:
        if part is None:
            reached = set(range(min(reached), len(parts) + 1)) if reached else set()
        else:
            reached = {index + 1 for index in reached if index < len(parts) and part(parts[index])}
    return len(parts) in reached


@lru_cache(maxsize=512)
def _part(text: str) -> Callable[[str], object] | None:
    return None if text == "**" else re.compile(translate(text)).match


def _either(text: str) -> list[str]:
    """The patterns that one with braces stands for."""
    found: list[str] = []
    left = [text]
    while left:
        one = left.pop()
        braces = _BRACES.search(one)
        if braces is None or len(found) + len(left) > _ALTERNATIVES:
            found.append(one)
        else:
            left += (one[: braces.start()] + inner + one[braces.end() :] for inner in braces[1].split(","))
    return found
