"""The `kimi` command as a process of its own, the way a script uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

GROQ_KEY = "gsk_0123456789abcdefghijklmnop"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said where."""

    status: int
    out: str
    err: str


def kimi(*arguments: str, stdin: str = "", **variables: str) -> Ran:
    """Run a command in the test's sandbox, without a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "kimi_cli", *arguments],
        input=stdin,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
