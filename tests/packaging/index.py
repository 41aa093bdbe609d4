"""The package index of this machine, as far as pip can reach one, and what is built and installed with it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kimi_cli import __version__

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ("pyproject.toml", "README.md", "CHANGELOG.md", "ARCHITECTURE.md", "LICENSE", "Makefile", ".gitignore")
DIST: Final = f"kimi_cli-{__version__}.dist-info"
"""The directory of metadata in the wheel."""
SECONDS: Final = 300.0
"""For everything that may have to be downloaded."""
_RETRIES: Final = ("--retries", "1", "--timeout", "15")
"""An index that cannot be reached is not waited for."""


class UnreachableError(Exception):
    """pip could not get what was asked for; the text is the last thing that it said."""


@dataclass(frozen=True, slots=True)
class Built:
    """The two archives that are published."""

    wheel: Path
    sdist: Path


def pip(*arguments: str, target: Path | None = None) -> None:
    """Run this interpreter's pip; with `target` for another environment.

    Raises:
        UnreachableError: it failed.
    """
    python = () if target is None else ("--python", str(target))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check", *python, *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        raise UnreachableError(lines[-1] if lines else f"pip ended with status {done.returncode}")


def install(*packages: str, target: Path, into: Path | None = None) -> None:
    """Install packages into an environment, or with `into` into a bare directory.

    Raises:
        UnreachableError: pip failed.
    """
    place = () if into is None else ("--target", str(into))
    pip("install", "--no-compile", *_RETRIES, *place, *packages, target=target if into is None else None)


def build(source: Path, backend: Path, *, into: Path) -> Built:
    """Build both archives from a source tree, with the build backend that lies in a directory."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(into)],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(backend)},
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    (wheel,), (sdist,) = into.glob("*.whl"), into.glob("*.tar.gz")
    return Built(wheel, sdist)
