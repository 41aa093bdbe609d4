"""The versions of Claude Code that the project was tested with, and where another one stands beside them."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

OLDEST: Final = "2.1.110"
"""The oldest with which every conversation of the tests goes well; it is also the oldest that npm has as a program."""
NEWEST: Final = "2.1.330"
"""The one that the tests drive."""
RANGE: Final = f"{OLDEST} to {NEWEST}"
_FORM: Final = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})")


class Standing(StrEnum):
    """Where a version stands beside those that were tested."""

    OLDER = "older"
    TESTED = "tested"
    NEWER = "newer"
    UNKNOWN = "unknown"
    """What it calls its version is none."""


def standing(version: str) -> Standing:
    """Where a version such as `2.1.330` stands; what follows the three numbers does not count."""
    found, oldest, newest = (_numbers(text) for text in (version, OLDEST, NEWEST))
    if not found:
        return Standing.UNKNOWN
    if found < oldest:
        return Standing.OLDER
    return Standing.NEWER if found > newest else Standing.TESTED


def note(version: str) -> str:
    """What to say beside a version; nothing where it is within the range."""
    match standing(version):
        case Standing.TESTED:
            return ""
        case Standing.UNKNOWN:
            return f"tested with {RANGE}"
        case _ as found:
            return f"{found.value} than those tested, {RANGE}"


def _numbers(version: str) -> tuple[int, ...]:
    found = _FORM.match(version)
    return tuple(map(int, found.groups())) if found else ()
