"""JSON Schemas of tools, as servers write them: any keyword anywhere, careless types, references to anything.

Only under keywords that nobody knows there is nothing but plain values: what hosts make of schemas there is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench.fuzz.source import Source

_DEPTH: Final = 4
_TYPES: Final = ("object", "array", "string", "integer", "number", "boolean", "null", "any", "")
_NAMES: Final = ("a", "b", "type", "required", "$ref", "c/d", "")
_MAPS: Final = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems", "items")
_ONES: Final = ("items", "additionalProperties", "not", "if", "then", "contains", "propertyNames")
_REFERENCES: Final = ("#", "#/$defs/a", "#/definitions/a", "#/$defs/c~1d", "#/properties/a", "other.json", "#x", "")
_PATTERNS: Final = ("^a+$", "(?=a)b", "[", "\\d", "(a)\\1")
_NUMBERS: Final = ("minimum", "maximum", "minLength", "maxItems", "multipleOf", "exclusiveMinimum")
_PLAIN: Final = ("title", "description", "default", "format", "$schema", "$id", "$anchor", "x-new", "nullable", "const")


def schema(source: Source, *, depth: int = _DEPTH) -> object:
    """One schema, or what some server takes for one."""
    if source.chance(24):
        return source.pick((True, False, None, [], "string", 7))
    if depth == 0 or source.is_empty:
        return {"type": source.pick(_TYPES)}
    made: dict[str, object] = {}
    for _ in range(source.below(5)):
        _add(source, made, depth - 1)
    return made


def _add(source: Source, made: dict[str, object], depth: int) -> None:
    match source.below(10):
        case 0 | 1:
            made["type"] = source.pick(_TYPES) if source.chance(3) else [source.pick(_TYPES), source.pick(_TYPES)]
        case 2 | 3:
            names = [source.pick(_NAMES) for _ in range(source.below(4))]
            made[source.pick(_MAPS)] = {name: schema(source, depth=depth) for name in names}
        case 4:
            made[source.pick(_LISTS)] = [schema(source, depth=depth) for _ in range(source.below(4))]
        case 5:
            made[source.pick(_ONES)] = schema(source, depth=depth)
        case 6:
            made["$ref"] = source.pick(_REFERENCES)
        case 7:
            made["required"] = [source.pick(_NAMES) for _ in range(source.below(3))]
        case 8:
            made["enum"] = [source.value(_NAMES, depth=1) for _ in range(source.below(4))]
        case _ if source.chance(2):
            made["pattern"] = source.pick(_PATTERNS)
            made[source.pick(_NUMBERS)] = source.pick((0, 1, -1, 0.5, "1", None))
        case _:
            made[source.pick(_PLAIN)] = source.pick((*_TYPES, None, 1, True))
