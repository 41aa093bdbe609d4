"""Commands of ours on a machine that does not do what it should."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.cli.run import Ran

UNKNOWN_USER = 54321
_SECONDS = 60
_WITHOUT_POWERS = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
_FULL = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
    "os.execv(sys.executable, sys.argv[1:])"
)


def unprivileged(*arguments: str, stdin: str = "", **variables: str) -> Ran:
    """Run a command for which the permissions of files count, which they do not for root."""
    if sys.platform == "win32":
        pytest.skip("Windows has no permission bits")
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which(_WITHOUT_POWERS[0]) is None:
            pytest.skip("permissions do not count for root, and there is no setpriv to change that")
        prefix = _WITHOUT_POWERS
    return _run((*prefix, sys.executable, "-m", "kimi_cli", *arguments), {**os.environ, **variables}, stdin=stdin)


def on_a_full_disk(*arguments: str, stdin: str = "", **variables: str) -> Ran:
    """Run a command that cannot write a single byte to any file."""
    if sys.platform == "win32":
        pytest.skip("Windows has no limit to the size of files")
    command = (sys.executable, "-c", _FULL, sys.executable, "-m", "kimi_cli", *arguments)
    return _run(command, {**os.environ, **variables}, stdin=stdin)


def as_nobody_known(*arguments: str) -> Ran:
    """Run a command without HOME and XDG directories, for a user that the system has no entry of."""
    if sys.platform == "win32" or os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can be a user that there is not, with setpriv")
    prefix = ("setpriv", "--reuid", str(UNKNOWN_USER), "--clear-groups")
    return _run((*prefix, sys.executable, "-m", "kimi_cli", *arguments), homeless(), stdin="")


def homeless() -> dict[str, str]:
    """This environment without the variables that say where a user's files are."""
    left_out = ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA")
    return {name: value for name, value in os.environ.items() if name not in left_out and not name.startswith("XDG_")}


def _run(command: tuple[str, ...], environ: dict[str, str], *, stdin: str) -> Ran:
    done = subprocess.run(
        command, input=stdin, env=environ, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)
