"""`kimi models` and `kimi model`."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table

from kimi_cli.cli.correction import suggesting
from kimi_cli.cli.questions import ask, numbered
from kimi_cli.cli.screen import narration, results, show_json, show_warning
from kimi_cli.launcher.slots import tokens
from kimi_cli.setup.models import ModelTable, Standing, choose_model, model_table
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from kimi_cli.setup.models import ModelRow

_STYLES: Final = {Standing.LIVE: "green", Standing.RETIRED: "red", Standing.UNLISTED: "yellow", Standing.UNKNOWN: "dim"}
_WIDE: Final = 100
"""Columns from which on there is room for dates beside whole ids."""
_OTHER_COLUMNS: Final = 54
"""What the table takes beside the ids; an id that has less than the rest of the line is folded, and never cut."""


def models(*, provider: str | None, as_json: bool) -> None:
    """List the models; on a terminal one can be chosen."""
    paths, found = Paths.find(os.environ), _look(provider)
    if as_json:
        show_json(_as_json(found))
        return
    _show(found)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    answer = ask("\nUse which (number or id; Enter changes nothing)", default="")
    chosen = numbered(answer, [row.model.id for row in found.rows])
    if chosen is not None:
        choose_model(paths, found.provider, chosen, slot=None)
        narration().print(f"{found.provider.name} now uses {escape(chosen)}. Running sessions keep theirs.")
    elif answer:
        narration().print("That is none of them; nothing is changed.")


def model(model_id: str | None, *, slot: str | None, provider: str | None) -> None:
    """Show the models of a session, or set one."""
    paths, found = Paths.find(os.environ), _look(provider)
    if model_id is None:
        console = results()
        for row in found.rows:
            for name in row.slots:
                console.print(f"{name:<9} {escape(row.model.id)}", soft_wrap=True)
        if found.main is None:
            console.print("main      none")
        narration().print(
            "[dim]To change it: kimi model ID, for one slot: kimi model ID --slot haiku\nAll of them: kimi models[/]"
        )
        return
    choose_model(paths, found.provider, model_id, slot=slot)
    chosen = next((row for row in found.rows if row.model.id == model_id), None)
    what = f"The {slot} slot" if slot else found.provider.name
    narration().print(f"{what} now uses {escape(model_id) or 'the main model'}. Running sessions keep theirs.")
    if model_id and (chosen is None or chosen.standing is not Standing.LIVE) and not found.trouble:
        show_warning(f"{found.provider.name} does not list {model_id}.", fix="kimi models")


def _look(provider: str | None) -> ModelTable:
    with suggesting("kimi models --provider"), narration().status("Asking the host"):
        found = model_table(
            Paths.find(os.environ),
            os.environ,
            provider=provider,
            cwd=Path.cwd(),
            today=datetime.now(tz=UTC).date(),
            now=time.time,
        )
    if found.trouble:
        show_warning(found.trouble, fix=found.fix)
    return found


def _show(found: ModelTable) -> None:
    console = results()
    longest = max((len(row.model.id) for row in found.rows), default=0)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "Model", "Window", "$ in", "$ out", "At the host", "Used for"):
        table.add_column(
            heading,
            justify="right" if heading.startswith("$") else "left",
            overflow="fold",
            min_width=max(1, min(longest, console.width - _OTHER_COLUMNS)) if heading == "Model" else None,
        )
    for number, row in enumerate(found.rows, start=1):
        price = row.model.price
        style = _STYLES[row.standing]
        table.add_row(
            str(number),
            escape(row.model.id),
            tokens(row.model.context_window),
            f"{price.input:g}" if price else "",
            f"{price.output:g}" if price else "",
            f"[{style}]{_standing(row, dated=console.width >= _WIDE)}[/]",
            ", ".join(row.slots),
        )
    console.print(table)
    narration().print(f"[dim]Models of {escape(found.provider.name)}; prices are in dollars per million tokens.[/]")


def _standing(row: ModelRow, *, dated: bool) -> str:
    if dated and row.standing is Standing.RETIRED and row.model.retired is not None:
        return f"retired {row.model.retired.isoformat()}"
    return row.standing.value


def _as_json(found: ModelTable) -> dict[str, object]:
    return {
        "schema": 1,
        "provider": found.provider.id,
        "trouble": found.trouble or None,
        "models": [
            {
                "id": row.model.id,
                "standing": row.standing.value,
                "context_window": row.model.context_window,
                "max_output": row.model.max_output,
                "vision": row.model.vision,
                "price": {"input": row.model.price.input, "output": row.model.price.output}
                if row.model.price
                else None,
                "retired": row.model.retired.isoformat() if row.model.retired else None,
                "successor": row.model.successor,
                "slots": list(row.slots),
            }
            for row in found.rows
        ],
    }
