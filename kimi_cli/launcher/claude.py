"""Where Claude Code is on this machine, and how it is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import ClaudeNotFoundError, ClaudeUnusableError
from kimi_cli.launcher.places import home_directory, installation_places, search_path
from kimi_cli.launcher.shim import interpreter_line, is_shim, shim_target
from kimi_cli.record import Record, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

VARIABLE: Final = "KIMI_CLAUDE"
"""Names the Claude Code to run, where the one that would be found is not meant."""
_NAME: Final = "claude"
_OURS: Final = "kimi"
_OURS_BY_NAME: Final = re.compile(rb"(?<![\w.-])kimi(?:\.exe)?[\"'\s]")
_SCRIPT_LIMIT: Final = 4 * 1024
"""Bytes; what runs another program has a few lines. Claude Code itself has megabytes."""
_VERSION_SECONDS: Final = 20.0
"""It takes a fraction of one; a cold disk and a virus scanner take more."""
_NPM_INSTALL: Final = "npm install -g @anthropic-ai/claude-code"
_EXTENSIONS: Final = (".exe", ".cmd", ".bat") if sys.platform == "win32" else ("",)
"""What makes a file a program; `.com` and scripts of Windows' own are nothing that Claude Code comes as."""


class Claude(Record):
    """Claude Code as found: `path` is what was found, `argv_prefix` what runs it.

    A shim that had to be left to the command interpreter has an empty prefix, and `interpreter` names the latter.
    `is_off_path` where it was found although `PATH` does not lead to it.
    """

    path: Path
    argv_prefix: tuple[str, ...]
    interpreter: str = ""
    is_off_path: bool = False

    def command(self, arguments: Sequence[str]) -> list[str] | str:
        """What to give to `subprocess` in order to run it with these arguments."""
        if not self.argv_prefix:
            return interpreter_line(self.interpreter, self.path, arguments)
        return [*self.argv_prefix, *arguments]

    def version(self, environ: Mapping[str, str]) -> str:
        """Its version, such as `2.1.330`. It has to be started for that, so no launch asks.

        Raises:
            ClaudeUnusableError: it cannot be started, or does not say.
        """
        try:
            done = subprocess.run(  # noqa: S603 - the program that the user means
                self.command(["--version"]),
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_VERSION_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise unusable(self.path, error) from error
        words = done.stdout.decode("utf-8", "replace").split()
        if done.returncode or not words:
            raise ClaudeUnusableError(f"{self.path} does not tell its version (status {done.returncode}).")
        return words[0]


def find_claude(environ: Mapping[str, str], *, explicit: Path | None = None, own: Path | None = None) -> Claude:
    """The Claude Code to run: `explicit`, else what KIMI_CLAUDE names, else the first that is found.

    It is looked for in `PATH` and then wherever installers and package managers put it. `own` is our own program,
    which is never taken for it, whatever its name.

    Raises:
        ClaudeUnusableError: the one that was named does not exist or cannot be run.
        ClaudeNotFoundError: there is none.
    """
    named = explicit or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None)
    if named is not None:
        return _named(named.expanduser(), environ)
    own = own or Path(sys.argv[0])
    tried = ["PATH"]
    for in_path, folder in _folders(environ):
        if not in_path:
            tried.append(_shown(folder, environ))
        for extension in _EXTENSIONS:
            candidate = folder / (_NAME + extension)
            if _is_program(candidate) and not _is_ours(candidate, own=own):
                return replace(_claude(candidate, environ), is_off_path=not in_path)
    raise ClaudeNotFoundError(tried=tried, install=install_command(environ))


def _shown(folder: Path, environ: Mapping[str, str]) -> str:
    """A directory as people write it."""
    home = home_directory(environ)
    return f"~/{folder.relative_to(home).as_posix()}" if home and folder.is_relative_to(home) else str(folder)


def install_command(environ: Mapping[str, str]) -> str:
    """The command that installs Claude Code on this system."""
    npm = _in_path("npm", environ)
    native = (
        "irm https://claude.ai/install.ps1 | iex"
        if sys.platform == "win32"
        else "curl -fsSL https://claude.ai/install.sh | bash"
    )
    return f"{native}   or   {_NPM_INSTALL}" if npm else native


def unusable(path: Path, error: OSError | subprocess.TimeoutExpired) -> ClaudeUnusableError:
    """What to say when the system does not run it."""
    match error:
        case FileNotFoundError():
            reason = "what it needs in order to run is missing"  # itself it is there
        case OSError():
            reason = error.strerror or str(error)
        case _:
            reason = "it does not answer"
    return ClaudeUnusableError(f"{path} cannot be run: {reason}.")


def _folders(environ: Mapping[str, str]) -> Iterator[tuple[bool, Path]]:
    """Every directory to look into, each once, and whether it is one of `PATH`."""
    seen: set[Path] = set()
    for in_path, folders in ((True, search_path(environ)), (False, installation_places(environ))):
        for folder in folders:
            if folder not in seen:
                seen.add(folder)
                yield in_path, folder


def _named(path: Path, environ: Mapping[str, str]) -> Claude:
    found = path.absolute()
    if not found.is_file():
        raise ClaudeUnusableError(
            f"{path} is not there, or is not a file.", fix=f"--claude PATH   or   {VARIABLE}=PATH"
        )
    if not _is_program(found):
        raise ClaudeUnusableError(f"{path} is not a program that can be run.", fix=f"chmod +x {path}")
    return _claude(found, environ)


def _claude(path: Path, environ: Mapping[str, str]) -> Claude:
    if not is_shim(path):
        return Claude(path, (str(path),))
    target = shim_target(path)
    if target is not None and target.suffix.lower() == ".exe":
        return Claude(path, (str(target),))
    beside = path.parent / "node.exe"
    node = beside if beside.is_file() else _in_path("node", environ)
    if target is not None and node is not None:
        return Claude(path, (str(node), str(target)))
    return Claude(path, (), interpreter=environ.get("COMSPEC") or "cmd.exe")


def _in_path(name: str, environ: Mapping[str, str]) -> Path | None:
    places = (folder / (name + extension) for folder in search_path(environ) for extension in _EXTENSIONS)
    return next(filter(_is_program, places), None)


def _is_program(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.X_OK)
    except OSError:
        return False


def _is_ours(candidate: Path, *, own: Path) -> bool:
    """Whether a program by Claude Code's name is in truth ours, which would start itself for ever.

    People put a link to `kimi`, or a script that runs it, where they want to go on typing `claude`.
    """
    try:
        real = candidate.resolve()
        return real.stem.lower() == _OURS or real == own.resolve() or _runs_us(real)
    except (OSError, RuntimeError):
        return False


def _runs_us(script: Path) -> bool:
    """Whether it is a short script of a shell's that has the name of our command in it."""
    with script.open("rb") as file:
        text = file.read(_SCRIPT_LIMIT + 1)
    first = text.partition(b"\n")[0]
    is_script = is_shim(script) or (first.startswith(b"#!") and b"node" not in first)
    return is_script and len(text) <= _SCRIPT_LIMIT and _OURS_BY_NAME.search(text) is not None
