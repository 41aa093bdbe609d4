"""`python -m bench.fuzz`: every target in turn, then a table. The exit status is 1 where an input failed."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.fuzz.engine import HAS_ATHERIS
from bench.fuzz.targets import TARGETS

PLACE: Final = Path(".cache/fuzz")
GROWTH_BYTES: Final = 64
"""What an input may leave behind on average: less than anything that could be held for each."""
REPLAY_SECONDS: Final = 900.0
_END_SECONDS: Final = 120.0
"""For the start, and for libFuzzer to read what was kept."""
_TAIL: Final = 40
_EXECUTIONS: Final = re.compile(r"^#(\d+)\t|\"executions\": (\d+)", re.MULTILINE)
_REACHED: Final = re.compile(r"cov: (\d+) ft: (\d+)")


def main() -> int:
    """Runs the targets and prints what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (60)")
    given = parser.parse_args()
    console = Console()
    console.print(f"{'Guided by coverage' if HAS_ATHERIS else 'Random'}, {given.seconds:g} s for each target.")
    table = Table("target", "inputs tried", "branches", "features", "kept", "lines of wire", "slowest", "left behind")
    faults: list[str] = []
    lines: set[str] = set()
    for name in given.targets:
        row, found = _run(name, PLACE / name, given.seconds, lines)
        table.add_row(name, *row)
        faults += found
    console.print(table)
    console.print(f"{len(lines):,} lines of the translation were reached in all.")
    for fault in faults:
        console.print(fault, style="red", highlight=False, markup=False)
    return 1 if faults else 0


def _run(name: str, directory: Path, seconds: float, lines: set[str]) -> tuple[list[str], list[str]]:
    """A row of the table, and what went wrong; the lines that were reached are added to `lines`."""
    directory.mkdir(parents=True, exist_ok=True)
    status, said = _child("bench.fuzz.engine", name, str(directory), str(seconds), seconds=seconds + _END_SECONDS)
    tried = [int(one or other) for one, other in _EXECUTIONS.findall(said)]
    reached = _REACHED.findall(said)
    row = [f"{tried[-1]:,}" if tried else "?", *(reached[-1] if reached else ("", ""))]
    if status:
        tail = "\n".join(said.splitlines()[-_TAIL:])
        return row, [f"{name} failed:\n{tail}"]
    status, said = _child("bench.fuzz.replay", name, str(directory), seconds=REPLAY_SECONDS)
    if status:
        return row, [f"{name} failed again:\n{said}"]
    facts = json.loads(said.splitlines()[-1])
    lines.update(facts["lines"])
    row += [f"{facts['inputs']:,}", f"{len(facts['lines']):,} of {facts['of']:,}"]
    row += [f"{facts['slowest'] * 1000:.0f} ms", f"{facts['growth']:.1f} B"]
    faults = [f"{name} leaves memory behind"] if facts["growth"] > GROWTH_BYTES else []
    return row, faults


def _child(*arguments: str, seconds: float) -> tuple[int, str]:
    """Its exit status and what it said."""
    try:
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return 1, f"{error.stdout!r:.4000}\nit did not end"
    return done.returncode, done.stdout


if __name__ == "__main__":
    sys.exit(main())
