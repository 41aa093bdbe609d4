"""Grep: what is looked for, who looks, and how it is told."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.tools import ripgrep
from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.finding import NOTHING, newest_first
from kimi_cli.tools.processes import bare, output_of
from kimi_cli.wire.codec import dumps
from kimi_cli.wire.foreign import a_string, an_int

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kimi_cli.tools.place import Place
    from kimi_cli.tools.processes import Done
    from kimi_cli.wire.foreign import JsonObject

SECONDS: Final = 20.0
OUTPUT: Final = 4 * 1024 * 1024
"""Bytes that are taken of what was found; far more than is shown, because the newest files are shown first."""
SHOWN: Final = 250
_MODES: Final = ("files_with_matches", "content", "count")
_CONTEXT: Final = 100
_NUMBERED: Final = re.compile(r"\d+([:-])")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call of Grep."""

    pattern: str
    path: str
    globs: tuple[str, ...]
    type: str
    mode: str
    before: int
    after: int
    has_numbers: bool
    ignores_case: bool
    is_multiline: bool
    shown: int
    skipped: int

    @classmethod
    def of(cls, given: JsonObject) -> Wanted:
        """What a call says.

        Raises:
            ToolError: it has no pattern, or a mode that there is not.
        """
        pattern, mode = a_string(given.get("pattern")), a_string(given.get("output_mode")) or _MODES[0]
        if not pattern or "\0" in pattern:
            raise ToolError("pattern must be a regular expression.")
        if mode not in _MODES:
            raise ToolError(f"output_mode must be one of {', '.join(_MODES)}.")
        around = _count(given.get("-C"), given.get("context"))
        glob = a_string(given.get("glob"))
        limit = an_int(given.get("head_limit"))
        return cls(
            pattern=pattern,
            path=a_string(given.get("path")),
            globs=(glob,) if "{" in glob else tuple(glob.split()),
            type=a_string(given.get("type")),
            mode=mode,
            before=_count(given.get("-B")) or around,
            after=_count(given.get("-A")) or around,
            has_numbers=given.get("-n") is not False,
            ignores_case=given.get("-i") is True,
            is_multiline=given.get("multiline") is True,
            shown=sys.maxsize if limit == 0 else max(1, limit or SHOWN),
            skipped=max(0, an_int(given.get("offset")) or 0),
        )


async def grep(given: JsonObject, place: Place, *, environ: Mapping[str, str], program: str | None = None) -> str:
    """The lines or files that hold a pattern; `program` is rg, which is looked for in PATH without it."""
    wanted = Wanted.of(given)
    path, top = _found(wanted, place)
    program = program or shutil.which("rg", path=environ.get("PATH"))
    done = await (_own(given, place, environ) if program is None else _rg(program, wanted, path, top, place, environ))
    if not done.is_cut and done.status not in {0, 1} and not done.output:
        raise ToolError(done.complaint or "The search failed.")
    return await asyncio.to_thread(_told, wanted, done.output, top, place, is_cut=done.is_cut)


def _found(wanted: Wanted, place: Place) -> tuple[Path, Path]:
    """What is searched, and the directory of it."""
    path = place.resolve(wanted.path or str(place.root))
    if not os.path.lexists(path):
        raise ToolError(f"Path does not exist: {wanted.path}. Note: your current working directory is {place.root}.")
    return path, path if path.is_dir() else path.parent


async def _rg(program: str, wanted: Wanted, path: Path, top: Path, place: Place, environ: Mapping[str, str]) -> Done:
    with place.directory(top, wanted.path) as directory:
        # The directory that was looked at, whatever its name means by now.
        cwd = f"/proc/{os.getpid()}/fd/{directory}" if sys.platform == "linux" else str(top)
        command = ripgrep.command(program, wanted, name=None if top == path else path.name)
        return await output_of(command, cwd=cwd, environ=bare(environ), seconds=SECONDS, limit=OUTPUT)


async def _own(given: JsonObject, place: Place, environ: Mapping[str, str]) -> Done:
    package = str(Path(__file__).parents[2])
    kept = bare(environ) | {"PYTHONPATH": os.pathsep.join(filter(None, (package, environ.get("PYTHONPATH"))))}
    asked = dumps({"given": given, "root": str(place.root), "closed": [str(one) for one in place.closed]})
    command = [sys.executable, "-P", "-m", "kimi_cli.tools.searching"]
    return await output_of(command, cwd=package, environ=kept, given=asked, seconds=SECONDS, limit=OUTPUT)


def _told(wanted: Wanted, output: bytes, top: Path, place: Place, *, is_cut: bool) -> str:
    """What was found, without what no tool of the session may see."""
    allowed: dict[str, bool] = {}

    def shown(name: str) -> str:
        """The path as it is told; empty where it may not be read."""
        path = top / name.removeprefix("./")
        if name not in allowed:
            allowed[name] = place.may_read(str(path))
        return place.shown(path) if allowed[name] else ""

    text = output.decode("utf-8", "replace")
    if wanted.mode == "files_with_matches":
        names = text.split("\0")[:-1]
        paths = newest_first([top / name.removeprefix("./") for name in names if shown(name)])
        if not paths:
            return NOTHING
        head = f"Found {len(paths)} file{'s'[: len(paths) != 1]}{' at least' * is_cut}"
        return "\n".join([head, *_part(wanted, [place.shown(path) for path in paths])])
    lines = text.split("\n")[:-1]
    if wanted.mode == "count":
        pairs = _counts(lines, shown)
        if not pairs:
            return "No matches found\n\nFound 0 total occurrences across 0 files."
        total = sum(count for _, count in pairs)
        foot = f"Found {total} total occurrences across {len(pairs)} files."
        return "\n".join([*_part(wanted, [f"{path}:{count}" for path, count in pairs]), "", foot])
    found: list[str] = []
    for line in lines:
        name, mark, rest = line.partition("\0")
        if not mark:
            if found and found[-1] != "--" and line == "--":
                found.append(line)
        elif path := shown(name):
            numbered = _NUMBERED.match(rest)
            found.append(f"{path}{numbered[1] if numbered and wanted.has_numbers else ':'}{rest}")
    if found and found[-1] == "--":
        found.pop()
    return "\n".join(_part(wanted, found)) if found else "No matches found"


def _counts(lines: Sequence[str], shown: Callable[[str], str]) -> list[tuple[str, int]]:
    parts = (line.partition("\0") for line in lines)
    return [(path, int(count)) for name, _, count in parts if count.isdecimal() and (path := shown(name))]


def _part(wanted: Wanted, lines: list[str]) -> list[str]:
    """The lines that were asked for, with a note where there are more."""
    end = wanted.skipped + wanted.shown
    note = [f"[{len(lines) - end:,} more; read on with offset {end}]"] if len(lines) > end else []
    return [*lines[wanted.skipped : end], *note]


def _count(*values: object) -> int:
    found = next((number for value in values if (number := an_int(value)) is not None), 0)
    return min(_CONTEXT, max(0, found))
