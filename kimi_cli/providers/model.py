"""What a model is: its limits, its price, and what it can be told."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from kimi_cli.record import Record

if TYPE_CHECKING:
    from datetime import date


class Thinking(StrEnum):
    """Whether a model reasons before it answers, and whether a request can change that."""

    NEVER = "never"
    SWITCHABLE = "switchable"
    ALWAYS = "always"


class Price(Record):
    """US dollars for a million tokens; `cached` is the price of prompt tokens that the host had cached."""

    input: float
    output: float
    cached: float | None = None


class Model(Record):
    """One model as one host serves it. Token counts are the host's own.

    `efforts` are the effort values that the host takes for this model, weakest first; empty where it takes none. The
    effort `none` switches reasoning off.
    `forced_tools` says whether `tool_choice: required` is accepted. `retired` is the first day without service.
    """

    id: str
    context_window: int
    max_output: int
    name: str = ""
    price: Price | None = None
    thinking: Thinking = Thinking.NEVER
    efforts: tuple[str, ...] = ()
    vision: bool = False
    forced_tools: bool = True
    retired: date | None = None
    successor: str | None = None

    @property
    def display_name(self) -> str:
        """The name to show: the catalogue's, else the id."""
        return self.name or self.id

    def is_retired(self, *, today: date) -> bool:
        """Whether the host has ended it by `today`."""
        return self.retired is not None and self.retired <= today
