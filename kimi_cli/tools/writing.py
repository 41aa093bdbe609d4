"""Write, Edit and MultiEdit. A file keeps its encoding, its line ends and its permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.text import encoding_of
from kimi_cli.wire.foreign import a_string, objects

if TYPE_CHECKING:
    from kimi_cli.tools.place import Place
    from kimi_cli.wire.foreign import JsonObject

EDIT_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a file that is edited; nobody edits longer ones by replacing texts."""


def write(given: JsonObject, place: Place) -> str:
    """Write a whole file."""
    name, content = a_string(given.get("file_path")), given.get("content")
    if not isinstance(content, str):
        raise ToolError("content must be a text.")
    path = place.resolve(name)
    existed = path.exists()
    try:
        data = content.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise ToolError("content holds half of a character, which no file can.") from error
    place.write(name, data)
    if existed:
        return f"The file {path} has been updated successfully."
    return f"File created successfully at: {path}"


def edit(given: JsonObject, place: Place) -> str:
    """Replace a text in a file."""
    return _edited(a_string(given.get("file_path")), [given], place)


def edit_often(given: JsonObject, place: Place) -> str:
    """Replace several texts in a file, one after the other; all of them or none."""
    edits = objects(given.get("edits"))
    if not edits:
        raise ToolError("edits must be a list of replacements.")
    return _edited(a_string(given.get("file_path")), edits, place)


def _edited(name: str, edits: list[JsonObject], place: Place) -> str:
    path = place.resolve(name)
    if not path.exists() and edits[0].get("old_string") == "":
        text, encoding, ends = "", "utf-8", "\n"
    else:
        text, encoding, ends = _read(name, place)
    for one in edits:
        text = _replaced(text, one, ends=ends)
    try:
        data = text.replace("\n", ends).encode(encoding, "surrogateescape")
    except UnicodeEncodeError as error:
        wrong = text[error.start : error.start + 1]
        raise ToolError(f"{name} is encoded as {encoding}, which has no {wrong!r}.") from error
    place.write(name, data)
    times = "" if len(edits) == 1 else f" with {len(edits)} edits"
    return f"The file {path} has been updated successfully{times}."


def _read(name: str, place: Place) -> tuple[str, str, str]:
    """A file's text, its encoding and its line ends."""
    with place.reading(name) as file:
        data = file.read(EDIT_LIMIT + 1)
    if len(data) > EDIT_LIMIT:
        raise ToolError(f"{name} has more than {EDIT_LIMIT // 1024 // 1024} MB, which is too much to edit.")
    encoding = encoding_of(data[:8_192])
    if encoding is None:
        raise ToolError(f"{name} is a binary file.")
    try:
        text = data.decode(encoding, "surrogateescape" if encoding == "utf-8" else "strict")
    except UnicodeDecodeError as error:
        raise ToolError(f"{name} begins as {encoding} and does not go on so.") from error
    if not 0 < text.count("\n") == text.count("\r\n"):
        return text, encoding, "\n"  # mixed ends stay as they are
    return text.replace("\r\n", "\n"), encoding, "\r\n"


def _replaced(text: str, one: JsonObject, *, ends: str) -> str:
    old, new = one.get("old_string"), one.get("new_string")
    if not isinstance(old, str) or not isinstance(new, str):
        raise ToolError("old_string and new_string must be texts.")
    if old == new:
        raise ToolError("No changes to make: old_string and new_string are exactly the same.")
    if ends != "\n":
        old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    if not old:
        if text:
            raise ToolError("Cannot create new file - file already exists.")
        return new
    count = text.count(old)
    if count == 0:
        raise ToolError(f"String to replace not found in file.\nString: {old}")
    if count > 1 and one.get("replace_all") is not True:
        raise ToolError(
            f"Found {count} matches of the string to replace, but replace_all is false. To replace all occurrences, "
            "set replace_all to true. To replace only one occurrence, please provide more context to uniquely identify "
            "the instance.\n"
            f"String: {old}"
        )
    return text.replace(old, new)
