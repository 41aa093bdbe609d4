"""The command line: it parses, calls one function of a room below, and renders what comes back.

This is the only room that prints. Results go to stdout, narration and errors to stderr; colours only to a terminal.

- `entry`    what a command line means: one of our commands, or Claude Code with arguments; errors and exit statuses
- `launch_line`  the command line of a launch, which is read without what the other commands are read with
- `app`      the whole; `run_commands`, `settings_commands` and `proxy_commands` are its parts, `options` is theirs
- `completion`  what the shell can complete; `manual` how the help looks
- `screen`   the two consoles, and how a failure looks; `correction` turns one into the command that was meant
- `questions`  what is asked on a terminal
- `log_printer`  how a line of the log looks; `duration` spans of time; `directory` a path where there is little room
- `shell_syntax`  variables set and unset in the words of each shell
- the others are named after their commands, one for each family
"""

from __future__ import annotations


def main() -> None:
    """The `kimi` command."""
    import os
    import sys

    # A stream that was closed is there and leads nowhere, for ours are written to and asked everywhere.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - open until the end
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    try:
        from kimi_cli.cli.entry import leave, run
    except KeyboardInterrupt:  # while that was loading
        sys.exit(130)
    leave(run(sys.argv[1:]))
