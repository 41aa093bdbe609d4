"""Where programs of other people's package managers lie in a home directory."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NUMBERS = re.compile(r"\d+")


def home_directory(environ: Mapping[str, str]) -> Path | None:
    """The user's home directory, or None where the environment names none."""
    home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME", "")
    return Path(home) if home and Path(home).is_absolute() else None


def search_path(environ: Mapping[str, str]) -> Iterator[Path]:
    """The directories of `PATH`; relative ones are left out, as they mean whatever directory one happens to be in."""
    separator = ";" if sys.platform == "win32" else ":"
    for entry in environ.get("PATH", "").split(separator):
        path = Path(entry.strip('"') if sys.platform == "win32" else entry)
        if entry and path.is_absolute():
            yield path


def installation_places(environ: Mapping[str, str]) -> Iterator[Path]:
    """Directories in which Claude Code is found where `PATH` does not lead to it, the likeliest first."""
    home = home_directory(environ)
    if home is not None:
        yield home / ".local" / "bin"  # the native installer
        yield home / ".claude" / "local"  # the old local installation, which `claude` is an alias for
        yield home / ".claude" / "local" / "node_modules" / ".bin"
    if sys.platform == "win32":
        yield from _windows_places(environ)
    else:
        yield from (Path("/opt/homebrew/bin"), Path("/usr/local/bin"), Path("/home/linuxbrew/.linuxbrew/bin"))
        yield Path("/usr/bin")
    for variable, inner in (("NPM_CONFIG_PREFIX", "bin"), ("npm_config_prefix", "bin"), ("PNPM_HOME", "")):
        if environ.get(variable):
            yield Path(environ[variable]) / inner
    if home is not None:
        yield from _home_places(home, environ)


def _home_places(home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    yield from _npm_prefix(home)
    yield home / ".npm-global" / "bin"
    yield home / ".npm-packages" / "bin"
    yield home / "node_modules" / ".bin"
    nvm = Path(environ.get("NVM_DIR") or home / ".nvm")
    yield from _newest_first(nvm / "versions" / "node", "*/bin")
    yield home / ".volta" / "bin"
    yield home / ".bun" / "bin"
    yield home / ".local" / "share" / "pnpm"
    yield home / "Library" / "pnpm"
    yield home / ".yarn" / "bin"
    yield from _newest_first(home / ".local" / "share" / "fnm" / "node-versions", "*/installation/bin")
    yield home / ".local" / "share" / "mise" / "shims"
    yield home / ".asdf" / "shims"
    yield home / ".nix-profile" / "bin"
    yield from _newest_first(home / ".npm" / "_npx", "*/node_modules/.bin")


def _windows_places(environ: Mapping[str, str]) -> Iterator[Path]:
    for variable, inner in (
        ("APPDATA", "npm"),
        ("LOCALAPPDATA", "pnpm"),
        ("LOCALAPPDATA", "Volta/bin"),
        ("LOCALAPPDATA", "Microsoft/WinGet/Links"),
        ("PROGRAMFILES", "nodejs"),
    ):
        if environ.get(variable):
            yield Path(environ[variable]) / inner


def _npm_prefix(home: Path) -> Iterator[Path]:
    """The place for global packages that `~/.npmrc` names."""
    try:
        lines = (home / ".npmrc").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() == "prefix" and value.strip():
            place = value.strip().strip("\"'").replace("${HOME}", str(home))
            yield (home / place[2:] if place.startswith("~/") else Path(place)) / "bin"


def _newest_first(folder: Path, pattern: str) -> Iterator[Path]:
    """Directories that have a version in their name, by its numbers: v22 comes before v9."""

    def version(path: Path) -> list[int]:
        return [int(number) for number in _NUMBERS.findall(str(path.relative_to(folder)))]

    try:
        yield from sorted(folder.glob(pattern), key=version, reverse=True)
    except OSError:
        return
