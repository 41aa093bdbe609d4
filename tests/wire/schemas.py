"""JSON Schemas and values for them, by chance: what servers might write, and what models might answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jsonschema
from hypothesis import assume
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPES: Final = ("string", "integer", "number", "null", "array", "object", "boolean")
NAMES: Final = ("a", "b", "type", "required")
_DEEPEST: Final = 3

_type = st.sampled_from(TYPES)
_name = st.sampled_from(NAMES)
_few_names = st.lists(_name, max_size=2, unique=True)
_count = st.integers(0, 2)
_dice = st.integers(0, 9)
_scalars = st.sampled_from([None, True, False, -1, 0, 1, 2, 0.5, 1.0, "", "a", "abc"])
values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_name, inner, max_size=3),
    max_leaves=4,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft: where it keeps definitions, how it writes tuples, and who judges."""

    name: str
    definitions: str
    judge: type[jsonschema.protocols.Validator]
    is_old: bool

    def allows(self, schema: Any, value: Any) -> bool:
        """Whether the schema allows the value."""
        return self.judge(schema).is_valid(value)


MODERN: Final = Draft("draft 2020-12", "$defs", jsonschema.Draft202012Validator, is_old=False)
OLD: Final = Draft("draft 7", "definitions", jsonschema.Draft7Validator, is_old=True)


@st.composite
def documents(draw: st.DrawFn, draft: Draft, *, is_typed: bool = False) -> dict[str, Any]:
    """A whole schema, with definitions that refer to each other. In a typed one every schema has a type.

    Drafts differ in what stands beside a `$ref`: one with such keywords says which it is, others may.
    """
    maker = _Maker(draw, draft, is_typed=is_typed)
    root: dict[str, Any] = maker.keywords({"type": "object"} if is_typed or draw(_dice) else {}, depth=0)
    root["properties"] = {"a": maker.schema(depth=1), **maker.properties(depth=0)}
    names = ("a", "b", "c/d") if draw(_dice) == 0 else ("a", "b")
    root[draft.definitions] = {name: maker.schema(depth=1) for name in names}
    assume(all(_is_grounded(node, root, seen=()) for node in _nodes(root)))
    if draft.is_old and (draw(st.booleans()) or any("$ref" in node and len(node) > 1 for node in _nodes(root))):
        root["$schema"] = "http://json-schema.org/draft-07/schema#"
    return root


@st.composite
def objects_for(draw: st.DrawFn, schema: Any) -> dict[str, Any]:
    """An object, most of the time made after a schema."""
    value = _Answerer(draw, schema).answer(schema, depth=0)
    return value if isinstance(value, dict) else {}


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(inner)


def _is_grounded(schema: Any, root: Any, *, seen: tuple[str, ...]) -> bool:
    """Whether judging a value comes to an end: a schema that refers to itself on the spot has no meaning."""
    if not isinstance(schema, dict):
        return True
    ref = schema.get("$ref")
    if ref in seen:
        return False
    parts = [schema[word] for word in ("not", "if", "then", "else") if word in schema]
    parts += [
        *_branches(schema),
        *schema.get("dependentSchemas", {}).values(),
        *schema.get("dependencies", {}).values(),
    ]
    return all(_is_grounded(part, root, seen=seen) for part in parts) and (
        not isinstance(ref, str) or _is_grounded(_at(ref, root), root, seen=(*seen, ref))
    )


def _at(ref: str, root: Any) -> Any:
    found = root
    for token in ref.split("/")[1:]:
        found = found.get(token, {}) if isinstance(found, dict) else {}
    return found


class _Maker:
    """Writes schemas, a few keywords each."""

    def __init__(self, draw: st.DrawFn, draft: Draft, *, is_typed: bool) -> None:
        self._draw, self._draft, self._is_typed = draw, draft, is_typed
        self._words = st.lists(st.sampled_from(_OLD if draft.is_old else _MODERN), max_size=3, unique=True)
        self._places = st.sampled_from([f"#/{draft.definitions}/a", f"#/{draft.definitions}/b", "#/properties/a", "#"])

    def schema(self, *, depth: int) -> Any:
        roll = self._draw(_dice)
        if roll == 0 and not self._is_typed:
            return self._draw(st.booleans())
        if roll == 1:
            siblings = {} if self._is_typed else self._draw(_SIBLINGS)
            return {"$ref": self._draw(self._places), **siblings}
        typed: dict[str, Any] = {}
        if self._is_typed:
            typed["type"] = self._draw(_type)
        elif roll < 8:
            typed["type"] = self._draw(_type if roll < 6 else st.lists(_type, min_size=1, max_size=3, unique=True))
        return self.keywords(typed, depth=depth)

    def keywords(self, schema: dict[str, Any], *, depth: int) -> dict[str, Any]:
        for word in self._draw(self._words):
            if word in _PLAIN:
                schema[word] = self._draw(_PLAIN[word])
            elif depth < _DEEPEST:
                self._place(schema, word, depth=depth + 1)
        return schema

    def properties(self, *, depth: int) -> dict[str, Any]:
        return {name: self.schema(depth=depth + 1) for name in self._draw(_few_names)}

    def _place(self, schema: dict[str, Any], word: str, *, depth: int) -> None:
        if word in ("properties", "dependentSchemas", "patternProperties"):
            names = ["^a"] if word == "patternProperties" else self._draw(_few_names)
            schema[word] = {name: self.schema(depth=depth) for name in names}
        elif word == "dependencies":
            schema[word] = {"a": self._draw(_few_names), "b": self.schema(depth=depth)}
        elif word == "tuple":
            first, rest = ("items", "additionalItems") if self._draft.is_old else ("prefixItems", "items")
            schema[first] = [self.schema(depth=depth) for _ in range(1 + self._draw(_count))]
            if self._draw(_dice) < 6:
                schema[rest] = self.schema(depth=depth)
        elif word in ("anyOf", "oneOf", "allOf"):
            schema[word] = [self.schema(depth=depth) for _ in range(1 + self._draw(_count))]
        else:
            schema[word] = self.schema(depth=depth)
        if isinstance(schema.get("items"), bool):
            schema.pop("additionalItems", None)  # it means nothing there, and the judge breaks on it


_PLAIN: Final[dict[str, st.SearchStrategy[Any]]] = {
    "minLength": _count,
    "minimum": st.integers(-1, 2),
    "minItems": _count,
    "maxItems": _count,
    "enum": st.lists(values, min_size=1, max_size=3),
    "const": values,
    "required": _few_names,
    "dependentRequired": st.dictionaries(_name, _few_names, max_size=1),
    "description": st.just("What it is."),
    "default": values,
}
_BOTH: Final = (
    *("minLength", "minimum", "minItems", "maxItems", "enum", "const", "required", "description", "default"),
    *("anyOf", "anyOf", "oneOf", "allOf", "not", "if", "then", "else", "properties", "properties", "propertyNames"),
    *("additionalProperties", "patternProperties", "items", "tuple", "contains"),
)
_OLD: Final = (*_BOTH, "dependencies")
_MODERN: Final = (*_BOTH, "dependentRequired", "dependentSchemas", "unevaluatedProperties")
_SIBLINGS: Final = st.sampled_from(
    [{}, {"description": "d"}, {"default": 1}, {"minLength": 1}, {"type": "string"}, {"enum": ["a", 1]}]
)


class _Answerer:
    """Makes a value after a schema, now and then in spite of it."""

    def __init__(self, draw: st.DrawFn, root: Any) -> None:
        self._draw, self._root = draw, root

    def answer(self, schema: Any, *, depth: int) -> Any:
        if not isinstance(schema, dict) or depth > 2 * _DEEPEST or self._draw(_dice) == 0:
            return self._draw(values)
        for pick in (_branches, self._target):
            if (found := pick(schema)) and self._draw(_dice) < 7:
                return self.answer(found[self._draw(_count) % len(found)], depth=depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][self._draw(_count) % len(schema["enum"])]
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = kind[self._draw(_count) % len(kind)]
        match kind:
            case "object" | None:
                return self._object(schema, depth=depth + 1)
            case "array":
                return self._array(schema, depth=depth + 1)
            case _:
                return self._draw(_OF_TYPE[kind])

    def _object(self, schema: dict[str, Any], *, depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        names = [*schema.get("required", ()), *self._draw(_few_names)]
        names += [name for name in properties if self._draw(_dice) < 5]
        other = schema.get("additionalProperties", True)
        return {name: self.answer(properties.get(name, other), depth=depth) for name in dict.fromkeys(names)}

    def _array(self, schema: dict[str, Any], *, depth: int) -> list[Any]:
        rest = schema.get("items", True)
        leading = rest if isinstance(rest, list) else schema.get("prefixItems", [])
        parts = [*leading, *[schema.get("additionalItems", True) if isinstance(rest, list) else rest] * 2]
        return [self.answer(part, depth=depth) for part in parts[: self._draw(st.integers(0, len(parts)))]]

    def _target(self, schema: dict[str, Any]) -> list[Any]:
        return [_at(schema["$ref"], self._root)] if "$ref" in schema else []


_OF_TYPE: Final[dict[str, st.SearchStrategy[Any]]] = {
    "string": st.sampled_from(["", "a", "abc"]),
    "integer": st.integers(-2, 3),
    "number": st.sampled_from([0.5, 1.0, -1, 2]),
    "null": st.none(),
    "boolean": st.booleans(),
}


def _branches(schema: dict[str, Any]) -> list[Any]:
    return [branch for word in ("anyOf", "oneOf", "allOf") for branch in schema.get(word, ())]
