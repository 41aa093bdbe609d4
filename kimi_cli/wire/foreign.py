"""Typed access to JSON that somebody else wrote: what has the wrong type counts as absent."""

from __future__ import annotations

from typing import TypeAlias

JsonObject: TypeAlias = dict[str, object]


def an_object(value: object) -> JsonObject:
    """The object itself, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[JsonObject]:
    """The objects in a list, in order; anything else is passed over."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def a_string(value: object) -> str:
    """The string itself, or an empty one."""
    return value if isinstance(value, str) else ""


def an_int(value: object) -> int | None:
    """The whole number, or None; booleans are not numbers, and a float counts where it is whole."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def a_number(value: object) -> float | None:
    """The number, or None."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def strings(value: object) -> list[str]:
    """The strings in a list, in order."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
