"""`kimi provider`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from kimi_cli.cli.screen import narration, results
from kimi_cli.errors import UsageError
from kimi_cli.launcher.slots import tokens
from kimi_cli.setup.added import add_provider, remove_added
from kimi_cli.setup.choice import all_choices, current_choice, switch
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from kimi_cli.providers.model import Model
    from kimi_cli.providers.provider import Format
from kimi_cli.setup.choice import Choice


@dataclass(frozen=True, slots=True)
class Given:
    """The options of the command line; None where they were left out."""

    base_url: str | None = None
    model: str | None = None
    format: Format | None = None
    key_variable: str | None = None
    keep_key: bool = False


def provider(what: str | None, name: str | None, given: Given) -> None:
    """Show the provider, all of them, switch, add or remove."""
    paths = Paths.find(os.environ)
    if what == "add":
        _add(name, given, paths)
    elif what == "remove":
        _remove(name, given, paths)
    elif name is not None:
        raise UsageError(f"There is one word too many: {name}.", fix=f"kimi provider {what}")
    elif what == "list":
        _list(paths)
    else:
        _choose(what, given, paths)


def _choose(name: str | None, given: Given, paths: Paths) -> None:
    today = datetime.now(tz=UTC).date()
    current = current_choice(paths, os.environ, today=today) if name is None else None
    changes = given.base_url is not None or given.model is not None
    if name is None and current is None:
        if changes:
            raise UsageError("There is no provider yet that this could be for.", fix="kimi provider NAME --model ID")
        narration().print("No provider is chosen yet.")
        _list(paths)
    elif current is not None and not changes:
        _show(current)
        narration().print("[dim]To change it: kimi provider NAME; all of them: kimi provider list[/]")
    else:
        wanted = name or (current.provider.id if current else "")
        _show(switch(wanted, paths, os.environ, base_url=given.base_url, model=given.model, today=today))


def _add(name: str | None, given: Given, paths: Paths) -> None:
    if name is None or given.format is None or given.base_url is None or given.model is None:
        fix = "kimi provider add NAME --format openai --base-url https://HOST/v1 --model ID"
        raise UsageError("A provider to add needs a name, a format, an address and a model.", fix=fix)
    added = add_provider(
        name,
        paths,
        format=given.format,
        base_url=given.base_url,
        model=given.model,
        key_variable=given.key_variable,
    )
    narration().print(f"{added.id} is added. To use it: kimi provider {added.id}; its key: kimi set-key {added.id}")


def _remove(name: str | None, given: Given, paths: Paths) -> None:
    if name is None:
        raise UsageError("Which provider is to be removed?", fix="kimi provider remove NAME")
    removal = remove_added(name, paths, os.environ, keep_key=given.keep_key)
    console = narration()
    console.print(f"{removal.provider} is removed.")
    if removal.keys:
        console.print("Its key stays." if removal.keep_key else "Its key is gone, too.")
    if removal.variable:
        console.print(f"{removal.variable} is still set.")
    if removal.is_chosen:
        console.print("It was the one in use. To choose another: kimi provider NAME")


def _show(choice: Choice) -> None:
    """The provider on stdout, what it lacks on stderr."""
    console = results()
    found = choice.provider
    console.print(f"Provider  {found.name} ({found.id})")
    console.print(f"Address   {escape(found.base_url or 'none')}")
    console.print(f"Model     {escape(describe(choice.model)) if choice.model else 'none'}")
    console.print(f"Key       {f'{choice.key.masked} from {choice.key.detail}' if choice.key else 'none'}")
    for sentence, command in choice.lacks:
        narration().print(f"[yellow]Missing:[/] {escape(sentence)}\n  [dim]Try:[/] {escape(command)}", soft_wrap=True)


def describe(model: Model) -> str:
    """A model with the facts that people choose by."""
    price = f", ${model.price.input:g} in and ${model.price.output:g} out per million tokens" if model.price else ""
    return f"{model.id} ({tokens(model.context_window)} context{price})"


def _list(paths: Paths) -> None:
    today = datetime.now(tz=UTC).date()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "Name", "Host", "Kimi model", "Key variable"):
        table.add_column(heading, overflow="fold")
    for found, is_chosen in all_choices(paths):
        best = found.default_model(today=today)
        table.add_row(
            "*" if is_chosen else "",
            found.id,
            escape(found.name),
            best.display_name if best else "none today" if found.note else "by name",
            found.key_variables[0] if found.key_variables else "",
        )
    results().print(table)
