"""What looking at this machine finds, as values, and as JSON.

`to_json` is a contract with scripts: fields may be added to schema 1, none changes its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA: Final = 1


class Level(StrEnum):
    """What a finding means for a launch."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `facts` are its values for scripts."""

    topic: str
    level: Level
    text: str
    fix: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkup:
    """All findings, in the order in which to show them."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether a launch would work, as far as can be seen."""
        return all(finding.level is not Level.ERROR for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """For scripts: `ok`, and for each topic its level, sentence, fix and facts."""
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "findings": [
                {"topic": found.topic, "level": found.level.value, "text": found.text, "fix": found.fix, **found.facts}
                for found in self.findings
            ],
        }
