"""`kimi provider`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from kimi_cli.cli.screen import narration, results
from kimi_cli.errors import UsageError
from kimi_cli.setup.choice import all_choices, current_choice, switch
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from kimi_cli.providers.model import Model
    from kimi_cli.setup.choice import Choice


def provider(name: str | None, *, base_url: str | None, model: str | None) -> None:
    """Show the provider, all of them, or switch."""
    paths, today = Paths.find(os.environ), datetime.now(tz=UTC).date()
    if name == "list":
        _list(paths)
    elif name is None and (base_url is not None or model is not None):
        chosen = current_choice(paths, os.environ, today=today)
        if chosen is None:
            raise UsageError("There is no provider yet that this could be for.", fix="kimi provider NAME --model ID")
        _show(switch(chosen.provider.id, paths, os.environ, base_url=base_url, model=model, today=today))
    elif name is None:
        found = current_choice(paths, os.environ, today=today)
        if found is None:
            narration().print("No provider is chosen yet.")
            _list(paths)
        else:
            _show(found)
            narration().print("[dim]To change it: kimi provider NAME; all of them: kimi provider list[/]")
    else:
        _show(switch(name, paths, os.environ, base_url=base_url, model=model, today=today))


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
    return f"{model.id} ({model.context_window // 1024}k context{price})"


def _list(paths: Paths) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "Name", "Host", "Key variable", "Keys are made at"):
        table.add_column(heading)
    for found, is_chosen in all_choices(paths):
        variable = found.key_variables[0] if found.key_variables else ""
        table.add_row("*" if is_chosen else "", found.id, found.name, variable, escape(found.keys_url))
    results().print(table)
