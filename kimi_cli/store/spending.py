"""What the entries of the usage ledger come to: for each session, day, project, model or provider, and together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo
    from pathlib import Path

    from kimi_cli.store.ledger_entry import Entry


class By(StrEnum):
    """What entries are put together by."""

    SESSION = "session"
    DAY = "day"
    PROJECT = "project"
    MODEL = "model"
    PROVIDER = "provider"


@dataclass(slots=True)
class Spending:
    """The sum of some entries. `input_tokens` are whole prompts, `cached_tokens` the part that hosts had cached.

    `cost` is in US dollars, of all but the `unpriced` answers, whose price nobody knows; `estimates` counts those
    whose tokens no host has reported. `first` and `last` are in seconds since the epoch. `sessions`, `projects`,
    `models` and `providers` are in the order in which they came first; a model is named with its provider.
    """

    answers: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    estimates: int = 0
    first: float = 0.0
    last: float = 0.0
    sessions: dict[str, None] = field(default_factory=dict)
    projects: dict[str, None] = field(default_factory=dict)
    models: dict[tuple[str, str], None] = field(default_factory=dict)
    unpriced_models: dict[tuple[str, str], None] = field(default_factory=dict)

    @property
    def providers(self) -> tuple[str, ...]:
        """The hosts that were asked."""
        return tuple(dict.fromkeys(provider for provider, _ in self.models))

    @property
    def is_cost_known(self) -> bool:
        """Whether there is a price for anything of it; `cost` means nothing without."""
        return self.unpriced < self.answers or not self.answers

    @property
    def cached_share(self) -> float | None:
        """How much of the prompts hosts had cached, from 0 to 1; None without prompts."""
        return self.cached_tokens / self.input_tokens if self.input_tokens else None

    def add(self, entry: Entry) -> None:
        """Takes an entry in."""
        model = (entry.provider, entry.model)
        self.first = min(self.first, entry.time) if self.answers else entry.time
        self.last = max(self.last, entry.time)
        self.answers += 1
        self.input_tokens += entry.input_tokens + entry.cached_tokens
        self.cached_tokens += entry.cached_tokens
        self.output_tokens += entry.output_tokens
        self.estimates += entry.is_estimate
        self.sessions[entry.session] = self.projects[entry.project] = self.models[model] = None
        if (cost := entry.cost) is None:
            self.unpriced += 1
            self.unpriced_models[model] = None
        else:
            self.cost += cost


@dataclass(frozen=True, slots=True)
class Report:
    """The sums by what was asked for, and of everything.

    Sessions and days come in the order of time; all others with the dearest first, and those that nobody knows the
    price of after them.
    """

    by: By
    groups: tuple[Spending, ...]
    total: Spending


def sum_up(entries: Iterable[Entry], *, by: By, zone: tzinfo | None = None, project: Path | None = None) -> Report:
    """Puts entries together. Days are those of `zone`, or of this machine's.

    With `project` only what was used in this directory or below it counts.
    """
    groups: dict[object, Spending] = {}
    total = Spending()
    for entry in entries:
        if project is None or PurePath(entry.project).is_relative_to(project):
            total.add(entry)
            groups.setdefault(_key(entry, by, zone), Spending()).add(entry)
    in_time = by in {By.SESSION, By.DAY}
    ordered = sorted(groups.values(), key=_moment if in_time else _weight)
    return Report(by, tuple(ordered), total)


def _key(entry: Entry, by: By, zone: tzinfo | None) -> object:
    match by:
        case By.SESSION:
            return entry.session
        case By.DAY:
            return datetime.fromtimestamp(entry.time, zone).date()
        case By.PROJECT:
            return entry.project
        case By.MODEL:
            return entry.provider, entry.model
        case By.PROVIDER:
            return entry.provider


def _moment(spending: Spending) -> float:
    return spending.first


def _weight(spending: Spending) -> tuple[bool, float, int]:
    return not spending.is_cost_known, -spending.cost, -spending.input_tokens
