"""What the upstream double is to say, in the first segment of the path it is asked at: `/400-4-0/...`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer of `chunks` pieces of text, `at_once` of them in a write, `pause` milliseconds between two writes."""

    chunks: int
    at_once: int = 1
    pause: int = 0

    @property
    def segment(self) -> str:
        """The path's first segment, with its slash."""
        return f"/{self.chunks}-{self.at_once}-{self.pause}"

    @property
    def seconds(self) -> float:
        """How long the answer takes at least."""
        return (self.chunks // self.at_once) * self.pause / 1000

    @classmethod
    def of(cls, path: str) -> Self:
        """The plan of a path.

        Raises:
            ValueError: it names none.
        """
        chunks, at_once, pause = path.split("/")[1].split("-")
        return cls(int(chunks), int(at_once), int(pause))
