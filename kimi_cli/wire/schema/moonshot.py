"""Moonshot's restricted JSON Schema, "MFJS", and how any schema gets there.

Its validator, walle, is public. The rules here are those that any of its versions of 2026 enforces on the API; what it
does not know it passes over, so that `allOf` is the place for whatever has to hold but cannot stand where it stood.

- There is an object at the root, and no `anyOf` beside its type.
- `type` never stands beside `anyOf` or `$ref`, and no keyword in a schema and in a branch of its `anyOf` as well.
- Every schema that it reads has a type, a reference or branches, and is an object; `items` is one schema for all items.
- What is required is defined; `enum` has a type, and one type of values.
- References are `#` or `#/$defs/NAME`, and say nothing that the definition says too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import a_string, an_int, an_object
from kimi_cli.wire.schema.enums import with_typed_enum
from kimi_cli.wire.schema.kinds import ALL, NONE, as_type, kinds, kinds_of_type, meant
from kimi_cli.wire.schema.objects import also, guards_unevaluated, undefined, with_defined, without_reserved
from kimi_cli.wire.schema.places import ANNOTATIONS, everywhere, rebuilt
from kimi_cli.wire.schema.references import DEFINITION

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.schema.kinds import Kinds

READ: Final = frozenset({"properties", "$defs", "items", "additionalProperties", "anyOf"})
"""Keywords under which the validator looks at schemas."""
_BRANCH_OWN: Final = frozenset({"anyOf", "title", "description"})
"""What may stand in a schema and in the branches of its `anyOf` alike."""
_ROOT_OWN: Final = frozenset({"$ref", "$defs"})


def restricted_form(root: JsonObject) -> JsonObject:
    """The schema in the restricted form. Its references are `#` or `#/$defs/NAME`, its type is `object`."""
    return _Restricted(root).form()


class _Restricted:
    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._definitions = an_object(root.get("$defs"))
        self._is_guarded = guards_unevaluated(root)
        self._is_own_part = any(node.get("$ref") == "#" for node in everywhere(root))
        self._kinds_of: dict[str, Kinds] = {}
        self._learn_kinds()

    def form(self) -> JsonObject:
        return self._fitted(self._root, is_read=True, is_meant=not self._is_own_part)

    def _fitted(self, node: JsonObject, *, is_read: bool, is_meant: bool) -> JsonObject:
        """A schema in the restricted form.

        Where `is_read`, the validator looks at it. Where `is_meant`, it may be taken for what its keywords speak of:
        it then allows less than it says, which is safe where nothing turns it around, as `not` does.
        """
        original, is_root = node, node is self._root
        node = self._without_siblings(node, is_read=is_read, is_root=is_root)
        node = self._with_bare_choice(node, is_root=is_root)
        if is_read:
            node = _without_tuple_rest(node)
            if "enum" in node and "anyOf" in node:
                node = _apart(node)
            node = with_typed_enum(node)
            if missing := undefined(node):
                node = with_defined(node, missing, is_guarded=self._is_guarded)
            node = without_reserved(node)

        def each(inner: object, word: str) -> object:
            inner_read = is_read and word in READ
            if word == "additionalProperties" and not inner:
                return inner
            if isinstance(inner, dict):
                return self._fitted(inner, is_read=inner_read, is_meant=is_meant and word != "$defs")
            must_be_object = word != "additionalProperties" and (inner_read or word in {"items", "anyOf"})
            if not isinstance(inner, bool) or not must_be_object:
                return inner
            plain: JsonObject = {} if inner else {"not": {}}
            return self._fitted(plain, is_read=inner_read, is_meant=False)

        fresh = rebuilt(node, each)
        if "anyOf" in fresh and _has_conflict(fresh):
            fresh = _apart(fresh)
        return self._with_type(fresh, original, is_meant=is_meant) if is_read else fresh

    def _target(self, ref: str) -> object:
        return self._root if ref == "#" else self._definitions.get(ref.removeprefix(DEFINITION))

    def _learn_kinds(self) -> None:
        """The kinds of everything that can be referred to: at first all, then without what can be excluded."""
        targets = {"#": self._root, **{DEFINITION + name: inner for name, inner in self._definitions.items()}}
        found = {ref: self._kinds(target) for ref, target in targets.items()}
        while found != self._kinds_of:
            self._kinds_of = found
            found = {ref: self._kinds(target) for ref, target in targets.items()}

    def _kinds(self, schema: object) -> Kinds:
        return kinds(schema, lambda ref: self._kinds_of.get(ref, ALL))

    def _without_siblings(self, node: JsonObject, *, is_read: bool, is_root: bool) -> JsonObject:
        """A reference without keywords beside it that the validator minds."""
        ref = a_string(node.get("$ref"))
        siblings = node.keys() - (_ROOT_OWN if is_root else {"$ref"})
        target = an_object(self._target(ref))
        minded = {"type", "description", "anyOf", *target, *(("enum",) if is_read else ())}
        if not ref or not siblings & minded:
            return node
        rest = {word: value for word, value in node.items() if word != "$ref"}
        if not is_root and "type" in rest and self._kinds(target) <= kinds_of_type(rest["type"]):
            untyped = {word: value for word, value in node.items() if word != "type"}
            return self._without_siblings(untyped, is_read=is_read, is_root=is_root)
        if siblings <= ANNOTATIONS and not is_root:
            return {**rest, "anyOf": [{"$ref": ref}]}
        return also(rest, {"$ref": ref})

    def _with_bare_choice(self, node: JsonObject, *, is_root: bool) -> JsonObject:
        """A choice without `type` beside it: it moves into the branches where nothing else is said, else they move."""
        branches = node.get("anyOf")
        if "type" not in node or not isinstance(branches, list):
            return node
        if is_root or not node.keys() <= {"type", "anyOf", *ANNOTATIONS}:
            return _apart(node)
        allowed = kinds_of_type(node["type"])
        possible = [self._narrowed(branch, node["type"]) for branch in branches if self._kinds(branch) & allowed]
        rest = {word: value for word, value in node.items() if word not in {"type", "anyOf"}}
        return {**rest, "anyOf": possible} if possible else {**rest, "not": {}}

    def _narrowed(self, branch: object, names: object) -> JsonObject:
        """A branch that allows only values of these types besides."""
        own = an_object(branch)
        allowed = kinds_of_type(names)
        if self._kinds(branch) <= allowed:
            return own
        both = kinds_of_type(own["type"]) & allowed if "type" in own else NONE
        return {**own, "type": as_type(both)} if both else {"type": names, **own}

    def _with_type(self, node: JsonObject, original: JsonObject, *, is_meant: bool) -> JsonObject:
        """A schema that says of which type its values are, as all must but `additionalProperties: {}`."""
        if not node.keys().isdisjoint({"type", "$ref", "anyOf"}):
            return node
        possible = self._kinds(original)
        if is_meant and meant(node) & possible:
            possible &= meant(node)
        return {"type": as_type(possible) if possible else "null", **node}


def _has_conflict(node: JsonObject) -> bool:
    branches = node["anyOf"] if isinstance(node["anyOf"], list) else []
    return "type" in node or any(an_object(branch).keys() & node.keys() - _BRANCH_OWN for branch in branches)


def _apart(node: JsonObject) -> JsonObject:
    """The choice as a part of the schema, where it does not get in the way of what stands beside it."""
    return also({word: value for word, value in node.items() if word != "anyOf"}, {"anyOf": node["anyOf"]})


def _without_tuple_rest(node: JsonObject) -> JsonObject:
    """A tuple without `items`, which the host holds against every item, and not only against those behind the tuple."""
    items = node.get("items")
    tuple_ = node.get("prefixItems")
    length = len(tuple_) if isinstance(tuple_, list) else 0
    fresh = {word: value for word, value in node.items() if word != "items"}
    if items is False or items == {"not": {}}:
        limit = an_int(node.get("maxItems"))
        return {**fresh, "maxItems": length if limit is None else min(limit, length)}
    if not isinstance(tuple_, list) or "items" not in node:
        return node
    if items in (True, {}):
        return fresh
    return also(fresh, {"prefixItems": [True] * length, "items": items})
