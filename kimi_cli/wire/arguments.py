"""A tool's arguments that are not the JSON object that they should be, mended where they can mean only one thing.

Mended are, alone or together:
- nothing at all, and null: an empty object
- an object inside a JSON string, however often it was quoted
- an object in a Markdown code block
- the same object several times over
- a comma behind the last entry of an object or a list
- True, False and None, in Python's spelling
- line ends and other control characters that stand in a string as they are

Everything else might mean something else, and stays as it is: a bracket or a quote that is missing or too many, quotes
and keys in the manner of Python or JavaScript, two different objects, text around an object. The client shows it to the
model, which then calls again.

What was passed on cannot be taken back. So a call can be mended where its arguments do not begin like an object, for
then they are held until they are whole; where they came in one piece; and where they came as tokens in a text. The
pieces of an object are passed on as they come, and what is wrong in them the client sees as it is.
"""

from __future__ import annotations

import json
import re
from typing import Final

from kimi_cli.wire.codec import NotJsonError, loads

NO_INPUT: Final = "{}"

_FENCE: Final = "```"
_LANGUAGE: Final = re.compile(r"^\w+(?=\s*[{\"])")
_SPACE: Final = re.compile(r"\s*")
_TOKEN: Final = re.compile(
    r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'  # a string; one without an end is taken whole, and fails as JSON
    r"|[\[{,]\s*,"  # a comma that follows no entry, which stays, and fails as JSON
    r"|,(?=\s*[}\]])"
    r"|\b(?:True|False|None)\b",
    re.DOTALL,
)
_SPELLINGS: Final = {",": "", "True": "true", "False": "false", "None": "null"}
_CONTROL: Final = re.compile(r"[\x00-\x1f]")


def to_input(text: str) -> str:
    """The arguments as the JSON text of an object; as they are, where they are one already or cannot be mended."""
    mended = mend(text)
    return text if mended is None else mended


def mend(text: str) -> str | None:
    """The JSON text of the one object that these arguments can mean, or None. An object that is one is not touched."""
    try:
        value = loads(_encoded(text))
    except NotJsonError:
        return _mended(text)
    return text if isinstance(value, dict) else _mended(text)


def canonical(text: str) -> str:
    """A form in which arguments that mean the same are the same."""
    mended = mend(text)
    try:
        return text if mended is None else json.dumps(loads(_encoded(mended)), sort_keys=True)
    except RecursionError:
        return text


def _mended(text: str) -> str | None:
    while True:
        text = _unfenced(text.strip())
        if not text:
            return NO_INPUT
        try:
            value = loads(_encoded(text))
        except NotJsonError:
            text = _TOKEN.sub(_respelled, text)
            try:
                value = loads(_encoded(text))
            except NotJsonError:
                return _once(text)
        if value is None:
            return NO_INPUT
        if not isinstance(value, str):
            return text if isinstance(value, dict) else None
        # Unquoting makes it shorter, so this comes to an end.
        text = value


def _unfenced(text: str) -> str:
    """What a code block holds, where the text is one."""
    if not (text.startswith(_FENCE) and text.endswith(_FENCE) and len(text) >= 2 * len(_FENCE)):
        return text
    return _LANGUAGE.sub("", text.strip("`"), count=1).strip()


def _respelled(token: re.Match[str]) -> str:
    text = token[0]
    if text[0] == '"':
        return _CONTROL.sub(lambda control: json.dumps(control[0])[1:-1], text)
    return _SPELLINGS.get(text, text)


def _once(text: str) -> str | None:
    """One of several objects that are the same, numbers in the same spelling included."""
    first, said, at = "", "", 0
    while at < len(text):
        try:
            value, end = _DECODER.raw_decode(text, at)
            again = json.dumps(value)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or (first and again != said):
            return None
        first, said = first or text[at:end], again
        space = _SPACE.match(text, end)
        at = space.end() if space else end
    return first


def _refuse_constant(name: str) -> object:
    raise NotJsonError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
