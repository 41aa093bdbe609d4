"""How a directory looks where there is little room."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def shown_directory(path: str, room: int) -> str:
    """A directory as the user would write it, or as much of its end as there is room for."""
    with suppress(ValueError, RuntimeError):
        path = str("~" / Path(path).relative_to(Path.home()))
    return path if len(path) <= room else f"…{path[1 - room :]}"
