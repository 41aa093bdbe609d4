"""`kimi check`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.markup import escape

from kimi_cli.cli.screen import narration, results, show_json
from kimi_cli.setup.checkup import Level, check_up
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

NOT_READY: Final = 3
_MARKS: Final = {Level.OK: "[green]ok[/]     ", Level.WARNING: "[yellow]warning[/]", Level.ERROR: "[red]error[/]  "}


def check(*, online: bool, claude: Path | None, as_json: bool) -> int:
    """Show what was found; 0 only if a launch would work."""
    paths = Paths.find(os.environ)
    with narration().status("Asking the host" if online else "Looking"):
        found = check_up(paths, os.environ, online=online, claude=claude, today=datetime.now(tz=UTC).date())
    if as_json:
        show_json(found.to_json())
        return 0 if found.ok else NOT_READY
    console = results()
    for finding in found.findings:
        console.print(f"{_MARKS[finding.level]} {finding.topic:<9} {escape(finding.text)}")
        if finding.fix:
            console.print(f"{'':18}[dim]Try:[/] {escape(finding.fix)}", soft_wrap=True)
    console.print("\nA launch would work." if found.ok else "\nA launch would not work yet.")
    return 0 if found.ok else NOT_READY
