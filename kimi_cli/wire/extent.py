"""Where a JSON value ends, found while it arrives."""

from __future__ import annotations

import re
from typing import Final

_MARK: Final = re.compile(r'\\.?|["{}\[\]]', re.DOTALL)
"""All that decides where a JSON value ends: escapes, quotes and brackets."""


class Extent:
    """Finds where a JSON object, list or string ends; every piece is looked at once, however often one asks."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_quoted = False
        self._is_escaped = False
        self.is_over = False

    def feed(self, text: str, at: int, stop: int) -> int | None:
        """Look at some more of the value, between two places of a text; returns the place behind it, if it ends."""
        if self.is_over or at >= stop:
            return None
        if self._is_escaped:
            at, self._is_escaped = at + 1, False
        for found in _MARK.finditer(text, at, stop):
            mark = found[0]
            if mark[0] == "\\":
                self._is_escaped = len(mark) == 1
                continue
            if mark == '"':
                self._is_quoted = not self._is_quoted
            elif not self._is_quoted:
                self._depth += 1 if mark in "{[" else -1
            if self._depth <= 0 and not self._is_quoted:
                self.is_over = True
                return found.end()
        return None
