"""Schemas of any draft as schemas of draft 2020-12, without what is no schema in any draft.

Servers write what their libraries write: tuples as a list in `items`, `exclusiveMinimum: true`, an empty list where
PHP means an empty object. What has a meaning in an older draft keeps it; a keyword whose value has the wrong form has
none, and goes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import dumps_text
from kimi_cli.wire.foreign import a_number, an_int, an_object, strings
from kimi_cli.wire.schema.kinds import TYPES
from kimi_cli.wire.schema.places import ANNOTATIONS, LISTS, MAPS, ONES, noted, rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimi_cli.wire.foreign import JsonObject

_ANCHOR: Final = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")
_ID: Final = re.compile(rf"[^#]*#?|#{_ANCHOR.pattern}")
_REF_STANDS_ALONE: Final = re.compile(r"https?://json-schema\.org/draft-0[3467]/(hyper-)?schema#?")
"""The drafts in which keywords beside a `$ref` say nothing. From 2019-09 on, they count as any other."""
BESIDE_A_REF: Final = ANNOTATIONS | {"$ref", "definitions", "$defs", "$id"}
"""What is kept beside it all the same: it forbids nothing, and there may be references into it."""


def modern(schema: JsonObject) -> JsonObject:
    """The schema in the words of draft 2020-12. It names no `$schema`, which hosts refuse or would have to fetch.

    One that does not say its draft is read as draft 2020-12, which is what MCP takes it for, and what is written in
    the words of an older one alone, as in that one.
    """
    fresh = {word: value for word, value in schema.items() if word != "$schema" and _is_formed(word, value)}
    fresh = _with_types(schema, fresh)
    if any(word in fresh for word in _OLD):
        fresh = _translated(fresh)
    if isinstance(properties := fresh.get("properties"), dict):
        # Draft 3, and many a server by mistake: a property that says itself that it is required.
        asked = [name for name, inner in properties.items() if an_object(inner).get("required") is True]
        if asked:
            fresh["required"] = _names([*strings(fresh.get("required")), *asked])
    return rebuilt(fresh, _modern_inside)


def ref_stands_alone(schema: JsonObject) -> bool:
    """Whether the schema names a draft in which keywords beside a `$ref` say nothing."""
    draft = schema.get("$schema")
    return isinstance(draft, str) and _REF_STANDS_ALONE.fullmatch(draft) is not None


_OLD: Final = (
    *("items", "additionalItems", "dependencies", "exclusiveMinimum", "exclusiveMaximum", "required"),
    *("dependentRequired", "$ref", "$id", "$recursiveRef", "anyOf", "oneOf", "allOf", "prefixItems"),
)
"""Keywords that other drafts, or careless hands, write in another way."""


def _modern_inside(inner: object, word: str) -> object:
    if isinstance(inner, dict):
        return modern(inner)
    return inner if isinstance(inner, bool) else {} if word in MAPS else True


def _with_types(schema: JsonObject, fresh: JsonObject) -> JsonObject:
    """`type` with the names that it knows. One that is no type is kept in words: it was meant for somebody."""
    if "type" not in schema or "type" in fresh:
        return fresh
    kind = schema["type"]
    known = list(dict.fromkeys(name for name in strings(kind) if name in TYPES))
    if known:
        return {"type": known, **fresh}
    return fresh if kind in (None, [], "any") else noted(fresh, f"Its type is {dumps_text(kind)}.")


def _translated(schema: JsonObject) -> JsonObject:
    fresh: JsonObject = {}
    for word, value in schema.items():
        match word, value:
            case (("items" | "additionalItems"), _):
                fresh |= _items(word, value, schema)
            case "dependencies", dict():
                for name, needed in value.items():
                    is_list = isinstance(needed, list)
                    kind, needs = ("dependentRequired", _names(needed)) if is_list else ("dependentSchemas", needed)
                    fresh[kind] = {name: needs, **an_object(fresh.get(kind))}
            case (("exclusiveMinimum" | "exclusiveMaximum"), bool()):
                limit = word.removeprefix("exclusive").lower()
                if value and limit in schema:
                    fresh[word] = schema[limit]
            case "required", list():
                fresh[word] = _names(value)
            case "dependentRequired", dict():
                fresh[word] = {**an_object(fresh.get(word)), **{name: _names(value[name]) for name in value}}
            case "$ref", "":
                fresh[word] = "#"
            case "$id", str() if value.startswith("#") and value != "#":
                fresh["$anchor"] = value[1:]
            case "$recursiveRef", _:
                fresh.setdefault("$ref", value)
            case _ if word in LISTS and isinstance(value, list):
                fresh[word] = [item for item in value if isinstance(item, dict | bool)]
            case _:
                fresh[word] = value
    return {word: value for word, value in fresh.items() if not (word in LISTS and value == [])}


def _names(value: object) -> list[str]:
    return list(dict.fromkeys(strings(value)))


def _items(word: str, value: object, schema: JsonObject) -> JsonObject:
    """A list in `items` as a tuple; `additionalItems` is what follows one, and means nothing where there is none."""
    if word == "additionalItems":
        return {}
    if not isinstance(value, list):
        return {word: value}
    leading = [item for item in value if isinstance(item, dict | bool)]
    rest = {"items": schema["additionalItems"]} if "additionalItems" in schema else {}
    return {**({"prefixItems": leading} if leading and "prefixItems" not in schema else {}), **rest}


def _is_formed(word: str, value: object) -> bool:
    """Whether a keyword's value has a form that some draft gives it."""
    if word in MAPS or word in {"dependencies", "dependentRequired"}:
        return isinstance(value, dict)
    if word in LISTS:
        return isinstance(value, list)
    if word in ONES:
        return isinstance(value, dict | bool) or (word == "items" and isinstance(value, list))
    check = _FORMS.get(word)
    return check is None or check(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_limit(value: object) -> bool:
    return a_number(value) is not None


def _is_count(value: object) -> bool:
    return (an_int(value) or 0) >= 0 and an_int(value) is not None


def _is_type(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and len(strings(value)) == len(set(strings(value))) == len(value) and set(value) <= TYPES
    return value in TYPES if isinstance(value, str) else False


_FORMS: Final[dict[str, Callable[[object], bool]]] = {
    "type": _is_type,
    "required": _is_list,
    **dict.fromkeys(("enum", "examples"), _is_list),
    **dict.fromkeys(("title", "description", "pattern", "format", "$comment", "contentEncoding"), _is_text),
    **dict.fromkeys(("$ref", "$dynamicRef", "$recursiveRef", "contentMediaType"), _is_text),
    "$id": lambda value: isinstance(value, str) and _ID.fullmatch(value) is not None,
    **dict.fromkeys(
        ("$anchor", "$dynamicAnchor"), lambda value: isinstance(value, str) and _ANCHOR.fullmatch(value) is not None
    ),
    "$vocabulary": lambda value: isinstance(value, dict) and all(isinstance(flag, bool) for flag in value.values()),
    **dict.fromkeys(("uniqueItems", "deprecated", "readOnly", "writeOnly", "$recursiveAnchor"), _is_flag),
    **dict.fromkeys(("minimum", "maximum"), _is_limit),
    **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), lambda value: _is_limit(value) or _is_flag(value)),
    "multipleOf": lambda value: (a_number(value) or 0) > 0,
    **dict.fromkeys(
        (
            *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
            *("minContains", "maxContains"),
        ),
        _is_count,
    ),
}
