"""The types of the values that a schema can allow.

`number` is taken apart into whole numbers and fractions, so that types are sets and `integer` is a part of `number`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from kimi_cli.wire.foreign import objects, strings

if TYPE_CHECKING:
    from collections.abc import Callable

Kinds: TypeAlias = frozenset[str]

_PARTS: Final[dict[str, Kinds]] = {
    "string": frozenset({"string"}),
    "number": frozenset({"whole", "fraction"}),
    "integer": frozenset({"whole"}),
    "boolean": frozenset({"boolean"}),
    "object": frozenset({"object"}),
    "array": frozenset({"array"}),
    "null": frozenset({"null"}),
}
TYPES: Final = frozenset(_PARTS)
"""The names that `type` knows."""
ALL: Final[Kinds] = frozenset().union(*_PARTS.values())
NONE: Final[Kinds] = frozenset()

_SPEAKS_OF: Final = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties"), "object"),
    **dict.fromkeys(("minProperties", "maxProperties", "propertyNames", "dependentRequired"), "object"),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"), "array"),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), "string"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}


def kinds_of_type(names: object) -> Kinds:
    """What `type` allows; everything where it is no type."""
    known = [_PARTS[name] for name in strings([names] if isinstance(names, str) else names) if name in _PARTS]
    return NONE.union(*known) if known else ALL


def kind_of(value: object) -> str:
    """The type of a value, as `type` names it; a float without a fraction is an integer."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
        case float() if not value.is_integer():
            return "number"
        case _:
            return "integer"


def as_type(kinds: Kinds) -> str | list[str]:
    """The value of `type` for these kinds, of which there is at least one. Fractions have no type for them alone."""
    known = kinds | {"whole"} if "fraction" in kinds else kinds
    names = [
        name for name, parts in _PARTS.items() if parts <= known and not (name == "integer" and "fraction" in known)
    ]
    return names[0] if len(names) == 1 else names


def kinds_of_value(value: object) -> Kinds:
    """The kind of a value."""
    name = kind_of(value)
    return frozenset({"fraction"}) if name == "number" else _PARTS[name]


def kinds(schema: object, of_reference: Callable[[str], Kinds]) -> Kinds:
    """The kinds that a schema may allow, never one too few. `of_reference` are those of what a `$ref` names."""
    if not isinstance(schema, dict):
        return NONE if schema is False else ALL
    found = kinds_of_type(schema.get("type"))
    if schema.get("not") in ({}, True):
        return NONE
    if isinstance(values := schema.get("enum"), list):
        found &= NONE.union(*map(kinds_of_value, values))
    if "const" in schema:
        found &= kinds_of_value(schema["const"])
    for word in ("anyOf", "oneOf"):
        if isinstance(branches := schema.get(word), list):
            found &= NONE.union(*(kinds(branch, of_reference) for branch in branches))
    for part in objects(schema.get("allOf")):
        found &= kinds(part, of_reference)
    if isinstance(ref := schema.get("$ref"), str):
        found &= of_reference(ref)
    return found


def meant(schema: object) -> Kinds:
    """The one type that all keywords of a schema speak of, where there is one; else everything."""
    spoken_of = {_SPEAKS_OF[word] for word in schema if word in _SPEAKS_OF} if isinstance(schema, dict) else set()
    return _PARTS[spoken_of.pop()] if len(spoken_of) == 1 else ALL
