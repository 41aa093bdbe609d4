"""The commands that run Claude Code."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from kimi_cli.cli.options import BodiesOption, ClaudeOption, JsonOption, ModelOption, ProviderOption

_PANEL: Final = "Run Claude Code"

commands = typer.Typer()


@commands.command(
    rich_help_panel=_PANEL,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Example: kimi launch --provider moonshot -- --print 'Explain this repository'",
)
def launch(
    context: typer.Context,
    *,
    provider: ProviderOption = None,
    model: ModelOption = None,
    claude: ClaudeOption = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="Without the proxy: hand Claude Code the key itself (Moonshot).")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing before Claude Code starts.")] = False,
    debug_bodies: BodiesOption = False,
) -> None:
    """Run Claude Code. Arguments after -- are its own.

    Needs a provider and a key, once: kimi setup.
    """
    from kimi_cli.cli.launch import launch as run

    status = run(
        context.args,
        provider=provider,
        model=model,
        claude=claude,
        direct=direct,
        debug_bodies=debug_bodies,
        quiet=quiet,
    )
    raise typer.Exit(status)


@commands.command(rich_help_panel=_PANEL)
def demo(
    *,
    claude: ClaudeOption = None,
    builtin: Annotated[
        bool, typer.Option("--builtin", help="Use the built-in client, even where Claude Code is installed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a whole conversation on an embedded scripted model: needs no key, and tests this machine."""
    from kimi_cli.cli.demo import demo as run

    raise typer.Exit(run(claude=claude, builtin=builtin, as_json=as_json))
