"""The tools as they are offered to the model."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_INSIDE: Final = "absolute, or relative to the working directory; nothing outside of that can be reached"


def _text(description: str, **more: object) -> dict[str, object]:
    return {"type": "string", "description": description, **more}


def _number(description: str) -> dict[str, object]:
    return {"type": "integer", "description": description}


def _switch(description: str) -> dict[str, object]:
    return {"type": "boolean", "description": description}


def _list(of: Mapping[str, object], description: str) -> dict[str, object]:
    return {"type": "array", "items": dict(of), "description": description}


def _object(needed: Mapping[str, object], optional: Mapping[str, object] | None = None) -> dict[str, object]:
    return {"type": "object", "properties": {**needed, **(optional or {})}, "required": list(needed)}


_FILE: Final = {"file_path": _text(f"The file: {_INSIDE}.")}
_REPLACEMENT: Final = {
    "old_string": _text("The text to replace, exactly as it stands in the file."),
    "new_string": _text("The text to put in its place."),
}
_EVERYWHERE: Final = {"replace_all": _switch("Replace every occurrence; without it there must be just one.")}

_ALL: Final[tuple[tuple[str, str, dict[str, object]], ...]] = (
    (
        "LS",
        "Lists a directory and what is below it, as a tree. Names that begin with a dot are left out.",
        _object(
            {"path": _text(f"The directory: {_INSIDE}.")},
            {"ignore": _list({"type": "string"}, "Patterns of names to leave out.")},
        ),
    ),
    (
        "Read",
        "Reads a file: its lines with numbers, 2,000 unless told otherwise; or a picture, or a PDF's text.",
        _object(
            _FILE,
            {"offset": _number("The number of the first line to show."), "limit": _number("How many lines to show.")},
        ),
    ),
    (
        "Write",
        "Writes a whole file, in the place of one that is there. Directories that are missing are made.",
        _object({**_FILE, "content": _text("What the file is to hold.")}),
    ),
    (
        "Edit",
        "Replaces a text in a file. The numbers that Read puts before lines are no part of the text.",
        _object({**_FILE, **_REPLACEMENT}, _EVERYWHERE),
    ),
    (
        "MultiEdit",
        "Replaces several texts in one file, one after the other. Where one of them fails, nothing is changed.",
        _object({**_FILE, "edits": _list(_object(_REPLACEMENT, _EVERYWHERE), "The replacements, in order.")}),
    ),
    (
        "Bash",
        "Runs a shell command in the working directory and gives what it prints. What it has started ends with it.",
        _object(
            {"command": _text("The command.")},
            {
                "timeout": _number("Milliseconds until it is ended: 30000 where nothing is said, at most 60000."),
                "description": _text("What the command does, in a few words."),
            },
        ),
    ),
    (
        "Glob",
        "Finds files by a pattern of their paths, such as src/**/*.py. Those that were changed last come first.",
        _object({"pattern": _text("The pattern.")}, {"path": _text(f"Where to look: {_INSIDE}.")}),
    ),
    (
        "Grep",
        "Searches files for a regular expression, line by line. Use it rather than grep or rg in a shell.",
        _object(
            {"pattern": _text("The regular expression.")},
            {
                "path": _text(f"A file or a directory: {_INSIDE}."),
                "glob": _text("Only files of this pattern, such as *.{ts,tsx}."),
                "type": _text("Only files of this kind, such as py, js or rust."),
                "output_mode": _text(
                    "The files that hold it, the lines, or how many of them.",
                    enum=["files_with_matches", "content", "count"],
                ),
                "-A": _number("Lines to show after each one found."),
                "-B": _number("Lines to show before each one found."),
                "-C": _number("Lines to show before and after each one found."),
                "-n": _switch("Show line numbers; they are shown unless this is false."),
                "-i": _switch("Upper and lower case are the same."),
                "head_limit": _number("How many lines or files to show."),
                "multiline": _switch("Search whole files, so that a dot takes line ends as well."),
            },
        ),
    ),
    (
        "WebFetch",
        "Fetches a page of the public web and gives its text. Nothing of this machine or its network can be reached.",
        _object(
            {"url": _text("The address, which begins with http:// or https://.")},
            {
                "prompt": _text("What you want to know of the page."),
                "offset": _number("The character to begin with, where a page is too long for one call."),
            },
        ),
    ),
    (
        "TodoWrite",
        "Keeps a list of what is to be done, for work of several steps. Each call gives the whole list anew.",
        _object(
            {
                "todos": _list(
                    _object(
                        {
                            "content": _text("What is to be done."),
                            "status": _text("How far it is.", enum=["pending", "in_progress", "completed"]),
                            "activeForm": _text("The same, as something that is being done."),
                        }
                    ),
                    "The list.",
                )
            }
        ),
    ),
)

DEFINITIONS: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {name: {"name": name, "description": text, "input_schema": schema} for name, text, schema in _ALL}
)
"""By name, in the order in which they are offered."""
READ_ONLY: Final = ("LS", "Read", "Glob", "Grep")
