"""Glob."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.tools.failure import OutsideError
from kimi_cli.tools.pattern import Pattern
from kimi_cli.wire.foreign import a_string

if TYPE_CHECKING:
    from kimi_cli.tools.place import Place
    from kimi_cli.wire.foreign import JsonObject

SHOWN: Final = 100
VERSIONING: Final = frozenset({".git", ".svn", ".hg", ".bzr", ".jj"})
"""Directories of version control, in which nobody looks for anything."""
NOTHING: Final = "No files found"
_TRUNCATED: Final = "(Results are truncated. Consider using a more specific path or pattern.)"


def glob(given: JsonObject, place: Place) -> str:
    """The files that a pattern means, those first that were changed last."""
    top = place.resolve(a_string(given.get("path")) or str(place.root))
    text = a_string(given.get("pattern"))
    if ".." in text.split("/"):
        raise OutsideError(text)
    if text.startswith("/"):
        if not Path(text).is_relative_to(top):
            raise OutsideError(text)
        text = str(Path(text).relative_to(top))
    pattern = Pattern(text)
    found: list[Path] = []
    for directory, folders, files in place.walk(str(top)):
        folders[:] = [name for name in folders if name not in VERSIONING]
        parts = directory.relative_to(top).parts
        found += (directory / name for name in files if pattern.matches((*parts, name)))
    if not found:
        return NOTHING
    lines = [str(path) for path in newest_first(found)]
    return "\n".join([*lines[:SHOWN], *([_TRUNCATED] if len(lines) > SHOWN else [])])


def newest_first(paths: list[Path]) -> list[Path]:
    """Files by when they were changed, and by name where that is the same."""

    def changed(path: Path) -> tuple[float, str]:
        try:
            return -os.lstat(path).st_mtime, str(path)
        except OSError:
            return 0.0, str(path)

    return sorted(paths, key=changed)
