"""The user's own `--settings`, which are merged into ours because Claude Code reads only one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from kimi_cli.errors import UsageError

_LIMIT: Final = 8 * 1024 * 1024
"""Bytes, as much as Claude Code itself reads."""
_FILE_RULE: Final = r"(?P<tool>Edit|Glob|Grep|LS|MultiEdit|NotebookEdit|Read|Write)\(/(?P<path>[^/].*)\)"
"""A rule whose path begins with one slash, which means the directory of the file that it stands in."""


def read_own_settings(value: str | None, *, cwd: Path) -> dict[str, Any]:
    """What a `--settings` means: JSON where it looks like an object, else the file of that name; empty without one.

    Raises:
        UsageError: there is no such file, or what is there is no JSON object.
    """
    text = (value or "").strip()
    if not text:
        return {}
    if text.startswith("{") and text.endswith("}"):
        return _parsed(text, name="The JSON of --settings")
    path = cwd / Path(text).expanduser()
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"The file of --settings, {text}, cannot be read: {reason}.") from error
    return _anchored(_parsed(content, name=f"The file of --settings, {text},"), path.parent) if content.strip() else {}


def _parsed(text: str, *, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{name} is not valid JSON: {error.msg} at {where}.") from error
    except RecursionError as error:
        raise UsageError(f"{name} is nested too deeply.") from error
    if not isinstance(found, dict):
        raise UsageError(f"{name} is not a JSON object.")
    return found


def _anchored(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The settings with rules that still mean the same when they no longer stand in a file of `folder`."""
    permissions = settings.get("permissions")
    if not isinstance(permissions, dict):
        return settings
    root = folder.resolve()
    # `//` begins an absolute path; on Windows that is written /c/Users/...
    place = "/".join((root.drive.rstrip(":").lower(), *root.parts[1:])) if root.drive else root.as_posix().lstrip("/")

    def anchor(rule: object) -> object:
        found = re.fullmatch(_FILE_RULE, rule) if isinstance(rule, str) else None
        return f"{found['tool']}(//{place}/{found['path']})" if found else rule

    rules = {
        kind: [anchor(rule) for rule in permissions[kind]]
        for kind in ("allow", "ask", "deny")
        if isinstance(permissions.get(kind), list)
    }
    return {**settings, "permissions": {**permissions, **rules}}
