"""`kimi status`."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from kimi_cli.cli.directory import shown_directory
from kimi_cli.cli.screen import results, show_json
from kimi_cli.daemon.survey import Survey, survey
from kimi_cli.errors import UsageError
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from kimi_cli.daemon.status import ProxyStatus, SessionStatus

_WATCH_SECONDS: Final = 1.0
"""Between two looks: as often as somebody can read it."""
_ROOM_FOR_IDS: Final = 110
"""Columns from which on a session's id fits beside the rest."""
_OTHER_COLUMNS: Final = 66
_ID_COLUMN: Final = 22
_ROOM_FOR_COSTS: Final = 120
"""Columns from which on what a session has cost fits as well."""
_COST_COLUMN: Final = 10
"""What the others take with usual numbers."""
_SHORTEST_PROJECT: Final = 14
_ABSENT: Final = ("pid", "port", "base_url", "version", "instance", "uptime", "memory")


def status(*, watch: bool, as_json: bool) -> None:
    """Show the proxies that run; with `watch` again and again, until Ctrl-C.

    Raises:
        UsageError: there is nobody to watch.
    """
    paths = Paths.find(os.environ)
    if watch:
        if not (as_json or sys.stdout.isatty()):
            raise UsageError("--watch needs a terminal.", fix="kimi status --watch --json")
        with suppress(KeyboardInterrupt):
            _watch(paths, as_json=as_json)
    elif as_json:
        show_json(_as_json(survey(paths)))
    else:
        console = results()
        console.print(_screen(survey(paths), width=console.width))


def _watch(paths: Paths, *, as_json: bool) -> None:
    if as_json:
        while True:
            show_json(_as_json(survey(paths)))
            time.sleep(_WATCH_SECONDS)
    from rich.live import Live

    console = results()
    with Live(_screen(survey(paths), width=console.width), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(_WATCH_SECONDS)
            live.update(_screen(survey(paths), width=console.width), refresh=True)


def _as_json(found: Survey) -> dict[str, object]:
    """`running` and what follows are of the proxy that takes new sessions; `others` finish theirs."""
    usual: dict[str, object] = {"running": False, **dict.fromkeys(_ABSENT), "sessions": []}
    if found.usual is not None:
        usual = {"running": True, **_fields(found.usual)}
    return {**usual, "others": [_fields(other) for other in found.others], "hanging": list(found.hanging)}


def _fields(proxy: ProxyStatus) -> dict[str, object]:
    fields = asdict(proxy)
    fields["closing"] = fields.pop("is_closing")
    return {**fields, "sessions": [asdict(session) for session in proxy.sessions]}


def _screen(found: Survey, *, width: int) -> RenderableType:
    parts = list(_parts(found, width=width))
    return Group(*parts) if parts else Text("No proxy is running. It starts with the next launch.")


def _parts(found: Survey, *, width: int) -> Iterator[RenderableType]:
    if found.usual is not None:
        yield _head(found.usual)
        yield _table(found.usual.sessions, width=width) if found.usual.sessions else Text("No session; it ends soon.")
        yield from _stand_ins(found.usual.sessions)
    for number, other in enumerate(found.others):
        if number or found.usual is not None:
            yield Text()
        yield _head(other)
        yield Text("It finishes its sessions; new ones go to another proxy.")
        if other.sessions:
            yield _table(other.sessions, width=width)
            yield from _stand_ins(other.sessions)
    for pid in found.hanging:
        yield Text.from_markup(
            f"[yellow]The proxy (process {pid}) does not answer.[/] The next launch replaces it, kimi stop ends it."
        )


def _stand_ins(sessions: tuple[SessionStatus, ...]) -> Iterator[Text]:
    """Why sessions are answered by another host than their own."""
    for session in sessions:
        if session.fallback is not None:
            since = span(time.time() - session.fallback.since)
            text = (
                f"{session.fallback.provider} stands in for {session.provider} since {since}: {session.fallback.reason}"
            )
            yield Text.from_markup(f"[yellow]Note:[/] {escape(text)}")


def _head(proxy: ProxyStatus) -> Text:
    memory = f", {proxy.memory / 2**20:.0f} MB" if proxy.memory else ""
    return Text.from_markup(
        f"[bold]Proxy {proxy.version}[/] at {proxy.base_url} (process {proxy.pid}, up {span(proxy.uptime)}{memory})"
    )


def _table(sessions: tuple[SessionStatus, ...], *, width: int) -> Table:
    """A row for each session; its id, which `kimi logs` takes, where there is room."""
    has_ids = width >= _ROOM_FOR_IDS
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Project")
    table.add_column("Provider")
    table.add_column("Model", overflow="fold")
    for heading in ("Open for", "Requests", "Running", "Tokens in", "Out"):
        table.add_column(heading, justify="right")
    has_costs = width >= _ROOM_FOR_COSTS
    if has_costs:
        table.add_column("Cost", justify="right")
    if has_ids:
        table.add_column("Session")
    now = time.time()
    room = max(_SHORTEST_PROJECT, width - _OTHER_COLUMNS - _ID_COLUMN * has_ids - _COST_COLUMN * has_costs)
    for session in sessions:
        table.add_row(
            escape(shown_directory(session.project, room)),
            session.fallback.provider if session.fallback else session.provider,
            escape(session.fallback.model if session.fallback else session.model),
            span(now - session.opened_at),
            f"{session.requests}",
            f"{session.streams}" if session.streams else "-",
            f"{session.input_tokens:,}",
            f"{session.output_tokens:,}",
            *((_cost(session.cost),) if has_costs else ()),
            *((session.id,) if has_ids else ()),
        )
    return table


def _cost(cost: float | None) -> str:
    if cost is None:
        return "unknown"
    return f"${cost:,.2f}" if cost >= 1 or not cost else f"${cost:.4f}"


def span(seconds: float) -> str:
    """A span of time in its two largest units."""
    whole = max(0, int(seconds))
    for size, unit, smaller_size, smaller in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller_size} {smaller}"
    return f"{whole} s"
