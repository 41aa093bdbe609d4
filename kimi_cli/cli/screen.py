"""The two consoles: results on stdout, narration and failures on stderr."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final, TextIO

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.errors import KimiError


PIPE_WIDTH: Final = 240
"""Columns where nobody looks: a table is for programs then, and must not cut ids short."""


def results() -> Console:
    """The console for what was asked for. Rich leaves colours out where they do not belong."""
    return _console(sys.stdout)


def narration() -> Console:
    """The console for everything else."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    is_piped = not stream.isatty()
    return Console(file=stream, highlight=False, soft_wrap=is_piped, width=PIPE_WIDTH if is_piped else None)


def show_failure(error: KimiError) -> None:
    """One sentence, and the command that mends it."""
    console = narration()
    console.print(f"[bold red]Error:[/] {escape(str(error))}")
    if error.fix:
        console.print(f"  [dim]Try:[/] {escape(error.fix)}", soft_wrap=True)


def show_json(value: Mapping[str, object]) -> None:
    """One line of JSON on stdout."""
    print(json.dumps(value), flush=True)
