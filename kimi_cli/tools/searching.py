"""Grep without rg, as a process of its own: Python's `re` cannot be stopped, a process can.

What is asked comes on stdin as JSON; what is found goes to stdout in the form of `rg --null`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.finding import VERSIONING
from kimi_cli.tools.grep import Wanted
from kimi_cli.tools.pattern import Pattern
from kimi_cli.tools.place import Place
from kimi_cli.tools.text import MARK, encoding_of
from kimi_cli.wire.codec import loads_object
from kimi_cli.wire.foreign import a_string, an_object, strings

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a file that is searched; longer ones are data."""
_COLUMNS: Final = 500
_TYPES: Final = {
    "c": "*.{c,h}",
    "cpp": "*.{cc,cpp,cxx,hh,hpp,hxx,h}",
    "css": "*.{css,scss}",
    "go": "*.go",
    "html": "*.{htm,html}",
    "java": "*.java",
    "js": "*.{js,jsx,mjs,cjs}",
    "json": "*.json",
    "kotlin": "*.{kt,kts}",
    "md": "*.{md,markdown}",
    "php": "*.php",
    "py": "*.{py,pyi}",
    "python": "*.{py,pyi}",
    "ruby": "*.rb",
    "rust": "*.rs",
    "sh": "*.{sh,bash,zsh}",
    "swift": "*.swift",
    "toml": "*.toml",
    "ts": "*.{ts,tsx,mts,cts}",
    "txt": "*.txt",
    "yaml": "*.{yaml,yml}",
}


def main() -> int:
    """Answer what is asked; the status is that of rg: 0 found, 1 nothing, 2 wrong."""
    asked = loads_object(sys.stdin.buffer.read())
    place = Place(Path(a_string(asked.get("root"))), closed=[Path(path) for path in strings(asked.get("closed"))])
    found = False
    try:
        for piece in search(Wanted.of(an_object(asked.get("given"))), place):
            found = True
            sys.stdout.buffer.write(piece.encode("utf-8", "surrogateescape"))
    except ToolError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except BrokenPipeError:
        return 2
    return 0 if found else 1


def search(wanted: Wanted, place: Place) -> Iterator[str]:
    """What is found, file by file."""
    flags = re.MULTILINE | (re.IGNORECASE if wanted.ignores_case else 0) | (re.DOTALL if wanted.is_multiline else 0)
    try:
        expression = re.compile(wanted.pattern, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise ToolError(f"{wanted.pattern!r} is not a regular expression: {error}") from error
    path = place.resolve(wanted.path or str(place.root))
    top = path if path.is_dir() else path.parent
    for file in _files(wanted, place, path):
        text = _text(file, place)
        if text is not None:
            yield from _found(wanted, expression, text, f"./{file.relative_to(top)}")


def _files(wanted: Wanted, place: Place, path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    if wanted.type and wanted.type not in _TYPES:
        raise ToolError(f"unrecognized file type: {wanted.type}; known: {', '.join(_TYPES)}")
    kinds = [Pattern(_TYPES[wanted.type])] if wanted.type else []
    globs = [Pattern(glob.removeprefix("!")) for glob in wanted.globs]
    excluded = [glob.startswith("!") for glob in wanted.globs]
    anchored = ["/" in glob for glob in wanted.globs]
    for directory, folders, names in place.walk(str(path)):
        folders[:] = [name for name in folders if name not in VERSIONING]
        for name in names:
            parts = (*directory.relative_to(path).parts, name)
            fits = [glob.matches(parts if whole else (name,)) for glob, whole in zip(globs, anchored, strict=True)]
            wants = [is_fit for is_fit, is_not in zip(fits, excluded, strict=True) if not is_not]
            if any(is_fit and is_not for is_fit, is_not in zip(fits, excluded, strict=True)):
                continue
            if (not wants or any(wants)) and all(kind.matches((name,)) for kind in kinds):
                yield directory / name


def _text(file: Path, place: Place) -> str | None:
    try:
        with place.reading(str(file)) as opened:
            data = opened.read(FILE_LIMIT + 1)
    except (ToolError, OSError):
        return None
    encoding = encoding_of(data[:8_192])
    if encoding is None or len(data) > FILE_LIMIT:
        return None
    return data.decode(encoding, "replace").removeprefix(MARK).replace("\r\n", "\n")


def _found(wanted: Wanted, expression: re.Pattern[str], text: str, name: str) -> Iterator[str]:
    lines = text.removesuffix("\n").split("\n")
    hits = sorted(set(_lines_of(wanted, expression, text, lines)))
    if not hits:
        return
    match wanted.mode:
        case "files_with_matches":
            yield f"{name}\0"
        case "count":
            yield f"{name}\0{len(hits)}\n"
        case _:
            matched, last = set(hits), -2
            for index in sorted({near for hit in hits for near in range(hit - wanted.before, hit + wanted.after + 1)}):
                if not 0 <= index < len(lines):
                    continue
                if (wanted.before or wanted.after) and index > last + 1:
                    yield "--\n"
                number = f"{index + 1}{':' if index in matched else '-'}" if wanted.has_numbers else ""
                yield f"{name}\0{number}{lines[index][:_COLUMNS]}\n"
                last = index


def _lines_of(wanted: Wanted, expression: re.Pattern[str], text: str, lines: list[str]) -> Iterator[int]:
    """The numbers of the lines, from nought, that hold it."""
    if not wanted.is_multiline:
        yield from (index for index, line in enumerate(lines) if expression.search(line))
        return
    line, position = 0, 0
    for match in expression.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        yield from range(line, min(len(lines), line + text.count("\n", match.start(), match.end()) + 1))


if __name__ == "__main__":
    sys.exit(main())
