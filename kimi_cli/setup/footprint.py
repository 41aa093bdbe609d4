"""What kimi has left on this machine: its files and directories, told from everything else that lies in them.

A file is ours by its place and the form of its name. Anything else in our directories is somebody else's, and so is
whatever a link leads to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.store.bodies import BODY_NAME
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.ledger_files import LEDGER_NAME
from kimi_cli.store.paths import APP, BODIES, CALIBRATION
from kimi_cli.store.state import read_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kimi_cli.store.paths import Paths

_NAME: Final = r"[A-Za-z0-9_-]{1,64}"
_HEX: Final = r"[0-9a-f]{16}"
_CONFIG: Final = re.compile(r"settings\.toml|keys\.json|\.lock")
"""`.lock` is a lock of Windows; other systems lock the directory itself."""
_CACHE: Final = re.compile(rf"models/{_NAME}-{_HEX}\.json|{re.escape(CALIBRATION)}")
_LOG: Final = re.compile(rf"(?P<log>proxy|serve)\.log(\.\d+)?|{BODIES}/{BODY_NAME}")
_USAGE: Final = re.compile(LEDGER_NAME)
_RUNTIME: Final = re.compile(
    rf"proxy\.(json|lock)|proxy-\d+\.json|serve-\d+\.json|sessions/({_HEX}|shell-\d+)\.json"
    rf"|direct/(?P<pid>\d+)_(?P<created>[0-9.e+]+)_{_HEX}\.json"
)
_TEMPORARY: Final = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}\.tmp")
"""What is left of a file that was being written when its writer was killed."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Our files, those that a running process needs apart; our directories, the inner ones first; what is not ours."""

    files: tuple[Path, ...] = ()
    in_use: tuple[Path, ...] = ()
    directories: tuple[Path, ...] = ()
    foreign: tuple[Path, ...] = ()


def footprint(paths: Paths) -> Footprint:
    """Everything in our directories, sorted into what is ours and what is not. Looks only."""
    folders = _folders(paths)
    entries = sorted({entry for folder in folders for entry in _entries(folder)} - set(folders))
    files = [entry for entry in entries if _is_ours(entry, paths)]
    in_use = _in_use(files, paths)
    return Footprint(
        files=tuple(file for file in files if file not in in_use),
        in_use=tuple(file for file in files if file in in_use),
        directories=tuple(folder for folder in folders if folder.is_dir() and not folder.is_symlink()),
        foreign=tuple(entry for entry in entries if entry not in files),
    )


def emptied(directories: Iterable[Path], files: Iterable[Path]) -> tuple[Path, ...]:
    """Those of our directories, given with the inner ones first, in which nothing is left without these files."""
    going = set(files)
    empty: list[Path] = []
    for folder in directories:
        if going.issuperset(_entries(folder)):
            going.add(folder)
            empty.append(folder)
    return tuple(empty)


def live_lists(paths: Paths, provider_id: str) -> tuple[Path, ...]:
    """The remembered lists of a provider's models, one for each address that it has had."""
    name = re.compile(rf"{re.escape(provider_id)}-{_HEX}\.json")
    return tuple(sorted(entry for entry in _entries(paths.live_models_dir) if name.fullmatch(entry.name)))


def _folders(paths: Paths) -> list[Path]:
    """Our directories, the inner ones first; some systems put several of them into one that is ours as well."""
    roots = (paths.config_dir, paths.cache_dir, paths.log_dir, paths.runtime_dir)
    around = (root.parent for root in roots if root.parent.name == APP)
    inner = (paths.live_models_dir, paths.sessions_dir, paths.runtime_dir / "direct", paths.bodies_dir, paths.usage_dir)
    return sorted({*roots, *around, *inner}, key=lambda folder: (-len(folder.parts), folder))


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError:  # there is none, or it may not be read, and then nothing in it can be removed either
        return


def _is_ours(path: Path, paths: Paths) -> bool:
    if path.is_dir() and not path.is_symlink():
        return False
    temporary = _TEMPORARY.fullmatch(path.name)
    if temporary is not None:
        path = path.with_name(temporary["name"])
    places = (
        (paths.config_dir, _CONFIG),
        (paths.cache_dir, _CACHE),
        (paths.log_dir, _LOG),
        (paths.usage_dir, _USAGE),
        (paths.runtime_dir, _RUNTIME),
    )
    return any(
        path.is_relative_to(folder) and form.fullmatch(path.relative_to(folder).as_posix()) is not None
        for folder, form in places
    )


def _in_use(files: list[Path], paths: Paths) -> set[Path]:
    """The files of `kimi serve` and `kimi launch --direct` that run; nothing else would clean up after them."""
    used: set[Path] = set()
    for file in files:
        direct = _RUNTIME.fullmatch(f"{file.parent.name}/{file.name}")
        if direct is not None and direct["pid"]:
            identity = _identity(direct["pid"], direct["created"])
        elif file.parent == paths.runtime_dir and file.name.startswith("serve-"):
            state = read_state(file)
            identity = state.process if state else None
        else:
            continue
        if identity is not None and identity.is_alive():
            used.add(file)
    if any(file.name.startswith("serve-") for file in used):
        used.update(file for file in files if file.parent == paths.log_dir and file.name.startswith("serve"))
    return used


def _identity(pid: str, created: str) -> ProcessIdentity | None:
    try:
        return ProcessIdentity(int(pid), float(created))
    except ValueError:
        return None
