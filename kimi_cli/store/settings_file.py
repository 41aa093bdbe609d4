"""Settings files as TOML: read into plain values, and rewritten so that only what was asked for changes."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from kimi_cli.errors import SettingsError
from kimi_cli.store.files import ensure_private_dir, exclusive, write_private
from kimi_cli.store.remedy import read_remedy, write_remedy

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from pathlib import Path

EDIT: Final = "kimi config edit"
"""The command that mends what only the user can: it opens the file, and says whether what comes of it is right."""
_POSITION: Final = r"(?s)(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)"
"""How `tomllib` ends its messages; the numbers are attributes of the error only from Python 3.14 on."""
_LINE: Final = r"[^\n]*\n|[^\n]+"
_SWITCHES: Final = {"on": True, "off": False}
_UNCHANGEABLE: Final = "it has a form that only an editor can change; write its tables as [providers.NAME]"


def read_document(path: Path) -> dict[str, object]:
    """The file's values; none where there is no file.

    Raises:
        SettingsError: it cannot be read, or is not TOML.
    """
    return parse_toml(path, _read(path))


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """The values in a text that stands in the file at `path`.

    Raises:
        SettingsError: it is not TOML; it says where.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.fullmatch(_POSITION, str(error))
        if found is None:
            line = text.count("\n") + 1
            reason = f"line {line} (the last) is not valid TOML: {str(error).removesuffix(' (at end of document)')}"
        else:
            reason = f"line {found['line']}, column {found['column']} is not valid TOML: {found['what']}"
        raise SettingsError(path, reason=reason) from error
    except RecursionError as error:
        raise SettingsError(path, reason="it is nested too deeply") from error
    except ValueError as error:  # a number with more digits than the interpreter converts
        raise SettingsError(path, reason="it holds a number that is too long") from error


def text_at(path: Path, table: Mapping[str, object], key: str, *, where: str = "") -> str | None:
    """The text at a key; an empty one is as good as none. `where` is the table's path, with a dot at its end.

    Raises:
        SettingsError: something else is there.
    """
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise SettingsError(path, reason=f'{where}{key} must be a text in quotes, like {key} = "..."')
    return value or None


def texts_at(path: Path, table: Mapping[str, object], key: str) -> tuple[str, ...]:
    """The list of texts at a key; none where there is none. Raises as `text_at` does."""
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise SettingsError(path, reason=f'{key} must be a list of texts in quotes, like {key} = ["..."]')
    return tuple(value)


def switch_at(path: Path, table: Mapping[str, object], key: str) -> bool | None:
    """What is switched on or off at a key, by a word or by true and false; None where nothing is said.

    Raises:
        SettingsError: something else is there.
    """
    value = table.get(key)
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, str) or value not in _SWITCHES:
        raise SettingsError(path, reason=f'{key} must be "on" or "off", like {key} = "off"')
    return _SWITCHES[value]


def table_at(path: Path, table: Mapping[str, object], key: str, *, where: str = "") -> Mapping[str, object]:
    """The table at a key; empty where there is none. Raises as `text_at` does."""
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise SettingsError(path, reason=f"{where}{key} must be a table, like [{where}{key}]")
    return value


def rewrite(path: Path, changes: Mapping[tuple[str, ...], str | list[str]]) -> None:
    """Makes `changes` in the file and leaves every other character of it alone; makes the file where there is none.

    A text, or a list of them, is set at each path of keys; an empty one removes what is there, a whole table included.
    Where the file is a symbolic link, as managers of dotfiles make them, what it points to is rewritten. Two processes
    that do this at once do not lose a change.

    Raises:
        SettingsError: the file cannot be read, understood or written; then it is as it was.
    """
    if path.is_symlink():
        path = path.resolve()
    try:
        if not path.parent.is_dir():
            ensure_private_dir(path.parent)
        with exclusive(path.parent):
            before = _read(path)
            after = _changed(path, before, changes)
            if after != before:
                write_private(path, after.encode())
    except OSError as error:
        fix = write_remedy(path, error)
        raise SettingsError(path, reason=f"it cannot be written ({error.strerror or error})", fix=fix) from error


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode().removeprefix("\ufeff")  # the mark that some Windows editors put first
    except FileNotFoundError:
        return ""
    except PermissionError as error:
        reason = "it exists, and you may not read it"
        raise SettingsError(path, reason=reason, fix=read_remedy(path, error)) from error
    except OSError as error:
        fix = read_remedy(path, error)
        raise SettingsError(path, reason=f"it cannot be read ({error.strerror})", fix=fix) from error
    except UnicodeDecodeError as error:
        raise SettingsError(path, reason=f"it is not UTF-8 text (byte {error.start + 1})") from error


def _changed(path: Path, text: str, changes: Mapping[tuple[str, ...], str | list[str]]) -> str:
    """The text of the file after the changes, proven to hold them and nothing else that is new."""
    wanted = parse_toml(path, text)
    for keys, value in changes.items():
        _set_plain(wanted, keys, value)
    import tomlkit

    document = tomlkit.parse(text)
    try:
        for keys, value in changes.items():
            _set(document, keys, value)
        after = tomlkit.dumps(document)
        if any(not value for value in changes.values()):
            after = _with_comments(after, before=text)
        faithful = _without_empty(tomllib.loads(after)) == _without_empty(wanted)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise SettingsError(path, reason=_UNCHANGEABLE, fix=EDIT) from error
    if not faithful:  # tables spelled with dotted keys are not always extended where they stand
        raise SettingsError(path, reason=_UNCHANGEABLE, fix=EDIT)
    return after


def _with_comments(after: str, *, before: str) -> str:
    """The text after a removal, with the comments that stood below what was removed.

    The library takes them for the removed table's, while people write them above the next one.
    """
    from difflib import SequenceMatcher

    old, new = re.findall(_LINE, before), re.findall(_LINE, after)
    kept: list[str] = []
    for _, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        kept += new[start:end]
        if old[first:last] != new[start:end]:
            kept += _trailing_comments(old[first:last])
    return "".join(kept)


def _trailing_comments(lines: list[str]) -> list[str]:
    at = len(lines)
    while at and (not lines[at - 1].strip() or lines[at - 1].lstrip().startswith("#")):
        at -= 1
    return lines[at:] if any(line.strip() for line in lines[at:]) else []


def _set(table: MutableMapping[str, Any], keys: tuple[str, ...], value: str | list[str]) -> None:
    """Sets a text in a TOML document, or removes the key where the text is empty."""
    import tomlkit
    from tomlkit.items import InlineTable

    first = True
    for key in keys[:-1]:
        if key not in table:
            if not value:
                return
            # The outermost table needs no header of its own.
            inline = isinstance(table, InlineTable)
            table[key] = tomlkit.inline_table() if inline else tomlkit.table(is_super_table=first)
        table, first = table[key], False
    if value:
        table[keys[-1]] = value
    else:
        table.pop(keys[-1], None)


def _set_plain(table: dict[str, Any], keys: tuple[str, ...], value: str | list[str]) -> None:
    """The same for plain values."""
    for key in keys[:-1]:
        table = table.setdefault(key, {})
    if value:
        table[keys[-1]] = value
    else:
        table.pop(keys[-1], None)


def _without_empty(table: dict[str, Any]) -> dict[str, Any]:
    """A document without its empty tables, which mean nothing and come and go when keys are removed."""
    pruned = {key: _without_empty(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in pruned.items() if value != {}}
