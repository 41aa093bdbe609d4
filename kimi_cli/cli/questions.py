"""What the wizard asks, one function a question. Each shows what it is about and returns an answer.

A blank line sets each step apart from the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.prompt import Confirm, Prompt
from rich.table import Table

from kimi_cli.cli.screen import narration
from kimi_cli.launcher.slots import tokens
from kimi_cli.providers.provider import is_kimi

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from kimi_cli.providers.model import Model
    from kimi_cli.providers.provider import Provider
    from kimi_cli.setup.host import Offer

_MOST_MODELS: Final = 15
"""Rows of the table of models: a screen's worth; any other id can be typed."""


def choose_provider(known: Mapping[str, Provider], current: str, *, with_key: Collection[str], today: date) -> Provider:
    """Choose a host from the table. `with_key` are those whose key is in the environment."""
    console = narration()
    console.print("[bold]1. The host[/]\n")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "Host", "Kimi models", "Speed", "Window", "$ in", "$ out", ""):
        table.add_column(heading, justify="right" if heading.startswith("$") else "left")
    for number, provider in enumerate(known.values(), start=1):
        best = provider.default_model(today=today)
        table.add_row(
            str(number),
            provider.name,
            "any that it serves" if not provider.models else best.display_name if best else "[yellow]none today[/]",
            provider.speed,
            tokens(best.context_window) if best else "",
            f"{best.price.input:g}" if best and best.price else "",
            f"{best.price.output:g}" if best and best.price else "",
            "[dim]now[/]" if provider.id == current else "[dim]key set[/]" if provider.id in with_key else "",
        )
    console.print(table)
    console.print("[dim]Prices are in dollars per million tokens, speed is what the host says of itself;[/]")
    console.print("[dim]empty where they are not known.[/]\n")
    names = list(known)
    preferred = current if current in names else next((name for name in names if name in with_key), names[0])
    while True:
        name = numbered(ask("Which host (number)", default=str(names.index(preferred) + 1)), names)
        if name is not None:
            break
        console.print(f"[red]Please choose a number from 1 to {len(names)}, or a name.[/]")
    chosen = known[name]
    if chosen.note and chosen.models:
        console.print(f"[yellow]Note:[/] {escape(chosen.note)}")
    return chosen


def choose_model(offers: Sequence[Offer], *, current: str | None) -> str:
    """Choose a model from the list, or type an id."""
    console = narration()
    shown = list(offers[:_MOST_MODELS])
    console.print("\n[bold]3. The model[/]\n")
    if shown:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("", "Model", "Window", "$ in", "$ out", ""):
            table.add_column(heading, justify="right" if heading.startswith("$") else "left")
        for number, offer in enumerate(shown, start=1):
            table.add_row(str(number), *_row(offer.model), "" if is_kimi(offer.model.id) else "[dim]not Kimi[/]")
        console.print(table)
        console.print()
    ids = [offer.model.id for offer in shown]
    default = current or next((one for one in ids if is_kimi(one)), None)
    question = "Which model (number or id)" if ids else "Which model (id)"
    while True:
        answer = ask(question, default=default)
        chosen = numbered(answer, ids)
        if chosen is not None:
            return chosen
        if answer and not answer.isdecimal():
            return answer
        if ids:
            console.print(f"[red]Please choose a number from 1 to {len(ids)}, or give an id.[/]")


def confirm(question: str, *, default: bool) -> bool:
    """Yes or no; Ctrl-D is as good as Ctrl-C."""
    try:
        return Confirm.ask(question, console=narration(), default=default)
    except EOFError as error:
        raise KeyboardInterrupt from error


def ask(question: str, *, default: str | None = None) -> str:
    """A text; what Enter gives stands in brackets. Ctrl-D is as good as Ctrl-C."""
    try:
        return (Prompt.ask(question, console=narration(), default=default, show_default=bool(default)) or "").strip()
    except EOFError as error:
        raise KeyboardInterrupt from error


def numbered(answer: str, ids: Sequence[str]) -> str | None:
    """What somebody chose from a numbered list, by its number or by itself; None where it is not in the list."""
    answer = answer.strip()
    by_number = {str(number): one for number, one in enumerate(ids, start=1)}
    return by_number.get(answer) or next((one for one in ids if one.lower() == answer.lower()), None)


def ask_base_url(current: str | None) -> str:
    """The address of a host that is not in the catalogue."""
    return ask("Its base URL, such as https://HOST/v1", default=current)


def ask_to_keep_key(masked: str, detail: str) -> bool:
    """Whether the key that is there stays."""
    return confirm(f"Keep the key {escape(masked)} from {escape(detail)}", default=True)


def ask_for_insecure_storage(reason: str) -> bool:
    """Whether a file that only the user can read will do, because no keyring works."""
    console = narration()
    console.print(f"[yellow]The key cannot go into a keyring:[/] {escape(reason)}")
    question = "Keep it in a file that only you can read instead, unencrypted"
    return confirm(question, default=False)


def ask_for_import(masked: str, file: str) -> bool:
    """Whether a key of the tool's predecessor is to be taken over."""
    question = f"There is a key {escape(masked)} in {escape(file)}. Take it over and remove that file"
    return confirm(question, default=True)


def ask_for_completion() -> bool:
    """Whether the shell is to complete our commands."""
    question = "\nComplete kimi's commands with Tab (changes your shell's start-up)"
    return confirm(question, default=False)


def _row(model: Model) -> tuple[str, str, str, str]:
    price = model.price
    return (
        escape(model.id),
        tokens(model.context_window),
        f"{price.input:g}" if price else "",
        f"{price.output:g}" if price else "",
    )
