"""The two consoles: results on stdout, narration and failures on stderr."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING, Final, TextIO

from rich.console import Console
from rich.markup import escape
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.errors import KimiError


PIPE_WIDTH: Final = 240
"""Columns where nobody looks: a table is for programs then, and must not cut ids short."""
_NARROWEST: Final = 20
"""Columns that a text gets at least, however far it is indented."""
_EITHER: Final = "   or   "
_BOTH: Final = "   and   "
"""What stands between several commands in one fix."""


def results() -> Console:
    """The console for what was asked for. Rich leaves colours out where they do not belong."""
    return _console(sys.stdout)


def narration() -> Console:
    """The console for everything else."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    is_piped = not stream.isatty()
    return Console(file=stream, highlight=False, soft_wrap=is_piped, width=PIPE_WIDTH if is_piped else None)


def show_beside(console: Console, label: str, text: str) -> None:
    """Print a text behind a label, which is markup; where a terminal is too narrow its lines stay in their column.

    Paths and commands are never broken, so that they can be copied; where nobody looks, it is one line.
    """
    indent = len(Text.from_markup(label))
    lines = [text]
    if console.is_terminal:
        width = max(_NARROWEST, console.width - indent)
        lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        console.print(f"{' ' * indent if number else label}{escape(line)}", soft_wrap=True)


def show_fix(console: Console, fix: str, *, indent: int = 2) -> None:
    """The command that mends something, and each other one on a line of its own."""
    first, *rest = fix.replace(_BOTH, f"{_EITHER}&").split(_EITHER)
    margin = " " * indent
    console.print(f"{margin}[dim]Try:[/] {escape(first)}", soft_wrap=True)
    for one in rest:
        word, command = ("and:", one[1:]) if one.startswith("&") else ("or: ", one)
        console.print(f"{margin}[dim]{word}[/] {escape(command)}", soft_wrap=True)


def show_failure(error: KimiError) -> None:
    """One sentence, and the command that mends it."""
    console = narration()
    console.print(f"[bold red]Error:[/] {escape(str(error))}")
    if error.fix:
        show_fix(console, error.fix)


def show_warning(sentence: str, *, fix: str | None = None) -> None:
    """Something that stops nothing, and the command that mends it where there is one."""
    console = narration()
    console.print(f"[yellow]Warning:[/] {escape(sentence)}")
    if fix:
        show_fix(console, fix)


def show_json(value: Mapping[str, object]) -> None:
    """One line of JSON on stdout."""
    print(json.dumps(value), flush=True)
