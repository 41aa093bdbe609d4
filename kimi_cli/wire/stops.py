"""Stop sequences that the host was not told of, because it takes fewer than the client gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class StopScanner:
    """Finds the first of several stop sequences in a text that arrives in pieces.

    `feed` returns the text that is certainly before any stop sequence; what might be the beginning of one is held back
    until the next piece, or `finish`, decides. After a hit nothing more comes out.
    """

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = tuple(sequence for sequence in sequences if sequence)
        self._held = ""
        self.hit: str | None = None

    def feed(self, text: str) -> str:
        """The part of the text so far that may be shown."""
        if self.hit is not None:
            return ""
        if not self._sequences:
            return text
        text = self._held + text
        found = [(text.find(sequence), sequence) for sequence in self._sequences if sequence in text]
        if found:
            # The one that ends first, as if the text had come letter by letter, so that its cut does not matter.
            at, self.hit = min(found, key=lambda hit: (hit[0] + len(hit[1]), hit[0]))
            self._held = ""
            return text[:at]
        keep = max(_overlap(text, sequence) for sequence in self._sequences)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back and turned out to be text after all."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, sequence: str) -> int:
    """How many characters at the end of `text` could begin `sequence`."""
    for length in range(min(len(text), len(sequence) - 1), 0, -1):
        if text.endswith(sequence[:length]):
            return length
    return 0
