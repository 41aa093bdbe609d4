#!/usr/bin/env python3
"""Fetch a Claude Code, by default the pinned one, for the tests that drive the real client.

It goes to `.cache/claude-code/VERSION/claude` in the checkout, which is all that the tests look at; nothing is
installed. Where npm is missing or the registry is out of reach this says so and succeeds: those tests then skip.
With `--required` that is a failure.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "2.1.330"
"""The version whose behaviour the project was built on."""

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "claude-code"
FETCH_SECONDS = 600
"""The package is about 100 MB."""

FORM = re.compile(r"\d+\.\d+\.\d+")
NO_SUCH_VERSION = ("ETARGET", "E404")
"""npm's codes for a version, or a package, that is not there."""
MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def main() -> int:
    """Fetch what the command line asks for, unless it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", default=VERSION, help=f"the version to fetch (default: {VERSION})")
    parser.add_argument("--required", action="store_true", help="fail where it cannot be fetched")
    given = parser.parse_args()
    version: str = given.version
    if not FORM.fullmatch(version):
        say(f"{version!r} is no version of Claude Code; one looks like {VERSION}.")
        return 2
    target = CACHE / version / binary_name()
    if target.is_file():
        say(f"Claude Code {version} is already here: {target}")
        return 0
    reason = fetch(version, target=target)
    if reason is None:
        say(f"Claude Code is here now: {target}")
        return 0
    say(reason if given.required else f"{reason} Tests with the real client will skip.")
    return 1 if given.required else 0


def package_name() -> str | None:
    """The npm package that holds the client for this machine, or None where there is none."""
    machine = MACHINES.get(platform.machine().lower())
    if machine is None:
        return None
    if sys.platform == "linux":
        system, libc = "linux", "-musl" if any(Path("/lib").glob("ld-musl-*")) else ""
    elif sys.platform in ("darwin", "win32"):
        system, libc = sys.platform, ""
    else:
        return None
    return f"@anthropic-ai/claude-code-{system}-{machine}{libc}"


def binary_name() -> str:
    """The file's name in the package and in the cache."""
    return "claude.exe" if sys.platform == "win32" else "claude"


def fetch(version: str, *, target: Path) -> str | None:
    """Let npm fetch and verify a version, and move its binary to `target` in one step; or say why there is none."""
    package, npm = package_name(), shutil.which("npm")
    if package is None:
        return f"There is no Claude Code for {sys.platform} on {platform.machine()}."
    if npm is None:
        return "npm was not found, so Claude Code was not fetched."
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".fetch-") as temporary:
        wanted = f"{package}@{version}"
        command = [npm, "pack", wanted, "--loglevel=error", "--pack-destination", temporary]
        say(f"Fetching {wanted} with npm ...")
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_SECONDS)  # noqa: S603 - fixed words
            binary = unpack(next(Path(temporary).glob("*.tgz")), into=Path(temporary))
        except (subprocess.SubprocessError, StopIteration, KeyError, tarfile.TarError, OSError) as error:
            told = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
            if any(code in told for code in NO_SUCH_VERSION):
                return f"npm has no Claude Code {version} for this machine (see: npm view {package} versions)."
            reason = next((line for line in told.splitlines() if " code " in line), told.strip())
            return f"Claude Code {version} was not fetched ({reason or type(error).__name__})."
        binary.chmod(0o755)
        target.parent.mkdir(exist_ok=True)
        os.replace(binary, target)  # noqa: PTH105 - the atomic form, by its name
    return None


def unpack(archive: Path, *, into: Path) -> Path:
    """Take the one file that is wanted out of the package."""
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/{binary_name()}")
        if member is None:
            raise KeyError(binary_name())
        binary = into / binary_name()
        with binary.open("wb") as out:
            shutil.copyfileobj(member, out)
    return binary


def say(line: str) -> None:
    """One line on stdout, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
