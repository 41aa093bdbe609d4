"""Where schemas stand inside a schema, in the words of draft 2020-12."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimi_cli.wire.foreign import JsonObject

MAPS: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose value maps names to schemas; the names are not keywords, whatever they look like."""
LISTS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
ONES: Final = frozenset(
    {
        *("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "contentSchema"),
        *("unevaluatedProperties", "unevaluatedItems"),
    }
)
ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"}
)
"""Keywords that allow and forbid nothing."""


def rebuilt(schema: JsonObject, each: Callable[[object, str], object]) -> JsonObject:
    """A copy with `each(inner, keyword)` in the place of every schema directly inside, booleans included."""
    fresh: JsonObject = {}
    for word, value in schema.items():
        if word in MAPS and isinstance(value, dict):
            fresh[word] = {name: each(inner, word) for name, inner in value.items()}
        elif word in LISTS and isinstance(value, list):
            fresh[word] = [each(inner, word) for inner in value]
        elif word in ONES:
            fresh[word] = each(value, word)
        else:
            fresh[word] = value
    return fresh


def inside(schema: JsonObject) -> Iterator[tuple[str, object]]:
    """Every schema directly inside, behind the keyword that it stands under."""
    for word, value in schema.items():
        if word in MAPS and isinstance(value, dict):
            yield from ((word, inner) for inner in value.values())
        elif word in LISTS and isinstance(value, list):
            yield from ((word, inner) for inner in value)
        elif word in ONES:
            yield word, value


def everywhere(schema: object) -> Iterator[JsonObject]:
    """Every schema inside `schema`, itself first; booleans are passed over."""
    if isinstance(schema, dict):
        yield schema
        for _, inner in inside(schema):
            yield from everywhere(inner)


def noted(schema: JsonObject, sentence: str) -> JsonObject:
    """The schema with a sentence added to its description, for what it can no longer say itself."""
    said = schema.get("description")
    return {**schema, "description": f"{said} {sentence}" if isinstance(said, str) and said else sentence}
