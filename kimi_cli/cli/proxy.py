"""`kimi status` and `kimi stop`."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from kimi_cli.cli.screen import narration, results, show_json
from kimi_cli.daemon.control import Control
from kimi_cli.daemon.find import find_proxy
from kimi_cli.daemon.stop import Way, stop_proxy
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from kimi_cli.daemon.status import ProxyStatus


def status(*, as_json: bool) -> None:
    """Show the proxy that runs."""
    paths = Paths.find(os.environ)
    state = find_proxy(paths)
    found = Control(state).status() if state is not None else None
    if as_json:
        show_json(_as_json(found))
    elif found is None:
        results().print("No proxy is running. It starts with the next launch.")
    else:
        _show(found)


def stop(*, force: bool, as_json: bool) -> None:
    """Stop the proxy that runs."""
    report = stop_proxy(Paths.find(os.environ), force=force)
    if as_json:
        show_json({"stopped": report.way is not Way.NOT_RUNNING, "way": report.way.value, "pid": report.pid})
    elif report.way is Way.NOT_RUNNING:
        narration().print("No proxy is running.")
    else:
        how = "" if report.way is Way.ASKED else f" ({report.way.value})"
        narration().print(f"The proxy (process {report.pid}) has ended{how}.")


def _as_json(found: ProxyStatus | None) -> dict[str, object]:
    if found is None:
        absent = ("pid", "port", "base_url", "version", "instance", "uptime", "memory")
        return {"running": False, **dict.fromkeys(absent), "sessions": []}
    fields = asdict(found)
    fields["closing"] = fields.pop("is_closing")
    return {"running": True, **fields, "sessions": [asdict(session) for session in found.sessions]}


def _show(found: ProxyStatus) -> None:
    console = results()
    memory = f", {found.memory / 2**20:.0f} MB" if found.memory else ""
    console.print(f"Proxy {found.version} at {found.base_url} (process {found.pid}, up {_span(found.uptime)}{memory})")
    if not found.sessions:
        console.print("No session; it ends soon.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Project", "Provider", "Model", "Open for"):
        table.add_column(heading)
    for heading in ("Requests", "Tokens in", "out"):
        table.add_column(heading, justify="right")
    for session in found.sessions:
        table.add_row(
            escape(session.project),
            session.provider,
            escape(session.model),
            _span(time.time() - session.opened_at),
            f"{session.requests}{f' (+{session.streams} running)' if session.streams else ''}",
            f"{session.input_tokens:,}",
            f"{session.output_tokens:,}",
        )
    console.print(table)


def _span(seconds: float) -> str:
    """A span of time in its two largest units."""
    whole = max(0, int(seconds))
    for size, unit, smaller_size, smaller in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller_size} {smaller}"
    return f"{whole} s"
