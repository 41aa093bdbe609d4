"""Moonshot's restricted JSON Schema for tool parameters, "MFJS".

Its validator wants `type: object` at the root and refuses `type` beside `anyOf` anywhere, so that a root can have no
`anyOf` at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.doubles.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doubles.scenario import JsonObject


def check_mfjs(schema: JsonObject) -> None:
    """Refuse a tool's parameters that are not of the restricted form.

    Raises:
        Refused: they are not.
    """
    if schema.get("type") != "object":
        raise Refused('tools.function.parameters.type is required and must be "object"')
    for path, node in _nodes(schema, path=""):
        fault = _fault(node)
        if fault:
            raise Refused(
                "Invalid request: tools.function.parameters is not a valid moonshot flavored json schema, "
                f"details: <At path '{path or 'root'}': {fault}>"
            )


def _nodes(node: Any, *, path: str) -> Iterator[tuple[str, Any]]:
    """Every schema inside `node`, itself first, with its path."""
    yield path, node
    if not isinstance(node, dict):
        return
    below = f"{path}." if path else ""
    if isinstance(node.get("items"), dict):
        yield from _nodes(node["items"], path=f"{below}items")
    for group in ("properties", "$defs", "definitions"):
        for name, child in node.get(group, {}).items():
            yield from _nodes(child, path=f"{below}{group}.{name}")
    for group in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for index, child in enumerate(node.get(group, ())):
            yield from _nodes(child, path=f"{below}{group}.{index}")


def _fault(node: Any) -> str:
    """What is wrong with one schema, or an empty string."""
    if not isinstance(node, dict):
        return "property schema must be an object"
    if "$schema" in node:
        return "unexpected keyword $schema"
    if "items" in node and not isinstance(node["items"], dict):
        return "items must be an object"
    if "anyOf" in node:
        if "type" in node:
            return "when using anyOf, type should be defined in anyOf items instead of the parent schema"
        if not all(isinstance(branch, dict) and {"type", "$ref", "anyOf"} & branch.keys() for branch in node["anyOf"]):
            return "type is required in anyOf items"
    if "$ref" in node:
        if not str(node["$ref"]).startswith("#/"):
            return "only local references are supported"
        if "description" in node:
            return "$ref cannot have keywords beside it"
    undefined = [name for name in node.get("required", ()) if name not in node.get("properties", {})]
    return f"required property {undefined[0]} is not defined in properties" if undefined else ""
