"""References inside a schema: what they name, and the one form of them that the strictest host knows.

A server may refer to any place of its schema, by pointer, anchor or id. Moonshot knows `#` and `#/$defs/NAME`, with
`$defs` at the root. Nothing is fetched: a reference to what is not in the schema becomes a sentence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urldefrag, urljoin

from kimi_cli.wire.foreign import a_string, an_object
from kimi_cli.wire.schema.draft import BESIDE_A_REF, modern
from kimi_cli.wire.schema.places import everywhere, inside, noted, rebuilt

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

DEFINITION: Final = "#/$defs/"
_PLAIN: Final = re.compile(r"[^/~%]+")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_POSITION: Final = re.compile(r"0|[1-9][0-9]*")
_MISSING: Final = object()
_PLACES: Final = {"$ref", "$dynamicRef", "$defs", "definitions", "$anchor", "$dynamicAnchor", "$recursiveAnchor"}
"""Keywords that define or name places, which are other ones after a move."""


class References:
    """The references of one schema. Its parts are known by identity, so it has to stay as it is."""

    def __init__(self, root: JsonObject) -> None:
        self.root = root
        self._bases: dict[int, str] = {}
        self._resources: dict[str, JsonObject] = {}
        self._anchors: dict[str, JsonObject] = {}
        self._index(root, base="")
        self._resources.setdefault("", root)

    def target(self, ref: str, node: JsonObject) -> object:
        """The schema that `ref` means inside `node`; None where there is none."""
        uri, fragment = self.base(node), ref[1:]
        if not ref.startswith("#"):
            uri, fragment = urldefrag(_joined(uri, ref))
        if uri not in self._resources:
            return None
        if fragment and not fragment.startswith("/"):
            return self._anchors.get(f"{uri}#{fragment}")
        found = _at(self._resources[uri], fragment)
        return found if isinstance(found, dict | bool) else None

    def knows(self, node: JsonObject) -> bool:
        """Whether a schema stands where schemas stand, and not inside a keyword that nobody knows."""
        return id(node) in self._bases

    def base(self, node: JsonObject) -> str:
        """The URI against which the references of `node` are read; empty for the document's own."""
        return self._bases.get(id(node), "")

    def _index(self, node: JsonObject, *, base: str) -> None:
        own = a_string(node.get("$id"))
        if own:
            base = urldefrag(_joined(base, own)).url
            self._resources.setdefault(base, node)
        self._bases[id(node)] = base
        for word in ("$anchor", "$dynamicAnchor"):
            if name := a_string(node.get(word)):
                self._anchors.setdefault(f"{base}#{name}", node)
        for _, inner in inside(node):
            if isinstance(inner, dict):
                self._index(inner, base=base)


def without_dangling(root: JsonObject, *, ref_is_alone: bool = False) -> JsonObject:
    """The schema with a sentence in the place of every reference to what is not in it.

    Where `ref_is_alone`, what stands beside a reference goes, and stays where the reference leads nowhere: it is all
    that is known then.
    """
    references = References(root)

    def each(node: object, _: str) -> object:
        if not isinstance(node, dict):
            return node
        fresh = rebuilt(node, each)
        ref = a_string(node.get("$ref"))
        if ref and references.target(ref, node) is None:
            del fresh["$ref"]
            return _dangling(fresh, ref)
        if ref and ref_is_alone:
            return {word: value for word, value in fresh.items() if word in BESIDE_A_REF}
        return fresh

    return an_object(each(root, ""))


def with_definitions(root: JsonObject) -> JsonObject:
    """The schema with every reference as `#` or `#/$defs/NAME`, and these definitions at its root."""
    return root if _is_settled(root) else _Move(root).done()


def _is_settled(root: JsonObject) -> bool:
    nodes = list(everywhere(root))
    refs = {ref for node in nodes if (ref := a_string(node.get("$ref")))}
    if refs and any("$id" in node for node in nodes[1:]):
        return False  # they may be relative to something else
    if any("$defs" in node for node in nodes[1:]):
        return False  # nobody may refer to them, and Moonshot minds them all the same
    names = an_object(root.get("$defs"))
    plain = {DEFINITION + name for name in names if _PLAIN.fullmatch(name)}
    return refs <= {"#", *plain} and not any("/" in name or not name for name in names)


class _Move:
    """Brings everything that is referred to into `$defs`, in the order in which it is met."""

    def __init__(self, root: JsonObject) -> None:
        self._references = References(root)
        self._root = root
        self._names: dict[int, str] = {}
        self._waiting: list[tuple[str, JsonObject]] = []

    def done(self) -> JsonObject:
        fresh = self._moved(self._root)
        definitions: JsonObject = {}
        while self._waiting:
            name, target = self._waiting.pop(0)
            definitions[name] = self._moved(target)
        return {**fresh, "$defs": definitions} if definitions else fresh

    def _moved(self, node: JsonObject) -> JsonObject:
        gone = _PLACES if node is self._root else {*_PLACES, "$id"}
        fresh = rebuilt({word: value for word, value in node.items() if word not in gone}, self._each)
        for ref in filter(None, (a_string(node.get("$ref")), a_string(node.get("$dynamicRef")))):
            target = self._references.target(ref, node)
            if target is None:
                fresh = _dangling(fresh, ref)
            elif isinstance(target, dict) and "$ref" not in fresh:
                fresh = {"$ref": self._place_of(target, ref), **fresh}
            else:
                part = {"$ref": self._place_of(target, ref)} if isinstance(target, dict) else target
                others = fresh.get("allOf")
                fresh = {**fresh, "allOf": [*(others if isinstance(others, list) else []), part]}
        return fresh

    def _each(self, inner: object, _: str) -> object:
        return self._moved(inner) if isinstance(inner, dict) else inner

    def _place_of(self, target: JsonObject, ref: str) -> str:
        if target is self._root:
            return "#"
        if id(target) not in self._names:
            is_known = self._references.knows(target)
            wanted = _UNSAFE.sub("_", unquote(ref.rpartition("/")[2]).lstrip("#")) or "it"
            taken = set(self._names.values())
            name, number = wanted, 1
            while name in taken:
                number += 1
                name = f"{wanted}_{number}"
            self._names[id(target)] = name
            self._waiting.append((name, target if is_known else modern(target)))
        return DEFINITION + self._names[id(target)]


def _at(node: object, pointer: str) -> object:
    """What a JSON pointer leads to."""
    for token in unquote(pointer).split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict):
            node = node.get(key, _MISSING)
        elif isinstance(node, list) and _POSITION.fullmatch(key) and int(key) < len(node):
            node = node[int(key)]
        else:
            return _MISSING
    return node


def _joined(base: str, uri: str) -> str:
    try:
        return urljoin(base, uri)
    except ValueError:  # no URI at all
        return uri


def _dangling(node: JsonObject, ref: str) -> JsonObject:
    """The node says in words what nobody here can look up."""
    return noted(node, f"Must match the JSON Schema {ref}, which is not given here.")
