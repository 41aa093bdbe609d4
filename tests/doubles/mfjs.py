"""Moonshot's restricted JSON Schema for tool parameters, "MFJS".

What its public validator, walle, refused at the level that the API runs; where its versions of 2026 differ, the
strictest, for nobody can tell which one answers. It looks into what the host can enforce and into nothing else: what
stands under `allOf`, `oneOf`, `not` and the like is only held to the shape of the keywords that it knows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.doubles.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doubles.scenario import JsonObject

MAX_BYTES: Final = 120_000
MAX_DEPTH: Final = 30
MAX_KEYS: Final = 3_000
MAX_BRANCHES: Final = 500
MAX_VALUES: Final = 500
LONG_ENUM: Final = 250
"""From this many values on their characters are counted, and may be no more than `MAX_CHARACTERS`."""
MAX_CHARACTERS: Final = 7_500

RESERVED: Final = ("$defs", "$ref", "anyOf", "required", "additionalProperties")
TYPES: Final = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value == int(value),
}
_MAPS: Final = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_ONES: Final = (
    *("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedProperties", "unevaluatedItems"),
)
_READ: Final = ("properties", "$defs", "items", "additionalProperties", "anyOf")
_ANNOTATIONS: Final = ("description", "title")


def check_name(name: str) -> None:
    """Refuse a tool's name that does not begin with a letter, which other hosts do not mind.

    Raises:
        Refused: it does not.
    """
    if not name[:1].isalpha():
        raise Refused(
            "function name is invalid, must start with a letter and can contain letters, numbers, "
            "underscores, and dashes"
        )


def check_mfjs(schema: JsonObject) -> None:
    """Refuse a tool's parameters that are not of the restricted form.

    Raises:
        Refused: they are not.
    """
    if schema.get("type") != "object":
        raise Refused('tools.function.parameters.type is required and must be "object"')
    if len(json.dumps(schema, separators=(",", ":"), ensure_ascii=False).encode()) > MAX_BYTES:
        raise _refused("", "schema exceeds maximum allowed size")
    keys = 0
    for path, node, is_read in _nodes(schema, path="", is_read=True):
        if fault := _fault(node, root=schema) or (_read_fault(node, path=path) if is_read else ""):
            raise _refused(path, fault)
        if is_read:
            keys += len(node.get("properties", {}))
    if keys > MAX_KEYS:
        raise _refused("", f"total number of properties keys({keys}) across all objects exceeds maximum limit")
    if _depth(schema, root=schema, seen=()) > MAX_DEPTH:
        raise _refused("", f"schema depth exceeds maximum limit of {MAX_DEPTH}")
    for place in ("#", *(f"#/$defs/{name}" for name in schema.get("$defs", {}))):
        if not _ends({"$ref": place}, root=schema, seen=()):
            raise _refused("", "detected infinite recursion without termination condition")


def _refused(path: str, fault: str) -> Refused:
    return Refused(
        "Invalid request: tools.function.parameters is not a valid moonshot flavored json schema, "
        f"details: <At path '{path or 'root'}': {fault}>"
    )


def _nodes(node: Any, *, path: str, is_read: bool) -> Iterator[tuple[str, Any, bool]]:
    """Every schema inside `node`, itself first, with its path, and whether the validator looks into it."""
    if not isinstance(node, dict):
        if is_read:
            yield path, node, is_read
        return
    yield path, node, is_read
    below = f"{path}." if path else ""
    for word in _MAPS:
        for name, child in (node.get(word) or {}).items():
            yield from _nodes(child, path=f"{below}{word}.{name}", is_read=is_read and word in _READ)
    for word in _LISTS:
        for index, child in enumerate(node.get(word) or ()):
            yield from _nodes(child, path=f"{below}{word}.{index}", is_read=is_read and word in _READ)
    for word in _ONES:
        if isinstance(node.get(word), dict):
            yield from _nodes(node[word], path=f"{below}{word}", is_read=is_read and word in _READ)


def _fault(node: Any, *, root: JsonObject) -> str:
    """What is wrong with the shape of one schema, or an empty string."""
    if not isinstance(node, dict):
        return "schema must be an object"
    if "$schema" in node:
        return "unexpected keyword $schema"
    if "items" in node and not isinstance(node["items"], dict):
        return "items must be an object"
    if "anyOf" in node:
        branches = node["anyOf"]
        if not isinstance(branches, list) or not 1 <= len(branches) <= MAX_BRANCHES:
            return f"anyOf must have 1-{MAX_BRANCHES} items"
        if not all(isinstance(branch, dict) for branch in branches):
            return "schema in anyOf must be an object"
        if "type" in node:
            return "when using anyOf, type should be defined in anyOf items instead of the parent schema"
        outer = node.keys() - {"anyOf", *_ANNOTATIONS}
        if conflicts := sorted(outer & set().union(*branches)):
            return f"conflicting keywords found in anyOf with parent: {', '.join(conflicts)}"
    return _ref_fault(node, root=root) if "$ref" in node else ""


def _ref_fault(node: JsonObject, *, root: JsonObject) -> str:
    ref = node["$ref"]
    if not isinstance(ref, str):
        return "$ref must be a string"
    target: Any = root
    if ref != "#":
        if not ref.startswith("#/$defs/"):
            return "references must start with #/$defs/"
        target = root.get("$defs", {}).get(ref.removeprefix("#/$defs/"))
        if not isinstance(target, dict):
            return f"invalid $ref path: {ref}"
    siblings = node.keys() - {"$ref", "$defs"}
    if "type" in siblings:
        return "when using $ref, type should be defined in the referenced schema instead of the parent schema"
    if conflicts := sorted(siblings & (target.keys() | {"description"})):
        return f"conflicting keywords found after $ref expansion: {', '.join(conflicts)}"
    if "anyOf" in siblings:
        return "invalid schema after $ref expansion"
    return ""


def _read_fault(node: JsonObject, *, path: str) -> str:
    """What is wrong with a schema that the host enforces."""
    if any("/" in name or not name for name in node.get("$defs", {})):
        return "$defs property name cannot contain '/' character"
    if path and "$defs" in node:
        return "keyword $defs must be at root level"
    for name in node.get("properties", {}):
        if name in RESERVED:
            return f"property name '{name}' is reserved for JSON Schema keywords"
    required = node.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        return "required must be an array"
    undefined = [name for name in required if name not in node.get("properties", {})]
    if undefined:
        return f"required property '{undefined[0]}' is not defined in properties"
    if "enum" in node:
        return _enum_fault(node)
    is_any = not node and path.endswith("additionalProperties")
    return "" if is_any or {"type", "$ref", "anyOf"} & node.keys() else "type is not defined"


def _enum_fault(node: JsonObject) -> str:
    values = node["enum"]
    if not values:
        return "enum array cannot be empty"
    if len(values) > MAX_VALUES:
        return f"enum array cannot have more than {MAX_VALUES} items"
    if len(values) > LONG_ENUM and sum(len(str(value)) for value in values) > MAX_CHARACTERS:
        return "total string length of enum values exceeds maximum limit"
    kinds = node.get("type")
    if kinds is None:
        return "type is not defined"
    names = kinds if isinstance(kinds, list) else [kinds]
    if len(names) > 2 or (len(names) == 2 and ("null" not in names or {"object", "array"} & set(names))):
        return "when type is array and enum is specified, currently only 2 types are supported"
    for value in values:
        if not any(TYPES[name](value) for name in names):
            return f"enum value ({value}) does not match any type in {names}"
    return ""


def _depth(node: JsonObject, *, root: JsonObject, seen: tuple[str, ...]) -> int:
    """How many levels of properties there are, a reference taken once on the way."""
    depths = [0]
    depths += [1 + _depth(child, root=root, seen=seen) for child in node.get("properties", {}).values()]
    depths += [_depth(branch, root=root, seen=seen) for branch in node.get("anyOf", ())]
    for word in ("items", "additionalProperties"):
        if isinstance(node.get(word), dict):
            depths.append(_depth(node[word], root=root, seen=seen))
    if "$ref" in node and node["$ref"] not in seen:
        depths.append(_depth(_target(node["$ref"], root), root=root, seen=(*seen, node["$ref"])))
    return max(depths)


def _ends(node: JsonObject, *, root: JsonObject, seen: tuple[str, ...]) -> bool:
    """Whether some finite value can satisfy a schema, as far as references go."""
    if "$ref" in node:
        ref = node["$ref"]
        if ref in seen or not _ends(_target(ref, root), root=root, seen=(*seen, ref)):
            return False
    if "anyOf" in node and not any(_ends(branch, root=root, seen=seen) for branch in node["anyOf"]):
        return False
    if node.get("type") == "object":
        properties = node.get("properties", {})
        return all(_ends(properties[name], root=root, seen=seen) for name in node.get("required", ()))
    if node.get("type") == "array" and node.get("minItems", 0) >= 1:
        return _ends(node.get("items", {}), root=root, seen=seen)
    return True


def _target(ref: str, root: JsonObject) -> JsonObject:
    target: JsonObject = root if ref == "#" else root["$defs"][ref.removeprefix("#/$defs/")]
    return target
