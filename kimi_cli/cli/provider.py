"""`kimi provider`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table

from kimi_cli.cli.correction import an_address
from kimi_cli.cli.screen import narration, results, show_beside, show_fix
from kimi_cli.errors import UsageError
from kimi_cli.launcher.resolve import needs_key
from kimi_cli.launcher.slots import tokens
from kimi_cli.setup.added import add_provider, remove_added
from kimi_cli.setup.choice import all_choices, choose_fallback, current_choice, fallback_choices, switch
from kimi_cli.store.paths import Paths
from kimi_cli.store.wanted import Origin, read_wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimi_cli.providers.model import Model
    from kimi_cli.providers.provider import Format
    from kimi_cli.setup.choice import Choice

_OF_SWITCH: Final = ("--base-url", "--model")
_OF_ADD: Final = (*_OF_SWITCH, "--format", "--key-env")
_OF_REMOVE: Final = ("--keep-key",)


@dataclass(frozen=True, slots=True)
class Given:
    """The options of the command line; None where they were left out."""

    base_url: str | None = None
    model: str | None = None
    format: Format | None = None
    key_variable: str | None = None
    keep_key: bool = False


def provider(what: str | None, names: Sequence[str], given: Given) -> None:
    """Show the provider, all of them, switch, add, remove, or say which stand in."""
    paths = Paths.find(os.environ)
    name = names[0] if names else None
    _refuse_what_means_nothing(what, names, given)
    if what == "add":
        _add(name, given, paths)
    elif what == "remove":
        _remove(name, given, paths)
    elif what == "list":
        _list(paths)
    elif what == "fallback":
        _fallback(names, paths)
    else:
        _choose(what, given, paths)


def _refuse_what_means_nothing(what: str | None, names: Sequence[str], given: Given) -> None:
    """What would have no effect is a mistake, and better told than passed over."""
    meant = {"add": 1, "remove": 1, "fallback": len(names)}.get(what or "", 0)
    if len(names) > meant:
        command = " ".join(("kimi provider", what or "", *names[:meant]))
        raise UsageError(f"There is one word too many: {names[meant]}.", fix=command)
    options = {
        "--base-url": given.base_url,
        "--model": given.model,
        "--format": given.format,
        "--key-env": given.key_variable,
        "--keep-key": given.keep_key or None,
    }
    fitting = {"add": _OF_ADD, "remove": _OF_REMOVE, "list": (), "fallback": ()}.get(what or "", _OF_SWITCH)
    for option, value in options.items():
        if value is not None and option not in fitting:
            where = "kimi provider remove" if option in _OF_REMOVE else "kimi provider add"
            known = option not in _OF_SWITCH
            fix = f"{where} --help" if known else f"kimi provider NAME {option} VALUE"
            raise UsageError(f"{option} means nothing to kimi provider {what or ''}".rstrip() + ".", fix=fix)


def _choose(name: str | None, given: Given, paths: Paths) -> None:
    today = datetime.now(tz=UTC).date()
    with narration().status("Looking"):  # a keyring may take its time
        current = current_choice(paths, os.environ, today=today) if name is None else None
    changes = given.base_url is not None or given.model is not None
    if name is None and current is None:
        if changes:
            raise UsageError("There is no provider yet that this could be for.", fix="kimi provider NAME --model ID")
        narration().print("No provider is chosen yet. To choose one: kimi setup, or kimi provider NAME\n")
        _list(paths)
    elif current is not None and not changes:
        _show(current)
        _note_what_outranks(paths)
        narration().print("[dim]To change it: kimi provider NAME; all of them: kimi provider list[/]")
    else:
        wanted = name or (current.provider.id if current else "")
        with an_address(f"kimi provider {wanted}"), narration().status("Looking"):
            choice = switch(wanted, paths, os.environ, base_url=given.base_url, model=given.model, today=today)
        _show(choice)
        _note_what_outranks(paths)


def _note_what_outranks(paths: Paths) -> None:
    """Say so where a variable or a project's file names another provider than the settings."""
    wanted = read_wanted(paths, os.environ, cwd=Path.cwd())
    named = wanted.provider
    chosen = (wanted.settings.provider or "").lower()
    if named is None or named.value.lower() == chosen:
        return
    match named.origin:
        case Origin.ENVIRONMENT:
            why = f"{named.detail} is set to {named.value}, which is used instead while it is."
        case Origin.PROJECT:
            why = f"{named.detail} asks for {named.value}, which is used in its directory."
        case _:
            return
    narration().print(f"[yellow]Note:[/] {escape(why)}", soft_wrap=True)


def _add(name: str | None, given: Given, paths: Paths) -> None:
    if name is None or given.format is None or given.base_url is None or given.model is None:
        fix = "kimi provider add NAME --format openai --base-url https://HOST/v1 --model ID"
        raise UsageError("A provider to add needs a name, a format, an address and a model.", fix=fix)
    with an_address(f"kimi provider add {name} --format {given.format} --model {given.model}"):
        added = add_provider(
            name,
            paths,
            format=given.format,
            base_url=given.base_url,
            model=given.model,
            key_variable=given.key_variable,
        )
    console = narration()
    console.print(f"{added.id} is added. To use it: kimi provider {added.id}")
    if needs_key(added):
        console.print(f"To store its key: kimi set-key {added.id}")


def _remove(name: str | None, given: Given, paths: Paths) -> None:
    if name is None:
        raise UsageError("Which provider is to be removed?", fix="kimi provider remove NAME")
    console = narration()
    with console.status("Removing"):
        removal = remove_added(name, paths, os.environ, keep_key=given.keep_key)
    console.print(f"{removal.provider} is removed.")
    if removal.keys:
        console.print("Its key stays." if removal.keep_key else "Its key is gone, too.")
    if removal.variable:
        console.print(f"{removal.variable} is still set.")
    if removal.is_chosen:
        console.print("It was the one in use. To choose another: kimi provider NAME")


def _fallback(names: Sequence[str], paths: Paths) -> None:
    """Show which providers stand in, or set them; none are set by the word `none`."""
    if names:
        choose_fallback(() if list(names) == ["none"] else names, paths)
    today = datetime.now(tz=UTC).date()
    with narration().status("Looking"):
        choices = fallback_choices(paths, os.environ, today=today)
    if not choices:
        text = "No provider stands in for another." if names else "No provider stands in for another yet."
        narration().print(f"{text} To name some: kimi provider fallback NAME...")
        return
    console = results()
    for choice in choices:
        model = choice.model.id if choice.model else "no model"
        note = "  [dim]the one in use, so it stands in only for others[/]" if choice.is_current else ""
        console.print(f"{choice.provider.id}  {escape(model)}{note}", soft_wrap=True)
    for choice in choices:
        for sentence, command in choice.lacks:
            narration().print(f"[yellow]{escape(choice.provider.id)} cannot stand in yet:[/] {escape(sentence)}")
            show_fix(narration(), command)
    narration().print(
        "[dim]They are asked in this order where a host is down, overloaded, unpaid or rate-limited for long.[/]"
    )


def _show(choice: Choice) -> None:
    """The provider on stdout, what it lacks on stderr."""
    console = results()
    found = choice.provider
    key = f"{choice.key.masked} from {choice.key.detail}" if choice.key else "not known" if choice.trouble else "none"
    show_beside(console, "Provider  ", f"{found.name} ({found.id})")
    show_beside(console, "Address   ", found.base_url or "none")
    show_beside(console, "Model     ", describe(choice.model) if choice.model else "none")
    show_beside(console, "Key       ", key)
    for sentence, command in choice.lacks:
        narration().print(f"[yellow]Missing:[/] {escape(sentence)}")
        show_fix(narration(), command)


def describe(model: Model) -> str:
    """A model with the facts that people choose by."""
    price = f", ${model.price.input:g} in and ${model.price.output:g} out per million tokens" if model.price else ""
    return f"{model.id} ({tokens(model.context_window)} context{price})"


def _list(paths: Paths) -> None:
    today = datetime.now(tz=UTC).date()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "Name", "Host", "Kimi model", "Key variable"):
        table.add_column(heading, overflow="fold")
    choices = all_choices(paths)
    for found, is_chosen in choices:
        best = found.default_model(today=today)
        table.add_row(
            "*" if is_chosen else "",
            found.id,
            escape(found.name),
            best.display_name if best else "none today" if found.models else "by name",
            found.key_variables[0] if found.key_variables else "",
        )
    results().print(table)
    if any(is_chosen for _, is_chosen in choices):
        narration().print("[dim]* is the one in use.[/]")
