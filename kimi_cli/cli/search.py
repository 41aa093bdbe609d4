"""`kimi search`."""

from __future__ import annotations

import os

from rich.markup import escape
from rich.table import Table

from kimi_cli.cli.correction import an_address
from kimi_cli.cli.screen import narration, results, show_fix
from kimi_cli.setup.searching import DESCRIPTIONS, choose_search, search_state
from kimi_cli.store.paths import Paths


def search(engine: str | None, *, base_url: str | None) -> None:
    """Show what searches the web, or choose it."""
    paths = Paths.find(os.environ)
    if engine is None and base_url is not None:
        engine = "searxng"
    if engine is not None:
        with an_address(f"kimi search {engine}"):
            choose_search(engine, paths, base_url=base_url)
    with narration().status("Looking"):  # a keyring may take its time
        state = search_state(paths, os.environ)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, description in DESCRIPTIONS.items():
        is_chosen = name == state.choice.engine
        where = f" ({state.choice.base_url})" if is_chosen and state.choice.base_url else ""
        table.add_row("*" if is_chosen else "", name, f"{description}{escape(where)}")
    results().print(table)
    if state.lack is not None:
        narration().print(f"[yellow]Missing:[/] {escape(state.lack[0])}")
        show_fix(narration(), state.lack[1])
    elif engine is None:
        narration().print("[dim]* is the one that Claude Code's WebSearch uses. To change it: kimi search NAME[/]")
    else:
        narration().print("[dim]Sessions that begin from now on use it.[/]")
