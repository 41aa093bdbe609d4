"""The commands that run Claude Code."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from kimi_cli.cli.options import (
    BodiesOption,
    ClaudeOption,
    DirectOption,
    JsonOption,
    ModelOption,
    ProgressOption,
    ProviderOption,
    QuietOption,
    ToolsOption,
)

_PANEL: Final = "Run Claude Code"

commands = typer.Typer()


@commands.command(
    rich_help_panel=_PANEL,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Example: kimi launch --provider moonshot -- --print 'Explain this repository'",
)
def launch(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    *,
    provider: ProviderOption = None,
    model: ModelOption = None,
    claude: ClaudeOption = None,
    direct: DirectOption = False,
    quiet: QuietOption = False,
    debug_bodies: BodiesOption = False,
    execute_tools: ToolsOption = None,
    progress: ProgressOption = None,
) -> None:
    """Run Claude Code. Arguments after -- are its own.

    Needs a provider and a key, once: kimi setup.
    """
    from kimi_cli.cli.launch import launch as run
    from kimi_cli.launcher import LaunchRequest
    from kimi_cli.launcher.tools_choice import ToolsAsked

    request = LaunchRequest(
        tuple(context.args),
        provider=provider,
        model=model,
        claude=claude,
        direct=direct,
        debug_bodies=debug_bodies,
        tools=ToolsAsked(execute_tools, progress),
    )
    raise typer.Exit(run(request, quiet=quiet))


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


@commands.command(
    "clean-session",
    rich_help_panel=_PANEL,
    epilog="Examples: kimi clean-session   kimi clean-session ID   kimi clean-session --all --dry-run",
)
def clean_session(
    session: Annotated[
        str | None,
        typer.Argument(
            metavar="ID|PATH",
            help="The session; a beginning of its id will do. Without: this directory's latest.",
            show_default=False,
        ),
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every session of every directory.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a session of Claude Code fit to go on with Anthropic's own models, which refuse other models' reasoning.

    That reasoning is removed, and nothing else. Each file stays as it was beside the new one.
    """
    from kimi_cli.cli.clean_session import clean

    raise typer.Exit(clean(session, every=every, dry_run=dry_run, as_json=as_json))
