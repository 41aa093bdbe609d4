"""`kimi set-key` and `kimi unset-key`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from rich.markup import escape

from kimi_cli.cli.correction import suggesting
from kimi_cli.cli.screen import narration, show_failure
from kimi_cli.errors import UsageError
from kimi_cli.setup.forget import forget_key
from kimi_cli.setup.keys import take_key
from kimi_cli.store.known import key_owner
from kimi_cli.store.paths import Paths
from kimi_cli.store.secrets import KeySource
from kimi_cli.store.settings import read_settings

if TYPE_CHECKING:
    from kimi_cli.providers.provider import Provider

_LIMIT: Final = 64 * 1024
"""Characters read from stdin: more than any key, so that a wrong file is noticed and not swallowed."""
PLACES: Final = {
    KeySource.KEYRING: "the system keyring",
    KeySource.FILE: "a file that only you can read",
}


def set_key(name: str, key: str | None, *, stdin: bool, insecure: bool) -> None:
    """Take a key from a prompt, stdin or, with a warning, the command line."""
    paths, console = Paths.find(os.environ), narration()
    with suggesting("kimi set-key"):
        provider = key_owner(name, read_settings(paths.settings_file))
    if stdin or key == "-":
        text = read_stdin()
    elif key is not None:
        console.print("[yellow]Warning:[/] the key is now in your shell's history; next time leave it out.")
        text = key
    else:
        show_key_page(provider)
        text = read_secret(provider)
    with console.status("Storing the key"):
        stored = take_key(provider, text, paths, os.environ, insecure=insecure)
    console.print(f"The key for {stored.provider.name} is in {PLACES[stored.source]}.")
    if stored.outranked_by:
        console.print(f"[yellow]Note:[/] {stored.outranked_by} is set, and is used instead while it is.")


def unset_key(name: str) -> int:
    """Remove a key and return the exit status."""
    console = narration()
    with suggesting("kimi unset-key"), console.status("Removing the key"):
        gone = forget_key(name, Paths.find(os.environ), os.environ)
    for failure in gone.failures:
        show_failure(failure)
    if gone.sources:
        places = " and ".join(PLACES[source] for source in gone.sources)
        console.print(f"The key for {escape(gone.name)} is gone from {places}.")
    elif not gone.failures:
        console.print(f"No key is stored for {escape(gone.name)}.")
    if gone.variable:
        console.print(f"[yellow]Note:[/] {gone.variable} is set, and is used while it is.")
    return gone.exit_code


def show_key_page(provider: Provider) -> None:
    """Say where a key comes from."""
    if provider.keys_url and sys.stdin.isatty():
        narration().print(f"[dim]Keys are made at {escape(provider.keys_url)}[/]", soft_wrap=True)


def read_secret(provider: Provider, *, is_optional: bool = False) -> str:
    """A key typed or pasted on the terminal, not shown; with `is_optional` the question says that it may be none.

    Raises:
        UsageError: there is no terminal.
    """
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to ask for the key on.", fix=f"kimi set-key {provider.id} --stdin < FILE"
        )
    import getpass

    hint = "not shown; Enter for none" if is_optional else "not shown"
    try:
        return getpass.getpass(f"API key for {provider.name} ({hint}): ")
    except EOFError as error:
        raise KeyboardInterrupt from error


def read_stdin() -> str:
    """A key from stdin."""
    return sys.stdin.read(_LIMIT)
