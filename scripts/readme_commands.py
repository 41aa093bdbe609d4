#!/usr/bin/env python3
"""Write the table of commands in README.md, from the commands themselves.

It stands between `<!-- commands -->` and `<!-- /commands -->`; nothing else is touched. With `--check` nothing is
written: a table that is not what the commands say is shown as a difference, with status 1.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from typer.main import get_command

from kimi_cli.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

README = Path(__file__).resolve().parent.parent / "README.md"
START, END = "<!-- commands -->\n", "<!-- /commands -->\n"
HEAD = ("| command | what it does |", "|---|---|")


def main() -> int:
    """Write or check the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 where the table is not right")
    parser.add_argument("--readme", type=Path, default=README, metavar="FILE", help="the file (default: README.md)")
    given = parser.parse_args()
    before = given.readme.read_text(encoding="utf-8")
    start, end = before.find(START), before.find(END)
    if not 0 <= start < end:
        sys.stderr.write(f"{given.readme} has no lines {START.strip()} and {END.strip()}, in this order.\n")
        return 2
    after = before[: start + len(START)] + "".join(f"{line}\n" for line in table()) + before[end:]
    if not given.check:
        given.readme.write_text(after, encoding="utf-8", newline="\n")
    elif after != before:
        lines = (text.splitlines(keepends=True) for text in (before, after))
        sys.stdout.writelines(difflib.unified_diff(*lines, fromfile=str(given.readme), tofile="the commands"))
        sys.stderr.write("The commands have changed. To write them anew: python scripts/readme_commands.py\n")
        return 1
    return 0


def table() -> Iterator[str]:
    """The lines of the table: the commands in their groups, each with the first paragraph of its help."""
    yield from HEAD
    panel = None
    for name, command in get_command(app).commands.items():
        if command.hidden:
            continue
        if command.rich_help_panel != panel:
            panel = command.rich_help_panel
            yield f"| **{panel}** | |"
        paragraph = " ".join(command.help.split("\n\n")[0].split()).replace("|", "\\|")
        yield f"| `kimi {name}` | {paragraph} |"


if __name__ == "__main__":
    sys.exit(main())
