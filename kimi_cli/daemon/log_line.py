"""One line of a proxy's log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line as it stands in the file, and what it says.

    `fields` is None for what the proxy did not write as an event: what a crash of the interpreter left, half a line.
    """

    text: str
    fields: Mapping[str, Any] | None

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Reads a line without its end. Nothing that may stand in a file is too odd to be read."""
        text = raw.decode("utf-8", "replace")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        return cls(text, value if isinstance(value, dict) else None)

    @property
    def time(self) -> datetime | None:
        """When it was written, where it says so."""
        try:
            time = datetime.fromisoformat(str((self.fields or {}).get("time")))
        except ValueError:
            return None
        return time if time.tzinfo else time.replace(tzinfo=UTC)

    @property
    def session(self) -> str:
        """The id of the session that it is about, or an empty string."""
        fields = self.fields or {}
        return str(fields.get("session") or fields.get("id") or "")
