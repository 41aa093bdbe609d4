"""What the wizard asks, one function a question. Each shows what it is about and returns an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.prompt import Confirm, IntPrompt, Prompt
from rich.table import Table

from kimi_cli.cli.screen import narration
from kimi_cli.launcher.slots import tokens
from kimi_cli.providers.provider import is_kimi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from kimi_cli.providers.model import Model
    from kimi_cli.providers.provider import Provider
    from kimi_cli.setup.host import Offer

_MOST_MODELS: Final = 15
"""Rows of the table of models: a screen's worth; any other id can be typed."""


def choose_provider(known: Mapping[str, Provider], current: str | None, *, today: date) -> Provider:
    """Choose a host from the table."""
    console = narration()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "Host", "Kimi models", "Window", "$ in", "$ out", ""):
        table.add_column(heading, justify="right" if heading.startswith("$") else "left")
    for number, provider in enumerate(known.values(), start=1):
        best = provider.default_model(today=today)
        table.add_row(
            str(number),
            provider.name,
            "any that it serves" if not provider.models else best.display_name if best else "[yellow]none today[/]",
            tokens(best.context_window) if best else "",
            f"{best.price.input:g}" if best and best.price else "",
            f"{best.price.output:g}" if best and best.price else "",
            "[dim]now[/]" if provider.id == current else "",
        )
    console.print(table)
    console.print("[dim]Prices are per million tokens.[/]")
    names = list(known)
    default = names.index(current) + 1 if current in names else 1
    choices = [str(number) for number in range(1, len(names) + 1)]
    number = IntPrompt.ask("Which host", console=console, choices=choices, show_choices=False, default=default)
    chosen = known[names[number - 1]]
    if chosen.note:
        console.print(f"[yellow]Note:[/] {escape(chosen.note)}")
    return chosen


def choose_model(offers: Sequence[Offer], *, current: str | None) -> str:
    """Choose a model from the list, or type an id."""
    console = narration()
    shown = list(offers[:_MOST_MODELS])
    if shown:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("", "Model", "Window", "$ in", "$ out", ""):
            table.add_column(heading, justify="right" if heading.startswith("$") else "left")
        for number, offer in enumerate(shown, start=1):
            table.add_row(str(number), *_row(offer.model), "" if is_kimi(offer.model.id) else "[dim]not Kimi[/]")
        console.print(table)
    ids = [offer.model.id for offer in shown]
    default = current or next((one for one in ids if is_kimi(one)), None)
    question = "Which model (number or id)" if ids else "Which model (id)"
    while True:
        answer = Prompt.ask(question, console=console, default=default) or ""
        if answer.isdigit() and 1 <= int(answer) <= len(ids):
            return ids[int(answer) - 1]
        if answer.strip() and not answer.isdigit():
            return answer.strip()


def ask_base_url(current: str | None) -> str:
    """The address of a host that is not in the catalogue."""
    return Prompt.ask("Its base URL, such as https://HOST/v1", console=narration(), default=current) or ""


def ask_to_keep_key(masked: str, detail: str) -> bool:
    """Whether the key that is there stays."""
    return Confirm.ask(f"Keep the key {escape(masked)} from {escape(detail)}", console=narration(), default=True)


def ask_for_insecure_storage(reason: str) -> bool:
    """Whether a file that only the user can read will do, because no keyring works."""
    console = narration()
    console.print(f"[yellow]The key cannot go into a keyring:[/] {escape(reason)}")
    question = "Keep it in a file that only you can read instead, unencrypted"
    return Confirm.ask(question, console=console, default=False)


def ask_for_import(masked: str, file: str) -> bool:
    """Whether a key of the tool's predecessor is to be taken over."""
    question = f"There is a key {escape(masked)} in {escape(file)}. Take it over and remove that file"
    return Confirm.ask(question, console=narration(), default=True)


def ask_for_completion() -> bool:
    """Whether the shell is to complete our commands."""
    question = "Let Tab complete kimi's commands (adds a line to your shell's start-up file)"
    return Confirm.ask(question, console=narration(), default=False)


def _row(model: Model) -> tuple[str, str, str, str]:
    price = model.price
    return (
        escape(model.id),
        tokens(model.context_window),
        f"{price.input:g}" if price else "",
        f"{price.output:g}" if price else "",
    )
