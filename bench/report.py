"""Findings as a table: on the terminal, and as Markdown for `RESULTS.md`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from bench.plot import svg
from bench.stage import Way

if TYPE_CHECKING:
    from bench.figures import Findings, Row, Spread

_PLACE: Final = Path(__file__).parent
_COLUMNS: Final = ("figure", "format", "kimi", "target", "", "raw relay", "bare aiohttp", "over the relay", "without")
_NOTE: Final = """\
`make bench` makes this page. Everything on it was measured in one run, on a machine that also ran the load generator
and the host's double; so compare what stands in one line. A figure is the median of {runs} runs, with the least and the
most of them in parentheses. The raw relay passes bytes on and knows no HTTP; the bare aiohttp relay parses requests and
events with orjson, writes them again, and does nothing else. `without` is what there is without the proxy, where the
figure is what comes on top of it. Processor time is the process's own, in user mode and in the kernel.
"""


def show(findings: Findings) -> None:
    """Prints the table."""
    table = Table(*_COLUMNS, box=None)
    for row in findings.rows:
        table.add_row(*_cells(row))
    console = Console(width=max(160, shutil.get_terminal_size().columns))
    console.print(table)
    for doubt in findings.doubts:
        console.print(doubt, style="yellow", markup=False)


def write(findings: Findings, *, runs: int, place: Path = _PLACE) -> None:
    """Writes `RESULTS.md` and the plots beside it."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    lines = [
        "# Results",
        "",
        _NOTE.format(runs=runs),
        f"Commit {_commit()}, Python {sys.version.split()[0]}, {cores} cores.",
        "",
        "| " + " | ".join(_COLUMNS) + " |",
        "|---|---|" + "---:|" * (len(_COLUMNS) - 2),
        *("| " + " | ".join(_cells(row)) + " |" for row in findings.rows),
        "",
        *(f"- {doubt}" for doubt in findings.doubts),
        *([""] if findings.doubts else []),
    ]
    for number, plot in enumerate(findings.plots, start=1):
        name = f"plot-{number}.svg"
        (place / name).write_text(svg(plot), encoding="utf-8")
        lines.append(f"![{plot.title}]({name})")
    (place / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cells(row: Row) -> list[str]:
    ratio = row.ratio(Way.RELAY)
    met = {True: "met", False: "missed", None: ""}[row.is_met]
    return [
        row.name,
        row.spoken,
        _with_unit(row.kimi, row.unit),
        "" if row.target is None else f"{row.target:g} {row.unit}",
        met,
        *(_with_unit(row.ways[way], row.unit) if way in row.ways else "" for way in (Way.RELAY, Way.THIN)),
        "" if ratio is None else f"{ratio:.1f}",
        "" if row.bare is None else _with_unit(row.bare, row.unit),
    ]


def _with_unit(spread: Spread, unit: str) -> str:
    median = f"{_short(spread.median)} {unit}"
    return median if spread.low == spread.high else f"{median} ({_short(spread.low)} to {_short(spread.high)})"


def _short(value: float) -> str:
    """Three digits, as far as there are any."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}"


def _commit() -> str:
    """The commit that was measured, and whether there were changes on top of it."""
    git = shutil.which("git")
    if git is None:
        return "unknown"

    def say(*arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - git
            [git, *arguments], cwd=_PLACE, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    is_changed = bool(say("status", "--porcelain", "--", "../kimi_cli"))
    return (say("rev-parse", "--short=12", "HEAD") or "unknown") + (" with changes" if is_changed else "")
