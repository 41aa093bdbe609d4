"""Isolation for every test: its own home and XDG directories, no keys, no keyring, a fixed width."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FOREIGN_PREFIXES: Final = ("ANTHROPIC_", "CLAUDE", "KIMI_", "DISABLE_", "MOONSHOT_", "GROQ_", "OPENAI_")
FOREIGN_SUFFIXES: Final = ("_API_KEY", "_PROXY")
FOREIGN_NAMES: Final = ("NO_COLOR", "FORCE_COLOR", "ENABLE_TOOL_SEARCH", "TMUX", "TMUX_PANE", "LINES")
POLL_SECONDS: Final = 0.05
END_SECONDS: Final = 15.0
"""How long a process may take to end by itself on a loaded machine."""

for _name, _usual in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL), ("SIGTERM", signal.SIG_DFL)):
    _number = getattr(signal, _name, None)
    if _number is not None and signal.getsignal(_number) is signal.SIG_IGN:
        # As in a shell's background, or under nohup. Whatever a test starts would ignore it as well.
        signal.signal(_number, _usual)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The one directory that a test, and whatever it starts, writes to.

    Its path is short, since sockets in it may have no more than about a hundred characters, and unique, so that a
    process that has it in its environment or command line is known to be the test's own.
    """

    root: Path

    @property
    def home(self) -> Path:
        """The home directory."""
        return self.root / "h"

    @property
    def runtime(self) -> Path:
        """`XDG_RUNTIME_DIR`."""
        return self.root / "r"

    @property
    def temporary(self) -> Path:
        """`TMPDIR`."""
        return self.root / "tmp"

    def environ(self) -> dict[str, str]:
        """The variables that lead a process into the sandbox."""
        home = str(self.home)
        return {
            **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(self.temporary)),
            "HOME": home,
            "USERPROFILE": home,
            "LOCALAPPDATA": str(self.home / "local"),
            "APPDATA": str(self.home / "roaming"),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_STATE_HOME": str(self.home / ".local" / "state"),
            "XDG_DATA_HOME": str(self.home / ".local" / "share"),
            "XDG_RUNTIME_DIR": str(self.runtime),
            # Failures are passed on as they come; where they are not, the test says so.
            "KIMI_RETRY_SECONDS": "0",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "COLUMNS": "100",
        }

    def processes(self) -> list[psutil.Process]:
        """Every other process that belongs to the sandbox."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def proxies(self) -> list[psutil.Process]:
        """Every proxy among them."""
        return [process for process in self.processes() if "kimi_cli.proxy" in _command(process)]

    def runtime_files(self) -> list[Path]:
        """Every file, socket or pipe in the runtime directory."""
        return [path for path in self.runtime.rglob("*") if not path.is_dir()]

    def assert_nothing_left(self, *, seconds: float = END_SECONDS) -> None:
        """Wait until no process and no runtime file is left, and fail where that does not come to pass."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (self.processes() or self.runtime_files()):
            time.sleep(POLL_SECONDS)
        left = [_describe(process) for process in self.processes()]
        assert left == []
        assert self.runtime_files() == []

    def _owns(self, process: psutil.Process) -> bool:
        if process.pid == os.getpid():
            return False
        marker = str(self.root)
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return any(marker in argument for argument in process.cmdline()) or any(
                marker in value for value in process.environ().values()
            )
        except (psutil.Error, OSError):
            return False


@pytest.fixture(autouse=True)
def sandbox() -> Iterator[Sandbox]:
    """A fresh home for every test, in the environment of the test's own process as well."""
    short = "/tmp" if sys.platform == "darwin" else None  # macOS has a long TMPDIR
    place = Sandbox(Path(tempfile.mkdtemp(prefix="kt", dir=short)))
    for directory in (place.home, place.runtime, place.temporary):
        directory.mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            upper = name.upper()
            if upper.startswith(FOREIGN_PREFIXES) or upper.endswith(FOREIGN_SUFFIXES) or upper in FOREIGN_NAMES:
                patch.delenv(name)
        for name, value in place.environ().items():
            patch.setenv(name, value)
        yield place
    shutil.rmtree(place.root, ignore_errors=True)


@pytest.fixture
def no_leftovers(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, with a look at its end for processes and runtime files that should be gone."""
    yield sandbox
    sandbox.assert_nothing_left()


def _describe(process: psutil.Process) -> str:
    return f"{process.pid} {' '.join(_command(process)) or '(gone)'}"


def _command(process: psutil.Process) -> list[str]:
    """The command line of a process, which may end any moment."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []
