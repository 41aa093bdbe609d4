"""The two consoles: results on stdout, narration and failures on stderr."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.errors import KimiError


def results() -> Console:
    """The console for what was asked for. Rich leaves colours out where they do not belong."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def narration() -> Console:
    """The console for everything else."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=not sys.stderr.isatty())


def show_failure(error: KimiError) -> None:
    """One sentence, and the command that mends it."""
    console = narration()
    console.print(f"[bold red]Error:[/] {escape(str(error))}")
    if error.fix:
        console.print(f"  [dim]Try:[/] {escape(error.fix)}", soft_wrap=True)


def show_json(value: Mapping[str, object]) -> None:
    """One line of JSON on stdout."""
    print(json.dumps(value), flush=True)
