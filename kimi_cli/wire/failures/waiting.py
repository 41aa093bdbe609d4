"""How long a host wants to be left alone, by its headers or by its sentence."""

from __future__ import annotations

import math
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


def seconds_to_wait(headers: Mapping[str, str], message: str) -> float | None:
    """Seconds to wait: `retry-after-ms`, `retry-after` in any of its forms, or the host's own sentence."""
    wait = headers.get("retry-after", "")
    for text, scale in ((headers.get("retry-after-ms", ""), 0.001), (wait, 1.0)):
        try:
            seconds = float(text) * scale
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    if (found := _DURATION.fullmatch(wait)) and any(found.groups()):
        return _seconds(found)
    try:
        # A date counts from the date of the answer itself, so that no clock but the host's is needed.
        return max(0.0, (parsedate_to_datetime(wait) - parsedate_to_datetime(headers.get("date", ""))).total_seconds())
    except (ValueError, TypeError, OverflowError):
        pass
    start = _TRY_AGAIN.search(message)
    found = _DURATION.match(message, start.end()) if start else None
    return _seconds(found) if found and any(found.groups()) else None


def in_words(seconds: float) -> str:
    """A time for people, rounded up, in its two largest units: `1 h 12 min`."""
    for unit, name, part, part_name in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        whole = math.ceil(seconds / part) * part
        if whole >= unit:
            rest = whole % unit // part
            return f"{whole // unit} {name}" + (f" {rest} {part_name}" if rest else "")
    return f"{math.ceil(seconds)} s"


_TRY_AGAIN: Final = re.compile(r"(?:try again|retry|retry your request) (?:in|after) |wait (?:for )?", re.IGNORECASE)
_DURATION: Final = re.compile(
    r"(?:(\d{1,6})\s*h(?:ours?)?\s*)?(?:(\d{1,6})\s*m(?:in(?:ute)?s?)?(?![a-z])\s*)?"
    r"(?:(\d{1,6}(?:\.\d{1,9})?)\s*(ms|s)(?:econds?)?)?",
    re.IGNORECASE,
)


def _seconds(duration: re.Match[str]) -> float:
    hours, minutes, amount, unit = duration.groups()
    seconds = float(amount) * (0.001 if unit.lower() == "ms" else 1.0) if amount else 0.0
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds
