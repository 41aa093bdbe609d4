"""The whole of the command line. Each command imports what it needs when it runs, so that the others cost nothing."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from kimi_cli.cli import proxy_commands, run_commands, settings_commands
from kimi_cli.cli.manual import Group

_EPILOG: Final = (
    "Anything that is not a command goes to Claude Code: kimi --print 'hello' is kimi launch -- --print 'hello'."
)

app = typer.Typer(
    name="kimi",
    cls=Group,
    help="Claude Code on Kimi models. The proxy in between starts, and goes, by itself.",
    epilog=_EPILOG,
    add_completion=True,
    no_args_is_help=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for part in (run_commands, settings_commands, proxy_commands):
    app.add_typer(part.commands)


@app.callback()
def kimi(
    *,
    version: Annotated[bool, typer.Option("--version", "-V", help="Show the version.")] = False,
) -> None:
    """Show the version; `entry` does it for those who ask for nothing else, without loading this."""
    if version:
        from kimi_cli.cli.entry import show_version

        show_version()
