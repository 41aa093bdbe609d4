"""`kimi config`."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from kimi_cli.cli.screen import narration, results, show_json
from kimi_cli.errors import UsageError
from kimi_cli.setup.values import effective_values
from kimi_cli.store.files import ensure_private_dir
from kimi_cli.store.paths import Paths
from kimi_cli.store.settings import read_settings
from kimi_cli.store.wanted import read_wanted

if TYPE_CHECKING:
    from kimi_cli.setup.values import Value


def config(what: str, *, as_json: bool) -> int:
    """Show the settings' place or values, or open them in an editor."""
    paths = Paths.find(os.environ)
    match what:
        case "path":
            print(paths.settings_file)
        case "show":
            _show(paths, as_json=as_json)
        case "edit":
            return _edit(paths)
        case _:
            raise UsageError(f"There is no kimi config {what}.", fix="kimi config show")
    return 0


def _show(paths: Paths, *, as_json: bool) -> None:
    cwd = Path.cwd()
    values = effective_values(paths, os.environ, cwd=cwd, today=datetime.now(tz=UTC).date())
    for warning in read_wanted(paths, os.environ, cwd=cwd).warnings:
        narration().print(f"[yellow]Warning:[/] {escape(warning)}")
    if as_json:
        show_json({"schema": 1, "values": [asdict(value) for value in values]})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Name", "Value", "From"):
        table.add_column(heading, overflow="fold")
    for value in values:
        table.add_row(value.name, escape(value.value or ""), escape(_origin(value)))
    results().print(table)
    for value in values:
        if value.trouble:
            narration().print(f"[yellow]{value.name}:[/] {escape(value.trouble)}")


def _origin(value: Value) -> str:
    return f"{value.origin.value} ({value.detail})" if value.detail else value.origin.value


def _edit(paths: Paths) -> int:
    """Open the file in the user's editor, and say whether what came of it can be understood."""
    file = paths.settings_file
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if sys.platform == "win32" else "vi")
    ensure_private_dir(file.parent)
    try:
        status = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode  # noqa: S603 - the user's own
    except OSError as error:
        raise UsageError(
            f"{editor} cannot be run ({error.strerror}).", fix="EDITOR=PROGRAM kimi config edit"
        ) from error
    for warning in read_settings(file).warnings:
        narration().print(f"[yellow]Warning:[/] {escape(warning)}")
    return status
