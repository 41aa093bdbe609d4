"""`kimi config`."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table

from kimi_cli.cli.screen import narration, results, show_json, show_warning
from kimi_cli.errors import KimiError, SettingsError, UsageError
from kimi_cli.setup.values import effective_values
from kimi_cli.store.files import ensure_private_dir
from kimi_cli.store.paths import Paths
from kimi_cli.store.remedy import write_remedy
from kimi_cli.store.settings import read_settings
from kimi_cli.store.spelling import closest
from kimi_cli.store.wanted import Origin, read_wanted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimi_cli.setup.values import Value

WORDS: Final = ("path", "show", "edit")


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
            close = closest(what, WORDS)
            raise UsageError(f"There is no kimi config {what}.", fix=f"kimi config {close or 'show'}")
    return 0


def _show(paths: Paths, *, as_json: bool) -> None:
    cwd = Path.cwd()
    with narration().status("Looking"):  # a keyring may take its time
        values = effective_values(paths, os.environ, cwd=cwd, today=datetime.now(tz=UTC).date())
    for warning in read_wanted(paths, os.environ, cwd=cwd).warnings:
        show_warning(warning)
    if as_json:
        show_json({"schema": 1, "values": [asdict(value) for value in values]})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Name", "Value", "From"):
        table.add_column(heading, overflow="fold")
    for value in values:
        table.add_row(value.name, escape(value.value) if value.value else "[dim]none[/]", escape(_origin(value)))
    results().print(table)
    told = [f"[dim]{name} is {escape(str(file))}[/]" for name, file in _files(values).items()]
    told += [f"[yellow]{value.name}:[/] {escape(value.trouble)}" for value in values if value.trouble]
    for number, line in enumerate(told):
        narration().print(line if number else f"\n{line}", soft_wrap=line.startswith("[dim]"))


def _origin(value: Value) -> str:
    """Where a value comes from; of a file its name, which `_files` explains."""
    file = _file(value)
    detail = file.name if file else value.detail
    # A variable that stands in the first column need not be named again.
    return f"{value.origin.value} ({detail})" if detail not in {"", value.name} else value.origin.value


def _files(values: Iterable[Value]) -> dict[str, Path]:
    """The files that values come from, by name; two of one name do not occur."""
    return {file.name: file for value in values if (file := _file(value))}


def _file(value: Value) -> Path | None:
    found = Path(value.detail)
    return found if value.origin in {Origin.PROJECT, Origin.USER} and found.is_absolute() else None


def _edit(paths: Paths) -> int:
    """Open the file in the user's editor, and say whether what came of it can be understood.

    The file itself is opened and no copy of it, because some editors end at once and go on in a window of their own.

    Raises:
        UsageError: there is no such editor.
        SettingsError: the file cannot be understood now, or there can be none.
        KimiError: the editor failed.
    """
    file = paths.settings_file
    try:
        ensure_private_dir(file.parent)
    except OSError as error:
        fix = write_remedy(file, error)
        raise SettingsError(file, reason=f"it cannot be made ({error.strerror or error})", fix=fix) from error
    named = (os.environ.get(name, "").strip() for name in ("VISUAL", "EDITOR"))
    editor = next(filter(None, named), "notepad" if sys.platform == "win32" else "vi")
    fix = "EDITOR=PROGRAM kimi config edit"
    try:
        status = subprocess.run(_command(editor, file), check=False).returncode  # noqa: S603 - the user's own
    except ValueError as error:
        raise UsageError(f"The editor {editor} is no command: {str(error).lower()}.", fix=fix) from error
    except OSError as error:
        raise UsageError(f"The editor {editor} cannot be run ({error.strerror}).", fix=fix) from error
    for warning in read_settings(file).warnings:
        show_warning(warning, fix="kimi config edit")
    if status:
        raise KimiError(f"The editor {editor} ended with status {status}.", fix=fix)
    return 0


def _command(editor: str, file: Path) -> list[str] | str:
    """The command line; on Windows it is one text, in which backslashes are part of paths."""
    return f'{editor} "{file}"' if sys.platform == "win32" else [*shlex.split(editor), str(file)]
