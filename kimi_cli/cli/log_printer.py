"""How one line of the log looks to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.cells import cell_len, chop_cells
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from rich.console import Console

    from kimi_cli.daemon.log_line import LogLine

_LEVELS: Final = {"debug": "dim", "info": "green", "warning": "yellow", "error": "red", "critical": "bold red"}
_SHORT: Final = {"warning": "warn", "critical": "crit"}
_LEVEL_WIDTH: Final = 5
_GAP: Final = "  "
_MIN_WIDTH: Final = 20
"""Columns that the fields of an event get at least, beside time and level."""
_HIDDEN: Final = frozenset({"time", "level", "event", "traceback", "pid", "instance", "opened_at", "idle"})
"""What stands elsewhere in the line, or means nothing to a person; `--json` has it."""
_QUIET_ZERO: Final = frozenset({"cached", "requests", "streams", "input_tokens", "output_tokens", "cached_tokens"})
_FIRST: Final = ("status", "seconds")
_IDS: Final = ("session", "id", "request_id")
_LAST: Final = ("failure", "reason")


class Piece(NamedTuple):
    """A part of a line that belongs together; one that `can_break` is wrapped between its words."""

    text: str
    style: str = ""
    can_break: bool = False


class LogPrinter:
    """Prints lines: wrapped to the terminal and in colours there, one line each for everybody else."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, line: LogLine) -> None:
        """Print a line. One that is no event stands as it is."""
        if line.fields is None:
            pieces, more = [Piece(printable(line.text), can_break=True)], []
            head = Text()
        else:
            pieces = list(describe(line.fields))
            head = _head(line)
            more = str(line.fields.get("traceback") or "").splitlines()
        if self._console.is_terminal:
            for text in _wrapped(head, pieces, width=self._console.width):
                self._console.print(text, soft_wrap=True)
        else:
            self._console.file.write(head.plain + _GAP.join(piece.text for piece in pieces) + "\n")
        for detail in more:
            self._console.file.write(f"    {printable(detail)}\n")


def describe(fields: Mapping[str, Any]) -> Iterator[Piece]:
    """What an event says, the most telling first: what happened, how it went, whose it was, and why."""
    yield Piece(printable(str(fields.get("event", ""))), "bold")
    placed = (*_FIRST, *_IDS, *_LAST)
    others = (name for name in fields if name not in _HIDDEN and name not in placed)
    for name in (*_FIRST, *others, *_IDS, *_LAST):
        value = fields.get(name)
        if value is not None and not (name in _QUIET_ZERO and not value):
            yield _piece(name, value)


def local_time(time: datetime) -> str:
    """A time as the log shows it."""
    return time.astimezone().strftime("%m-%d %H:%M:%S")


def size_of(size: int) -> str:
    """A number of bytes in a unit that suits it."""
    for unit, factor in (("MB", 2**20), ("kB", 2**10)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def printable(text: str) -> str:
    """The text without anything that a terminal would act on."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _head(line: LogLine) -> Text:
    level = str((line.fields or {}).get("level", ""))
    time = local_time(line.time) if line.time is not None else "?"
    shown = printable(_SHORT.get(level, level)).ljust(_LEVEL_WIDTH)
    return Text.assemble((time, "dim"), " ", (shown, _LEVELS.get(level, "")), " ")


def _piece(name: str, value: object) -> Piece:
    """One field. What is known by its form, or by its unit, does not need its name."""
    text = printable(_text_of(value, is_count=name in _FORMS or name.endswith(("_bytes", "_tokens"))))
    if name in _IDS:
        return Piece(text, "dim")
    if name in _LAST:
        return Piece(f"{name}: {text}", "red" if name == "failure" else "", can_break=True)
    if name == "status" and isinstance(value, int):
        return Piece(text, "green" if value < 400 else "red")
    if name in _FORMS:
        return Piece(_FORMS[name](text))
    return Piece(f"{printable(name)}={text}", can_break=True)


def _text_of(value: object, *, is_count: bool = False) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int() if is_count:
            return f"{value:,}"
        case list():
            return ", ".join(map(_text_of, value)) or "none"
        case _:
            return str(value)


def _as_it_is(text: str) -> str:
    return text


_FORMS: Final[dict[str, Callable[[str], str]]] = {
    "model": _as_it_is,
    "provider": _as_it_is,
    "project": _as_it_is,
    "seconds": "{} s".format,
    "input": "{} in".format,
    "cached": "{} cached".format,
    "output": "{} out".format,
    "input_tokens": "{} in".format,
    "cached_tokens": "{} cached".format,
    "output_tokens": "{} out".format,
    "requests": "{} requests".format,
    "streams": "{} running".format,
}


def _wrapped(head: Text, pieces: list[Piece], *, width: int) -> Iterator[Text]:
    """The lines of an event, each but the first indented to where the first begins to speak."""
    indent = Text(" " * head.cell_len)
    room = max(_MIN_WIDTH, width - head.cell_len)
    row, used = head.copy(), 0
    for piece in pieces:
        gap = _GAP
        for word in piece.text.split(" ") if piece.can_break else (piece.text,):
            for part in chop_cells(word, room) or [""]:
                size = cell_len(part)
                if used and used + len(gap) + size > room:
                    yield row
                    row, used = indent.copy(), 0
                if used:
                    row.append(gap)
                    used += len(gap)
                row.append(part, piece.style)
                used += size
                gap = ""
            gap = " "
    yield row
