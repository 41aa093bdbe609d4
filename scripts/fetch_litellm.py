#!/usr/bin/env python3
"""Install the pinned LiteLLM proxy for the tests that put it between kimi and a host.

It goes into a virtual environment of its own, `.cache/litellm/VERSION`, so that what it needs never meets what this
project needs. `litellm-constraints.txt` pins all of that, so that pip has nothing to search for. Where it cannot be
installed this says so and succeeds: those tests then skip.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "1.106.2"
"""The version whose behaviour `docs/teams.md` describes."""

ROOT = Path(__file__).resolve().parent
CACHE = ROOT.parent / ".cache" / "litellm"
CONSTRAINTS = ROOT / "litellm-constraints.txt"
INSTALL_SECONDS = 600
"""About 200 MB are fetched; who has no more patience than this goes without."""
RETRIES = ("--retries", "2", "--timeout", "30")
"""An index that cannot be reached is not waited for."""
OLDEST_PYTHON = (3, 10)
"""What LiteLLM asks for."""


def main() -> int:
    """Install it, unless it is there."""
    if sys.platform == "win32":
        skip("it is tried on Linux and macOS alone")
    elif sys.version_info < OLDEST_PYTHON:
        skip(f"it needs Python 3.{OLDEST_PYTHON[1]}, and this is {sys.version.split()[0]}")
    elif not is_installed():
        with only_one():
            if not is_installed():
                install()
    return 0


def python() -> Path:
    """The interpreter of LiteLLM's environment, wherever that would be."""
    return CACHE / VERSION / "bin" / "python"


def is_installed() -> bool:
    """Whether an installation was completed, with the constraints as they are now and a Python that is still there."""
    try:
        return _mark().read_bytes() == CONSTRAINTS.read_bytes() and os.access(python(), os.X_OK)
    except OSError:
        return False


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Wait until no other process installs it. The lock goes with its process, whatever way that ends."""
    import fcntl  # there is none on Windows

    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install() -> None:
    """Make the environment in its place, since environments cannot be moved, and mark it when it is complete."""
    target = CACHE / VERSION
    shutil.rmtree(target, ignore_errors=True)
    say(f"Installing LiteLLM {VERSION} with pip ...")
    commands = (
        [sys.executable, "-m", "venv", str(target)],
        [
            *(str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
            *RETRIES,
            *("--only-binary", ":all:", "--constraint", str(CONSTRAINTS), f"litellm[proxy]=={VERSION}"),
        ],
    )
    try:
        for command in commands:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)  # noqa: S603 - fixed words
        shutil.copyfile(CONSTRAINTS, _mark())
    except (subprocess.SubprocessError, OSError) as error:
        shutil.rmtree(target, ignore_errors=True)
        told = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        lines = [line.strip() for line in (told or "").splitlines() if line.strip()]
        skip(next((line for line in reversed(lines) if "ERROR" in line), lines[-1] if lines else type(error).__name__))
        return
    say(f"LiteLLM is here now: {target}")


def _mark() -> Path:
    return CACHE / VERSION / "installed"


def skip(reason: str) -> None:
    """Say why there is none."""
    say(f"LiteLLM was not installed ({reason}); tests with it will skip.")


def say(line: str) -> None:
    """One line on stdout, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
