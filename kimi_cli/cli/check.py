"""`kimi check`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from kimi_cli.cli.screen import narration, results, show_beside, show_fix, show_json
from kimi_cli.setup.checkup import check_up
from kimi_cli.setup.finding import Level
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

NOT_READY: Final = 3
_TEXT_COLUMN: Final = 18
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
        show_beside(console, f"{_MARKS[finding.level]} {finding.topic:<9} ", finding.text)
        if finding.fix:
            show_fix(console, finding.fix, indent=_TEXT_COLUMN)
    console.print("\nA launch would work." if found.ok else "\nA launch would not work yet.")
    return 0 if found.ok else NOT_READY
