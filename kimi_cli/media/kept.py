"""What was read before: a client sends the whole conversation with every request, and so each document again."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeAlias

from kimi_cli.media.task import PdfText, Picture

if TYPE_CHECKING:
    from kimi_cli.media.task import Outcome, Task

KEPT_SIZE: Final = 24 * 1024 * 1024
"""Characters, about bytes: a dozen large images or a hundred long papers. Beyond that they are read again."""
_ENTRY_SIZE: Final = 512
"""What an entry costs besides its text."""

Key: TypeAlias = "tuple[bytes, Task]"
"""The digest of what came, and what was asked of it."""


class Kept:
    """Outcomes by key; those that were not asked for the longest go first."""

    def __init__(self, *, limit: int = KEPT_SIZE) -> None:
        self._limit = limit
        self._outcomes: OrderedDict[Key, Outcome] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> int:
        """What all of it takes, in characters."""
        return self._size

    def get(self, key: Key) -> Outcome | None:
        """What was kept, if it still is."""
        outcome = self._outcomes.get(key)
        if outcome is not None:
            self._outcomes.move_to_end(key)
        return outcome

    def put(self, key: Key, outcome: Outcome) -> None:
        """Keep an outcome, unless it alone is more than all may be."""
        if (before := self._outcomes.pop(key, None)) is not None:
            self._size -= _size_of(before)
        if (size := _size_of(outcome)) > self._limit:
            return
        self._outcomes[key] = outcome
        self._size += size
        while self._size > self._limit:
            _, oldest = self._outcomes.popitem(last=False)
            self._size -= _size_of(oldest)


def _size_of(outcome: Outcome) -> int:
    match outcome:
        case PdfText(text=text):
            return len(text) + _ENTRY_SIZE
        case Picture(data=data):
            return len(data) + _ENTRY_SIZE
        case _:
            return _ENTRY_SIZE
