"""The commands about the background proxy, and those that use it for other clients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from kimi_cli.cli.options import (
    BodiesOption,
    JsonOption,
    ModelOption,
    ProgressOption,
    ProviderOption,
    ShellOption,
    ToolsOption,
)
from kimi_cli.store.spending import By

_PANEL: Final = "The background proxy"

commands = typer.Typer()


@commands.command(rich_help_panel=_PANEL)
def status(
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it. Ctrl-C ends it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the proxy that runs, and its sessions."""
    from kimi_cli.cli.status import status as run

    run(watch=watch, as_json=as_json)


@commands.command(rich_help_panel=_PANEL)
def stop(
    *,
    force: Annotated[bool, typer.Option("--force", help="Also while sessions run.")] = False,
    drain: Annotated[
        bool, typer.Option("--drain", help="Also while sessions run, but wait for the answers in flight.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop the proxy. It also ends by itself, soon after the last session."""
    from kimi_cli.cli.stop import stop as run

    run(force=force, drain=drain, as_json=as_json)


@commands.command(rich_help_panel=_PANEL, epilog="Examples: kimi logs -f   kimi logs --since 10m --session SESSION")
def logs(
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is logged from now on. Ctrl-C ends it.")
    ] = False,
    lines: Annotated[
        int | None,
        typer.Option(
            "--lines", "-n", metavar="N", min=0, help="The last N; 50, or with --since all.", show_default=False
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="A span such as 10m, 2h or 1d, or an ISO time.", show_default=False
        ),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", help="Of this session; a beginning will do.", show_default=False),
    ] = None,
    served: Annotated[bool, typer.Option("--serve", help="Of kimi serve instead of the background proxy.")] = False,
    bodies: Annotated[bool, typer.Option("--bodies", help="Where bodies were recorded, and which.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON lines as they were logged.")] = False,
) -> None:
    """Show the proxy's log. More is logged where the proxy was started under KIMI_DEBUG=1."""
    from kimi_cli.cli.logs import Asked, show_bodies
    from kimi_cli.cli.logs import logs as run

    if bodies:
        show_bodies(as_json=as_json)
    else:
        asked = Asked(lines=lines, since=since, session=session, follow=follow, is_served=served, as_json=as_json)
        raise typer.Exit(run(asked))


@commands.command(rich_help_panel=_PANEL, epilog="Examples: kimi usage --by day   kimi usage --project . --since 7d")
def usage(
    *,
    by: Annotated[By, typer.Option("--by", help="What to put together.")] = By.SESSION,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="A span such as 12h, 7d or 4w, an ISO date, or all.", show_default="30d"
        ),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option("--project", metavar="DIR", help="Only in this directory, or below it.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how many tokens sessions used, and what they cost. Nothing of what was said is kept for this."""
    from kimi_cli.cli.usage import Asked
    from kimi_cli.cli.usage import usage as run

    run(Asked(by=by, since=since, project=project, as_json=as_json))


@commands.command(rich_help_panel=_PANEL, epilog="Example: kimi serve --port 8091 --token-file FILE --session-ttl 8h")
def serve(  # noqa: PLR0913 - one for each option
    *,
    provider: ProviderOption = None,
    model: ModelOption = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="PORT",
            min=0,
            max=65535,
            help="The port to listen on; 0 is any free one.",
            show_default=False,
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="PATH",
            help="Keep the token in this file, for the next time too. It is not printed then.",
            show_default=False,
        ),
    ] = None,
    session_ttl: Annotated[
        str | None,
        typer.Option(
            "--session-ttl",
            metavar="SPAN",
            help="End after this long without a request: 8h, 30m, 90s.",
            show_default=False,
        ),
    ] = None,
    shell: ShellOption = None,
    debug_bodies: BodiesOption = False,
    execute_tools: ToolsOption = None,
    progress: ProgressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a proxy of its own in the foreground, for other clients. Ctrl-C ends it."""
    from kimi_cli.cli.serve import serve as run
    from kimi_cli.launcher.tools_choice import ToolsAsked

    status = run(
        provider=provider,
        model=model,
        port=port,
        token_file=token_file,
        session_ttl=session_ttl,
        shell=shell,
        debug_bodies=debug_bodies,
        tools=ToolsAsked(execute_tools, progress, "kimi serve"),
        as_json=as_json,
    )
    raise typer.Exit(status)


@commands.command(
    rich_help_panel=_PANEL,
    epilog='Examples: eval "$(kimi env)"   kimi env | source   kimi env | Out-String | Invoke-Expression',
)
def env(
    *,
    provider: ProviderOption = None,
    model: ModelOption = None,
    shell: ShellOption = None,
    close: Annotated[
        bool, typer.Option("--close", "--unset", help="End the shell's session, and print what unsets its variables.")
    ] = False,
    execute_tools: ToolsOption = None,
    progress: ProgressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a session for this shell, and print the variables that put an editor or a script on it.

    Its token is among them; that is worth something only on this machine, and only until the shell ends.
    """
    from kimi_cli.cli import env as of
    from kimi_cli.launcher.tools_choice import ToolsAsked

    if close:
        of.close(shell=shell, as_json=as_json)
    else:
        tools = ToolsAsked(execute_tools, progress, of.COMMAND)
        of.env(shell=shell, provider=provider, model=model, tools=tools, as_json=as_json)
