"""Enumerations as Moonshot's validator takes them: of one type, which is named, and not too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import strings
from kimi_cli.wire.schema.kinds import kind_of, kinds_of_type, kinds_of_value

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

MAX_VALUES: Final = 500
LONG: Final = 250
"""From this many values on their characters count as well."""
MAX_CHARACTERS: Final = 7_500


def with_typed_enum(schema: JsonObject) -> JsonObject:
    """The schema with its values under their type; values of several types, or too many, become branches.

    There is no `anyOf` beside the values.
    """
    values = schema.get("enum")
    if not isinstance(values, list) or _is_taken(schema, values):
        return schema
    allowed = kinds_of_type(schema.get("type"))
    has_fractions = "fraction" in allowed and any(kind_of(value) == "number" for value in values)
    groups: dict[str, list[object]] = {}
    for value in values:
        if kinds_of_value(value) <= allowed:
            kind = kind_of(value)
            groups.setdefault("number" if has_fractions and kind == "integer" else kind, []).append(value)
    rest = {word: value for word, value in schema.items() if word not in {"type", "enum"}}
    branches: list[JsonObject] = [
        {"type": kind, "enum": found[start : start + LONG]}
        for kind, found in groups.items()
        for start in range(0, len(found), LONG if _is_long(found) else len(found))
    ]
    if len(branches) == 1:
        return {**branches[0], **rest}
    return {**rest, "anyOf": branches} if branches else {**rest, "type": schema.get("type", "null"), "not": {}}


def _is_taken(schema: JsonObject, values: list[object]) -> bool:
    """Whether the validator takes the enumeration as it is."""
    kind = schema.get("type")
    names = [kind] if isinstance(kind, str) else strings(kind)
    is_one = len(names) == 1 or (len(names) == 2 and "null" in names and not {"object", "array"} & set(names))
    allowed = kinds_of_type(kind)
    return (
        is_one and bool(values) and not _is_long(values) and all(kinds_of_value(value) <= allowed for value in values)
    )


def _is_long(values: list[object]) -> bool:
    return len(values) > MAX_VALUES or (
        len(values) > LONG and sum(len(str(value)) for value in values) > MAX_CHARACTERS
    )
