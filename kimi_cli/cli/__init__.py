"""The command line: it parses, calls one function of a room below, and renders what comes back.

This is the only room that prints. Results go to stdout, narration and errors to stderr; colours only to a terminal.

- `entry`    what a command line means: one of our commands, or Claude Code with arguments; errors and exit statuses
- `app`      the commands and their options; each imports what it needs when it runs
- `completion`  what the shell can complete
- `screen`   the two consoles, and how a failure looks
- the others are named after their commands, one for each family
"""

from __future__ import annotations


def main() -> None:
    """The `kimi` command."""
    import sys

    from kimi_cli.cli.entry import run

    sys.exit(run(sys.argv[1:]))
