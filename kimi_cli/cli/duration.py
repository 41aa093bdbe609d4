"""Spans of time as users write them, and as they read them."""

from __future__ import annotations

import re
from typing import Final

from kimi_cli.errors import UsageError

_SPAN: Final = re.compile(r"(?:\d{1,9}[smhd])+|\d{1,9}", re.ASCII)
_PART: Final = re.compile(r"(\d+)([smhd]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration(text: str, *, option: str) -> float:
    """The seconds of a span such as 8h, 30m, 1h30m or 90, which is in seconds; `option` is where it was given.

    Raises:
        UsageError: it is no span, or none at all.
    """
    given = text.strip().lower()
    parts = _PART.findall(given) if _SPAN.fullmatch(given) else ()
    seconds = sum(int(count) * _SECONDS[unit] for count, unit in parts)
    if seconds <= 0:
        raise UsageError(f"{option} is {text!r}, which is not a span of time such as 8h, 30m or 90s.")
    return float(seconds)


def in_words(seconds: float) -> str:
    """A span in the units that it is made of: 5400 is 1h30m."""
    rest, words = round(seconds), ""
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, _SECONDS[unit])
        words += f"{count}{unit}" if count else ""
    return words or "0s"
