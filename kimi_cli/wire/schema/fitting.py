"""A tool's input schema as a host accepts it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import dumps, loads
from kimi_cli.wire.foreign import a_string, an_object
from kimi_cli.wire.schema.common import common_form
from kimi_cli.wire.schema.draft import modern, ref_stands_alone
from kimi_cli.wire.schema.kinds import kinds_of_type
from kimi_cli.wire.schema.limits import over_limit, with_ends
from kimi_cli.wire.schema.moonshot import restricted_form
from kimi_cli.wire.schema.places import ANNOTATIONS, everywhere, rebuilt
from kimi_cli.wire.schema.references import DEFINITION, References, with_definitions, without_dangling

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

KEPT: Final = 512
"""Schemas that are remembered: the same ones come with every request of a session, and are the same for all."""
_ROUNDS: Final = 8
"""How often a repair may make another one necessary. Two are usual, for the last one changes nothing."""
_LOCAL: Final = frozenset({"$id", "$anchor", "$dynamicAnchor", "$defs", "definitions"})


class UnfitSchemaError(Exception):
    """No schema that the host accepts says what this one says; `reason` completes "left out, because"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def for_host(schema: object, *, restricted: bool) -> JsonObject:
    """The schema in Moonshot's `restricted` form, or in the one that other hosts accept.

    The argument is left as it is. The result belongs to everybody who asked for the same, and must be left so too.

    Raises:
        UnfitSchemaError: there is no such schema.
    """
    try:
        fitted = _remembered(dumps(an_object(schema)), restricted)
    except RecursionError:
        fitted = "its schema is nested too deeply"
    if isinstance(fitted, str):
        raise UnfitSchemaError(fitted)
    return fitted


@lru_cache(maxsize=KEPT)
def _remembered(data: bytes, restricted: bool) -> JsonObject | str:  # noqa: FBT001 - a key of the cache
    """The schema, or why there is none. JSON is the key, so that two tools are one only where they are the same."""
    given = an_object(loads(data))
    schema = modern(given)
    if "object" not in kinds_of_type(schema.get("type")):
        return "its input is not an object"
    if ref_stands_alone(given):
        schema = without_dangling(schema, ref_is_alone=True)
    schema = without_dangling(schema)  # what stood beside a reference may have been referred to
    if restricted or "type" not in schema:
        schema = _inlined(schema)
    schema = _as_object(_apart_from_itself(schema))
    if not restricted:
        return common_form(schema)
    ending = with_ends(_restricted(with_definitions(schema)))
    if ending is None:
        return "its input would have to hold itself without end"
    # What has no end allows nothing now, and other schemas may have been referring to it.
    ending = _restricted(ending)
    return over_limit(ending) or ending


def _restricted(schema: JsonObject) -> JsonObject:
    """The restricted form, in which there is nothing left to repair."""
    for _ in range(_ROUNDS):
        fitted = restricted_form(schema)
        if fitted == schema:
            break
        schema = fitted
    return schema


def _as_object(schema: JsonObject) -> JsonObject:
    """The schema of an object that says so, and has properties, which some hosts look for."""
    if schema.get("type") != "object":
        schema = {"type": "object", **{word: value for word, value in schema.items() if word != "type"}}
    return schema if "properties" in schema else {**schema, "properties": {}}


def _apart_from_itself(root: JsonObject) -> JsonObject:
    """The schema with a definition of itself, where it refers to itself and is not only about objects.

    As a tool's input it will be, but what is inside it need not.
    """
    references = References(root)

    def is_self(node: JsonObject) -> bool:
        ref = a_string(node.get("$ref"))
        return bool(ref) and references.target(ref, node) is root

    if root.get("type") == "object" or not any(map(is_self, everywhere(root))):
        return root
    name = "self"
    while name in an_object(root.get("$defs")):
        name += "_"

    def each(inner: object, _: str) -> object:
        if not isinstance(inner, dict):
            return inner
        fresh = rebuilt(inner, each)
        return {**fresh, "$ref": DEFINITION + name} if is_self(inner) else fresh

    fresh = an_object(each(root, ""))
    own = {word: value for word, value in fresh.items() if word not in _LOCAL}
    return {**fresh, "$defs": {**an_object(fresh.get("$defs")), name: own}}


def _inlined(root: JsonObject) -> JsonObject:
    """The schema with its properties at the root, where the root itself is a reference to them."""
    seen: set[str] = set()
    while (ref := a_string(root.get("$ref"))) and ref not in seen:
        seen.add(ref)
        references = References(root)
        target = references.target(ref, root)
        rest = {word: value for word, value in root.items() if word != "$ref"}
        if not isinstance(target, dict) or target is root or references.base(target) != references.base(root):
            break
        own = {word: value for word, value in target.items() if word not in _LOCAL}
        if any(word in own and own[word] != rest[word] for word in rest.keys() - ANNOTATIONS):
            break
        root = {**own, **rest}
    return root
