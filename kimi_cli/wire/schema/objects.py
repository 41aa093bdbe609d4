"""What a schema requires, and hosts want to see defined beside it.

To require a property that `properties` does not name is good JSON Schema: it is then up to `additionalProperties` and
`patternProperties` what it may be. Defining it takes it away from them, so that the definition has to say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import an_object, strings
from kimi_cli.wire.schema.places import everywhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimi_cli.wire.foreign import JsonObject

RESERVED: Final = frozenset({"$defs", "$ref", "anyOf", "required", "additionalProperties"})
"""Names that Moonshot's validator takes for keywords wherever they stand."""
_OPEN: Final[tuple[object, ...]] = (None, True, {})


def guards_unevaluated(root: JsonObject) -> bool:
    """Whether anything in a schema asks which properties other parts of it have looked at."""
    return any("unevaluatedProperties" in node for node in everywhere(root))


def undefined(schema: JsonObject) -> list[str]:
    """What a schema requires and does not define."""
    return [name for name in strings(schema.get("required")) if name not in an_object(schema.get("properties"))]


def with_defined(schema: JsonObject, names: Sequence[str], *, is_guarded: bool) -> JsonObject:
    """The schema with a definition of these required properties, that allows exactly what was allowed.

    Where it is `is_guarded`, a part of the schema would take a definition for a permission; it is hidden from it.
    """
    additional = schema.get("additionalProperties")
    if not is_guarded and not schema.get("patternProperties"):
        value: object = {} if additional in _OPEN else additional
        return {**schema, "properties": {**an_object(schema.get("properties")), **dict.fromkeys(names, value)}}
    part: JsonObject = {"properties": {name: {} for name in names}, "required": list(names)}
    kept = [name for name in strings(schema.get("required")) if name not in names]
    fresh = {**schema, "required": kept} if kept else {word: schema[word] for word in schema if word != "required"}
    return also(fresh, {"not": {"not": part}} if is_guarded else part)


def without_reserved(schema: JsonObject) -> JsonObject:
    """The schema with the properties that have reserved names apart, where the validator does not look."""
    properties = an_object(schema.get("properties"))
    apart = [name for name in properties if name in RESERVED]
    if not apart:
        return schema
    part: JsonObject = {"properties": {name: properties[name] for name in apart}}
    kept = {name: inner for name, inner in properties.items() if name not in apart}
    fresh: JsonObject = {**schema, "properties": kept}
    required = strings(schema.get("required"))
    if asked := [name for name in required if name in apart]:
        part["required"] = asked
        fresh["required"] = [name for name in required if name not in apart]
    if schema.get("additionalProperties") not in _OPEN:
        # What is additional depends on what is named beside it, so it moves along, and takes all the names with it.
        part["properties"] = {**dict.fromkeys(kept, True), **an_object(part["properties"])}
        part["additionalProperties"] = fresh.pop("additionalProperties")
        if patterns := an_object(schema.get("patternProperties")):
            part["patternProperties"] = dict.fromkeys(patterns, True)
    return also(fresh, part)


def also(schema: JsonObject, part: object) -> JsonObject:
    """The schema with another part that has to hold as well."""
    others = schema.get("allOf")
    return {**schema, "allOf": [*(others if isinstance(others, list) else []), part]}
