"""What the user set for Claude Code itself, as far as a launch has to know it. Nothing of it is ever changed.

Claude Code reads, each outranking the one before: the user's `settings.json`, the project's `.claude/settings.json`
in the working directory, and `.claude/settings.local.json`, which it takes from the top of a git checkout rather than
from the working directory. `--settings`, which is how ours get in, outranks them all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kimi_cli.launcher.arguments import LOCAL_SOURCE, PROJECT_SOURCE, USER_SOURCE
from kimi_cli.launcher.places import home_directory
from kimi_cli.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

DEFAULT_MODE: Final = "default"
"""It asks before it acts. Claude Code's own default is `auto`, which needs a check that only Anthropic's server does,
and without it every action ends in a dialog."""
OWN_SOURCE: Final = "--settings"
_COPIED: Final = frozenset({"acceptEdits", "default", "dontAsk", "plan"})
_BYPASS: Final = "bypassPermissions"
_AUTO: Final = "auto"
_LIMIT: Final = 4 * 1024 * 1024
"""Bytes; settings have some thousand."""


class ClientSettings(Record):
    """The user's own settings, in the order in which they count; `layers` names where each came from."""

    layers: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def permission_mode(self) -> str | None:
        """The mode to start in; None leaves it to Claude Code.

        A mode that the user set is repeated beside our settings: where it only stands in a file, Claude Code offers
        auto mode in its place, which would not work. Two are not repeated: `auto`, and from a project
        `bypassPermissions`, because in our settings it would count where a project's own does not.
        """
        for source, layer in reversed(self.layers):
            permissions = layer.get("permissions")
            mode = permissions.get("defaultMode") if isinstance(permissions, dict) else None
            if mode in _COPIED or (mode == _BYPASS and source in {USER_SOURCE, OWN_SOURCE}):
                return str(mode)
            if mode in {_AUTO, _BYPASS}:
                return None
        return DEFAULT_MODE

    def variable(self, name: str) -> str | None:
        """An environment variable that the settings set."""
        for _, layer in reversed(self.layers):
            variables = layer.get("env")
            value = variables.get(name) if isinstance(variables, dict) else None
            if isinstance(value, str):
                return value
        return None

    def has(self, name: str) -> bool:
        """Whether a setting of that name is set anywhere."""
        return any(name in layer for _, layer in self.layers)


def read_client_settings(
    environ: Mapping[str, str], *, cwd: Path, sources: AbstractSet[str], own: Mapping[str, Any]
) -> ClientSettings:
    """The settings that Claude Code reads when it is started in `cwd`: of its files those of `sources`, and `own`.

    `own` is what the user's own `--settings` hold. A file that cannot be read or understood counts as none: what to
    say about it is Claude Code's business.
    """
    layers = ((source, _read(path)) for source, path in _files(environ, cwd) if source in sources)
    return ClientSettings(tuple((source, layer) for source, layer in (*layers, (OWN_SOURCE, own)) if layer))


def user_settings_file(environ: Mapping[str, str]) -> Path | None:
    """The user's `settings.json`, or None where there is no home directory."""
    configured, home = environ.get("CLAUDE_CONFIG_DIR"), home_directory(environ)
    if configured:
        return Path(configured) / "settings.json"
    return home / ".claude" / "settings.json" if home is not None else None


def user_model(environ: Mapping[str, str]) -> str | None:
    """The model that the user's `settings.json` names as Claude Code's default."""
    path = user_settings_file(environ)
    model = _read(path).get("model") if path is not None else None
    return model if isinstance(model, str) and model else None


def _files(environ: Mapping[str, str], cwd: Path) -> Iterator[tuple[str, Path]]:
    home, users = home_directory(environ), user_settings_file(environ)
    if users is not None:
        yield USER_SOURCE, users
    if home is None or cwd != home:  # there the project's file would be the user's own
        yield PROJECT_SOURCE, cwd / ".claude" / "settings.json"
    top = _checkout(cwd)
    for folder in (cwd,) if top in {None, cwd} else (cwd, top):
        if folder is not None:
            yield LOCAL_SOURCE, folder / ".claude" / "settings.local.json"


def _checkout(cwd: Path) -> Path | None:
    """The top of the git checkout that a directory is in."""
    return next((folder for folder in (cwd, *cwd.parents) if (folder / ".git").exists()), None)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_LIMIT).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
