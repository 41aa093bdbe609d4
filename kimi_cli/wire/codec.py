"""Bytes to JSON and back, fast in the common case and forgiving about lone surrogates.

orjson refuses half of a surrogate pair, which hosts send when they cut an emoji between two chunks; the standard
library reads and writes it, so it stands in for exactly those payloads.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject


class NotJsonError(ValueError):
    """The bytes are not a JSON value of the form that was asked for."""


def loads(data: bytes) -> object:
    """Parse JSON.

    Raises:
        NotJsonError: the bytes are not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error)) from error


def loads_object(data: bytes) -> JsonObject:
    """Parse a JSON object.

    Raises:
        NotJsonError: the bytes are not JSON, or not an object.
    """
    value = loads(data)
    if not isinstance(value, dict):
        raise NotJsonError("expected a JSON object")
    return value


def dumps(value: object) -> bytes:
    """Compact JSON. Lone surrogates leave as escapes, so that the reader can join the halves again.

    All else is as JavaScript writes it, which escapes nothing more.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace")


def dumps_strict(value: object) -> bytes:
    """Compact JSON for a host: a lone surrogate, which strict parsers refuse, becomes U+FFFD."""
    try:
        return orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
        # Joins the halves that belong together, replaces those that do not.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def dumps_text(value: object) -> str:
    """Compact JSON as text, for the places where JSON travels inside a string (tool arguments)."""
    return dumps_strict(value).decode()


def _refuse_constant(name: str) -> object:
    raise NotJsonError(f"{name} is not JSON")


def _finite(text: str) -> float:
    """A number that can be written again: what is too large for a float would become infinity, which is not JSON."""
    if math.isinf(number := float(text)):
        raise NotJsonError(f"{text} is out of range")
    return number
