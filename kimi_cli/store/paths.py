"""Where our files lie on this machine."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import NotConfiguredError
from kimi_cli.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

APP: Final = "kimi-cli"
"""The name of our directory under each of the platform's directories."""
STATE_FILE: Final = "proxy.json"
"""The state of the proxy that new sessions go to."""
BODIES: Final = "bodies"
"""The directory beside a log for the bodies that are recorded."""
CALIBRATION: Final = "calibration.json"
_WRITABLE_BY_OTHERS: Final = 0o022


class Paths(Record):
    """The four directories that are ours, and the files in them. Finding a path creates nothing.

    `config_dir` holds what the user chose, `cache_dir` what can be fetched again, `log_dir` the proxy's log,
    `runtime_dir` what is true only while a proxy runs.
    """

    config_dir: Path
    cache_dir: Path
    log_dir: Path
    runtime_dir: Path

    @staticmethod
    def find(environ: Mapping[str, str]) -> Paths:
        """The directories for the user that `environ` describes.

        The XDG variables count on every POSIX system; without them the platform's own places are used (`~/.config`
        and its like, `~/Library`, `%LOCALAPPDATA%`). The runtime directory is `$XDG_RUNTIME_DIR/kimi-cli` where that
        variable names a directory which only this user can write to, else a directory beside the user's other state.

        Raises:
            NotConfiguredError: there is no home directory.
        """
        return _find_windows(environ) if sys.platform == "win32" else _find_posix(environ)

    @property
    def settings_file(self) -> Path:
        """The user's choices, TOML."""
        return self.config_dir / "settings.toml"

    @property
    def keys_file(self) -> Path:
        """Keys, where the user chose a protected file over the keyring."""
        return self.config_dir / "keys.json"

    @property
    def state_file(self) -> Path:
        """Which proxy runs, and how to talk to it."""
        return self.runtime_dir / STATE_FILE

    @property
    def lock_file(self) -> Path:
        """Held while a proxy is being started, and by a proxy that ends."""
        return self.runtime_dir / "proxy.lock"

    @property
    def sessions_dir(self) -> Path:
        """Files that belong to one session and go with it."""
        return self.runtime_dir / "sessions"

    @property
    def live_models_dir(self) -> Path:
        """The remembered live lists, one file for each host."""
        return self.cache_dir / "models"

    @property
    def calibration_file(self) -> Path:
        """What was learned of models' token counts."""
        return self.cache_dir / CALIBRATION

    @property
    def log_file(self) -> Path:
        """The proxy's log."""
        return self.log_dir / "proxy.log"

    @property
    def serve_log_file(self) -> Path:
        """The log of proxies in the foreground."""
        return self.log_dir / "serve.log"

    @property
    def usage_dir(self) -> Path:
        """The usage ledger. It is worth more than a log: macOS sweeps the directory of those."""
        return (self.config_dir if sys.platform == "darwin" else self.log_dir.parent) / "usage"

    @property
    def bodies_dir(self) -> Path:
        """Recorded requests and answers, where that was asked for."""
        return self.log_dir / BODIES


def _find_posix(environ: Mapping[str, str]) -> Paths:
    home = _home(environ)
    if sys.platform == "darwin":
        library = home / "Library"
        config = state = library / "Application Support"
        cache = library / "Caches"
    else:
        config, state, cache = home / ".config", home / ".local" / "state", home / ".cache"
    state = _absolute(environ, "XDG_STATE_HOME") or state
    session = _absolute(environ, "XDG_RUNTIME_DIR")
    return Paths(
        config_dir=(_absolute(environ, "XDG_CONFIG_HOME") or config) / APP,
        cache_dir=(_absolute(environ, "XDG_CACHE_HOME") or cache) / APP,
        log_dir=home / "Library" / "Logs" / APP if sys.platform == "darwin" else state / APP / "log",
        runtime_dir=session / APP if session and _is_ours_alone(session) else state / APP / "run",
    )


def _find_windows(environ: Mapping[str, str]) -> Paths:
    local = _absolute(environ, "LOCALAPPDATA")
    if local is None:
        import platformdirs

        local = platformdirs.user_data_path()
    base = local / APP
    return Paths(config_dir=base, cache_dir=base / "Cache", log_dir=base / "Logs", runtime_dir=base / "run")


def home_of(environ: Mapping[str, str]) -> Path | None:
    """The home directory of the user that `environ` describes; None where there is none.

    One that is relative counts as none: it would be another one in every directory.
    """
    return _absolute(environ, "USERPROFILE" if sys.platform == "win32" else "HOME") or _listed_home()


if sys.platform == "win32":

    def _listed_home() -> Path | None:
        """There is no such list."""
        return None

else:

    def _listed_home() -> Path | None:
        """What the user database says; containers with made-up user ids have no entry there."""
        import pwd

        try:
            listed = Path(pwd.getpwuid(os.getuid()).pw_dir)
        except KeyError:
            return None
        return listed if listed.is_absolute() else None


def _home(environ: Mapping[str, str]) -> Path:
    home = home_of(environ)
    if home is None:
        raise NotConfiguredError("Your home directory cannot be found.", fix="export HOME=/path/to/home")
    return home


def _absolute(environ: Mapping[str, str], name: str) -> Path | None:
    """The directory that a variable names; the XDG specification has relative ones ignored."""
    value = environ.get(name, "")
    return Path(value) if value and Path(value).is_absolute() else None


def _is_ours_alone(directory: Path) -> bool:
    """Whether we can use the directory and nobody else can put things into it."""
    try:
        found = directory.stat()
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode) or not os.access(directory, os.W_OK | os.X_OK):
        return False
    return sys.platform == "win32" or (found.st_uid == os.geteuid() and not found.st_mode & _WRITABLE_BY_OTHERS)
