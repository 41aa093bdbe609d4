"""The wheel in an empty environment."""

from __future__ import annotations

import email
import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from kimi_cli import __version__
from tests.packaging.index import DIST, SECONDS, UnreachableError, install, pip

FOLDER = "Scripts" if sys.platform == "win32" else "bin"
SUFFIX = ".exe" if sys.platform == "win32" else ""


def declared(wheel: Path, place: Path) -> None:
    """Installs the wheel with what it declares that it needs.

    Where that fails although the index has all of it, in whatever version, the declaration is wrong.
    """
    try:
        install(str(wheel), target=place)
    except UnreachableError as error:
        with zipfile.ZipFile(wheel) as archive:
            metadata = email.message_from_bytes(archive.read(f"{DIST}/METADATA"))
        names = [re.split(r"[<>=!~;\[ ]", text)[0] for text in metadata.get_all("Requires-Dist", [])]
        try:
            pip("download", "--no-deps", "--dest", str(place / "any"), *names)
        except UnreachableError:
            pytest.skip(f"what the wheel needs is not to be had from a package index: {error}")
        raise


def borrowed(wheel: Path, place: Path) -> None:
    """Installs the wheel alone, and lends it the libraries of the environment that runs the tests."""
    install("--no-deps", "--no-index", str(wheel), target=place)
    libraries = place / ("Lib/site-packages" if sys.platform == "win32" else f"lib/{python_folder()}/site-packages")
    (libraries / "borrowed.pth").write_text(sysconfig.get_path("purelib"))


def python_folder() -> str:
    """The directory of libraries that this version of Python has in an environment."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(params=[declared, borrowed], ids=lambda way: way.__name__)
def environment(request, built, sandbox, tmp_path) -> Path:
    """An environment with the wheel and nothing else of ours."""
    place = tmp_path / "venv"
    venv.create(place, with_pip=False, symlinks=sys.platform != "win32")
    request.param(built.wheel, place)
    return place


def run(environment: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment, away from the sources."""
    left_out = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")
    environ = {name: value for name, value in os.environ.items() if name not in left_out}
    program, *arguments = command
    return subprocess.run(
        [str(environment / FOLDER / f"{program}{SUFFIX}"), *arguments],
        env={**environ, **variables},
        cwd=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.timeout(SECONDS)
def test_the_program_works(environment, no_leftovers):
    """What was installed says its version, explains itself, looks at the machine and holds a whole conversation."""
    where = run(environment, "python", "-c", "import kimi_cli; print(kimi_cli.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(environment.resolve()), where.stdout + where.stderr

    version = run(environment, "kimi", "--version")
    assert (version.returncode, version.stdout, version.stderr) == (0, f"kimi {__version__}\n", "")
    assert run(environment, "python", "-m", "kimi_cli", "--version").stdout == version.stdout

    text = run(environment, "kimi", "--help")
    assert (text.returncode, text.stderr) == (0, "")
    assert "Provider, model and key" in text.stdout

    check = run(environment, "kimi", "check", "--json", PATH="")
    assert check.returncode == 3, check.stderr
    found = json.loads(check.stdout)
    assert (found["schema"], found["ok"]) == (1, False)

    demo = run(environment, "kimi", "demo", "--builtin")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "Everything worked" in demo.stdout
