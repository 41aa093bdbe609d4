"""Whether a text that arrives in pieces stands in a code block or a code span: what it says there, it only quotes."""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r"^[ \t>]*(`{3,}|~{3,})([^\n]*)\n", re.MULTILINE)
"""A line that opens or closes a code block."""
_TICKS: Final = re.compile(r"`+")
_LINE_LIMIT: Final = 4_096
"""Characters of a line that are kept: more than code spans go back, little enough for a text without line ends."""


class Quoting:
    """Follows Markdown's code blocks and code spans through a text."""

    def __init__(self) -> None:
        self._line = ""
        self._fence = ""

    @property
    def is_open(self) -> bool:
        """Whether code is open at the end of the text so far."""
        return bool(self._fence) or len(_TICKS.findall(self._line)) % 2 == 1

    def feed(self, text: str) -> None:
        """Go on with some more text."""
        text = self._line + text
        last_line = text.rfind("\n") + 1
        if "```" in text or "~~~" in text:
            for fence in _FENCE.finditer(text, 0, last_line):
                self._turn(fence[1], fence[2])
        self._line = text[last_line:][-_LINE_LIMIT:]

    def _turn(self, fence: str, rest: str) -> None:
        if not self._fence:
            # With another backtick behind it, it is a code span.
            self._fence = "" if fence[0] == "`" and "`" in rest else fence
        elif fence.startswith(self._fence) and not rest.strip():
            self._fence = ""
