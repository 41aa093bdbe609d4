"""The commands about provider, model, key and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from kimi_cli.cli.completion import (
    complete_config_word,
    complete_engine,
    complete_key_owner,
    complete_model,
    complete_named_provider,
    complete_provider,
    complete_provider_or_word,
    complete_slot,
)
from kimi_cli.cli.options import JsonOption
from kimi_cli.providers.provider import Format

_PANEL: Final = "Provider, model and key"

commands = typer.Typer()


@commands.command(rich_help_panel=_PANEL, epilog="Example: kimi setup --provider groq --model ID --key-stdin < FILE")
def setup(
    *,
    provider: Annotated[
        str | None,
        typer.Option(
            "--provider",
            metavar="NAME",
            help="The provider to set up.",
            show_default=False,
            autocompletion=complete_provider,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="ID", help="The model to use there.", show_default=False, autocompletion=complete_model
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url", metavar="URL", help="Its address, where it is not the usual one.", show_default=False
        ),
    ] = None,
    key_stdin: Annotated[bool, typer.Option("--key-stdin", help="Read the key from stdin.")] = False,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure-storage", help="Keep the key in a file that only you can read, instead of the keyring."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; fail where something is missing.")] = False,
) -> None:
    """Choose a host, its model and its key. Asks on a terminal; with options, or without a terminal, it does not."""
    from kimi_cli.cli.setup import Given
    from kimi_cli.cli.setup import setup as run

    run(Given(provider, model, base_url, key_stdin=key_stdin, yes=yes, insecure=insecure))


@commands.command(
    rich_help_panel=_PANEL,
    epilog="Examples: kimi provider groq   kimi provider list   kimi provider remove mine\n\n"
    "kimi provider add mine --format openai --base-url URL --model ID\n\n"
    "kimi provider fallback groq moonshot   kimi provider fallback none",
)
def provider(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|list|add|remove|fallback",
            help="The provider to use, or what to do.",
            show_default=False,
            autocompletion=complete_provider_or_word,
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="The provider to add or remove; those that stand in where one cannot answer.",
            show_default=False,
            autocompletion=complete_named_provider,
        ),
    ] = None,
    *,
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url", metavar="URL", help="Its address, where it is not the usual one.", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="ID", help="The model to use there.", show_default=False, autocompletion=complete_model
        ),
    ] = None,
    spoken: Annotated[
        Format | None, typer.Option("--format", help="The protocol of a provider to add.", show_default=False)
    ] = None,
    key_env: Annotated[
        str | None,
        typer.Option(
            "--key-env",
            metavar="VAR",
            help="The variable that may hold the key of a provider to add.",
            show_default=False,
        ),
    ] = None,
    keep_key: Annotated[bool, typer.Option("--keep-key", help="Leave the key of a provider to remove.")] = False,
) -> None:
    """Show the provider, switch to another, add one of your own, or say which stand in where it cannot answer."""
    from kimi_cli.cli.provider import Given
    from kimi_cli.cli.provider import provider as run

    run(
        what, names or [], Given(base_url=base_url, model=model, format=spoken, key_variable=key_env, keep_key=keep_key)
    )


@commands.command(rich_help_panel=_PANEL, epilog="Examples: kimi model kimi-k2.6   kimi model kimi-k2.6 --slot haiku")
def model(
    model_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="The model to use.", show_default=False, autocompletion=complete_model),
    ] = None,
    *,
    slot: Annotated[
        str | None,
        typer.Option(
            "--slot",
            metavar="SLOT",
            help="Set it for opus, sonnet, haiku or subagent alone.",
            show_default=False,
            autocompletion=complete_slot,
        ),
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option(
            "--provider",
            metavar="NAME",
            help="For this provider.",
            show_default=False,
            autocompletion=complete_provider,
        ),
    ] = None,
) -> None:
    """Show the models that sessions use, or choose one."""
    from kimi_cli.cli.models import model as run

    run(model_id, slot=slot, provider=provider)


@commands.command(rich_help_panel=_PANEL)
def models(
    *,
    provider: Annotated[
        str | None,
        typer.Option(
            "--provider", metavar="NAME", help="Of this provider.", show_default=False, autocompletion=complete_provider
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the models of the provider's host, with window and price. On a terminal one can be chosen."""
    from kimi_cli.cli.models import models as run

    run(provider=provider, as_json=as_json)


@commands.command("set-key", rich_help_panel=_PANEL, epilog="Example: pass show groq | kimi set-key groq --stdin")
def set_key(
    provider: Annotated[
        str,
        typer.Argument(
            metavar="PROVIDER", help="Whose key it is.", show_default=False, autocompletion=complete_key_owner
        ),
    ],
    key: Annotated[
        str | None, typer.Argument(metavar="-", help="- reads the key from stdin.", show_default=False)
    ] = None,
    *,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the key from stdin.")] = False,
    insecure: Annotated[
        bool,
        typer.Option("--insecure-storage", help="Keep it in a file that only you can read, instead of the keyring."),
    ] = False,
) -> None:
    """Store a provider's API key in the system keyring."""
    from kimi_cli.cli.key import set_key as run

    run(provider, key, stdin=stdin, insecure=insecure)


@commands.command("unset-key", rich_help_panel=_PANEL)
def unset_key(
    provider: Annotated[
        str,
        typer.Argument(
            metavar="PROVIDER", help="Whose key it is.", show_default=False, autocompletion=complete_key_owner
        ),
    ],
) -> None:
    """Remove a provider's API key from the keyring and from the protected file."""
    from kimi_cli.cli.key import unset_key as run

    raise typer.Exit(run(provider))


@commands.command(
    rich_help_panel=_PANEL, epilog="Examples: kimi search searxng --base-url http://127.0.0.1:8888   kimi search brave"
)
def search(
    engine: Annotated[
        str | None,
        typer.Argument(
            metavar="ENGINE",
            help="keyless, searxng, brave, tavily, kimi-search or off.",
            show_default=False,
            autocompletion=complete_engine,
        ),
    ] = None,
    *,
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="The address of SearXNG.", show_default=False)
    ] = None,
) -> None:
    """Show what searches the web for Claude Code, or choose it."""
    from kimi_cli.cli.search import search as run

    run(engine, base_url=base_url)


@commands.command(rich_help_panel=_PANEL, epilog="Examples: kimi config show   kimi config edit")
def config(
    what: Annotated[
        str,
        typer.Argument(
            metavar="path|show|edit", help="What to do.", show_default=False, autocompletion=complete_config_word
        ),
    ] = "show",
    *,
    as_json: JsonOption = False,
) -> None:
    """Show every setting and where it comes from, the settings file's path, or open it in an editor."""
    from kimi_cli.cli.config import config as run

    raise typer.Exit(run(what, as_json=as_json))


@commands.command(rich_help_panel=_PANEL)
def check(
    *,
    online: Annotated[
        bool, typer.Option("--online", help="Ask the host whether it takes the key and has the model.")
    ] = False,
    claude: Annotated[
        Path | None, typer.Option("--claude", metavar="PATH", help="The Claude Code to look at.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a launch would use, and what is missing. Status 0 only if it would work."""
    from kimi_cli.cli.check import check as run

    raise typer.Exit(run(online=online, claude=claude, as_json=as_json))


@commands.command(rich_help_panel=_PANEL, epilog="Example: kimi reset --provider groq --keep-keys")
def reset(
    *,
    provider: Annotated[
        str | None,
        typer.Option(
            "--provider",
            metavar="NAME",
            help="Only what belongs to this one.",
            show_default=False,
            autocompletion=complete_provider,
        ),
    ] = None,
    keep_keys: Annotated[bool, typer.Option("--keep-keys", help="Leave the keys.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove settings, keys, logs and whatever else kimi has created. Says what will go, and asks."""
    from kimi_cli.cli.reset import reset as run

    raise typer.Exit(run(provider=provider, keep_keys=keep_keys, yes=yes))
