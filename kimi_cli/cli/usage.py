"""`kimi usage`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table

from kimi_cli.cli.directory import shown_directory
from kimi_cli.cli.screen import narration, results, show_json, show_warning
from kimi_cli.daemon.log_filter import parse_since
from kimi_cli.errors import SettingsError, UsageError
from kimi_cli.store.ledger_files import LedgerReader
from kimi_cli.store.paths import Paths
from kimi_cli.store.settings import read_settings
from kimi_cli.store.spending import By, Report, Spending, sum_up

if TYPE_CHECKING:
    from pathlib import Path


DEFAULT_SINCE: Final = "30d"
EVER: Final = "all"
_WIDE: Final = 110
"""Columns from which on there is room for the models and ids of sessions."""
_WIDEST: Final = 150
"""Columns from which on there is room for whole numbers and dates."""
_SHORTEST_PROJECT: Final = 12
_OTHER_COLUMNS: Final = 58
"""What a session's other columns take; its model and id take these besides."""
_MODEL_AND_ID: Final = 48
_LONG_COLUMNS: Final = 32
"""What whole numbers and dates take besides."""
_TWO_DECIMALS: Final = 1.0
"""Dollars in all, from which on cents are enough."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the ledger is asked for, and in what form."""

    by: By = By.SESSION
    since: str | None = None
    project: Path | None = None
    as_json: bool = False


def usage(asked: Asked) -> None:
    """Show what was used, and what it cost.

    Raises:
        UsageError: `since` is no time.
    """
    paths = Paths.find(os.environ)
    since = _since(asked.since or DEFAULT_SINCE)
    reader = LedgerReader(paths.usage_dir, since=since.timestamp() if since else None)
    report = sum_up(reader, by=asked.by, project=asked.project.expanduser().resolve() if asked.project else None)
    for file in reader.unreadable:
        show_warning(f"{file} cannot be read, and is left out.")
    if asked.as_json:
        show_json(_as_json(report, since=since, skipped=reader.skipped))
    elif report.total.answers:
        _show(report)
        _explain(report, reader, asked)
    else:
        _show_nothing(paths)


def _since(text: str) -> datetime | None:
    if text.strip() == EVER:
        return None
    try:
        return parse_since(text, now=datetime.now(tz=UTC))
    except UsageError as error:
        error.fix = "kimi usage --since 7d"
        raise


def _show(report: Report) -> None:
    console = results()
    width, total = console.width, report.total
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _headings(report.by, width=width):
        table.add_column(heading, overflow="fold")
    for heading in ("Answers", "Tokens in", "Cached", "Out", "Cost"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = [_cells(report.by, group, width=width) for group in report.groups]
    for cells, group in zip(rows, report.groups, strict=True):
        table.add_row(*cells, *_numbers(group, total=total, width=width))
    if len(rows) > 1:
        blank = [""] * (len(rows[0]) - 1)
        table.add_row("Total", *blank, *_numbers(total, total=total, width=width), style="bold")
    console.print(table)


def _headings(by: By, *, width: int) -> tuple[str, ...]:
    if by is By.SESSION:
        return ("Began", "Project", *(("Model", "Session") if width >= _WIDE else ()))
    return (by.capitalize(), *(("Provider",) if by is By.MODEL else ()))


def _cells(by: By, group: Spending, *, width: int) -> tuple[str, ...]:
    """What a group is, in the columns before its numbers."""
    project, (provider, model) = next(iter(group.projects)), next(iter(group.models))
    match by:
        case By.SESSION:
            is_wide, is_widest = width >= _WIDE, width >= _WIDEST
            room = width - _OTHER_COLUMNS - _MODEL_AND_ID * is_wide - _LONG_COLUMNS * is_widest
            began = _local(group.first).strftime("%Y-%m-%d %H:%M" if is_widest else "%m-%d %H:%M")
            others = f" +{len(group.models) - 1}" if len(group.models) > 1 else ""
            more = (escape(model.rpartition("/")[2]) + others, *group.sessions) if is_wide else ()
            return began, escape(shown_directory(project, max(_SHORTEST_PROJECT, room))), *more
        case By.DAY:
            return (_local(group.first).strftime("%Y-%m-%d"),)
        case By.PROJECT:
            return (escape(shown_directory(project, max(_SHORTEST_PROJECT, width - _OTHER_COLUMNS))),)
        case By.MODEL:
            return escape(model), escape(provider)
        case By.PROVIDER:
            return (escape(provider),)


def _numbers(group: Spending, *, total: Spending, width: int) -> tuple[str, ...]:
    share, is_whole = group.cached_share, width >= _WIDEST
    return (
        f"{group.answers:,}",
        _count(group.input_tokens, is_whole=is_whole),
        "" if share is None else f"{share:.0%}",
        _count(group.output_tokens, is_whole=is_whole),
        _cost(group, cents=total.cost >= _TWO_DECIMALS),
    )


def _local(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC).astimezone()


def _count(tokens: int, *, is_whole: bool) -> str:
    if is_whole or tokens < 10_000:
        return f"{tokens:,}"
    return f"{tokens / 1000:,.0f}k" if tokens < 999_500 else f"{tokens / 1_000_000:,.1f}M"


def _cost(group: Spending, *, cents: bool) -> str:
    """Dollars, as far as they are known; never nothing for what nobody knows."""
    if not group.is_cost_known:
        return "unknown"
    digits = 2 if cents else 4
    least = 10**-digits
    if 0 < group.cost < least:
        return f"<${least:.{digits}f}"
    mark = ">" if group.unpriced else "~" if group.estimates else ""
    return f"{mark}${group.cost:,.{digits}f}"


def _explain(report: Report, reader: LedgerReader, asked: Asked) -> None:
    """What in the table does not explain itself."""
    total, notes = report.total, []
    if total.unpriced:
        models = ", ".join(f"{model} ({provider})" for provider, model in total.unpriced_models)
        marked = "; > stands before sums without it" if total.is_cost_known else ""
        notes.append(f"The price of {models} is not known{marked}.")
    if total.estimates:
        notes.append("~ is partly estimated: hosts do not say what an answer took that was broken off.")
    if reader.skipped:
        lines = "line" if reader.skipped == 1 else "lines"
        notes.append(f"{reader.skipped:,} {lines} of the ledger could not be read.")
    if asked.since is None:
        notes.append(f"Of the last 30 days; everything: kimi usage --since {EVER}")
    for number, note in enumerate(notes):
        narration().print(f"{'' if number else chr(10)}[dim]{escape(note)}[/]")


def _show_nothing(paths: Paths) -> None:
    if next(iter(LedgerReader(paths.usage_dir)), None) is not None:
        narration().print("Nothing was used then, or there.")
        return
    try:
        is_off = read_settings(paths.settings_file).ledger is False
    except SettingsError:  # which is no concern of somebody who looks back
        is_off = False
    if is_off:
        narration().print('Usage is not recorded: the setting ledger is "off". To change it: kimi config edit')
    else:
        narration().print("Nothing has been used yet. Every answer from now on is counted.")


def _as_json(report: Report, *, since: datetime | None, skipped: int) -> dict[str, object]:
    return {
        "schema": 1,
        "by": report.by.value,
        "since": since.timestamp() if since else None,
        "groups": [_fields(group) for group in report.groups],
        "total": _fields(report.total),
        "skipped_lines": skipped,
    }


def _fields(group: Spending) -> dict[str, object]:
    """`cost` is null where nothing is known of it, and without the `unpriced` answers where they are only some."""
    return {
        "sessions": list(group.sessions),
        "projects": list(group.projects),
        "providers": list(group.providers),
        "models": list(dict.fromkeys(model for _, model in group.models)),
        "first": group.first or None,
        "last": group.last or None,
        "answers": group.answers,
        "input_tokens": group.input_tokens,
        "cached_tokens": group.cached_tokens,
        "output_tokens": group.output_tokens,
        "cost": round(group.cost, 9) if group.is_cost_known else None,
        "unpriced": group.unpriced,
        "estimates": group.estimates,
    }
