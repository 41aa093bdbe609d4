"""JSON Schemas of tools, brought down to what a host accepts without changing what they allow.

Every host wants an object at the root. Moonshot's dialect also refuses `type` beside `anyOf` and a list in `items`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import an_object, strings

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

_MAPS: Final = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
"""Keywords whose value maps names to schemas; the names are not keywords, whatever they look like."""
_LISTS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SCHEMAS: Final = frozenset(
    {"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedProperties"}
)


def for_host(schema: object, *, restricted: bool) -> JsonObject:
    """A tool's input schema as the host accepts it; the argument is left as it is."""
    fitted: JsonObject = {**an_object(schema), "type": "object"}
    if restricted:
        fitted = {"type": "object", **_fit(fitted)}
        if "anyOf" in fitted:
            # The root has to have a type, beside which no `anyOf` may stand.
            others = fitted.get("allOf")
            fitted["allOf"] = [*(others if isinstance(others, list) else []), {"anyOf": fitted.pop("anyOf")}]
    fitted.pop("$schema", None)
    fitted.setdefault("properties", {})
    return fitted


def _fit(schema: JsonObject) -> JsonObject:
    fitted: JsonObject = {}
    is_tuple = isinstance(schema.get("items"), list)
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, dict):
            fitted[key] = {name: _fit_any(inner) for name, inner in value.items()}
        elif key in _LISTS and isinstance(value, list):
            fitted[key] = [_fit_any(inner) for inner in value]
        elif key == "items" and isinstance(value, list):
            fitted["prefixItems"] = [_fit_any(inner) for inner in value]
        elif key == "additionalItems":
            # It speaks of what follows a tuple, and of nothing where there is none.
            if is_tuple:
                fitted["items"] = _fit_any(value)
        elif key in _SCHEMAS:
            fitted[key] = _fit_any(value)
        elif key != "$schema":
            fitted[key] = value
    return _push_type(fitted)


def _fit_any(value: object) -> object:
    return _fit(value) if isinstance(value, dict) else value


def _push_type(schema: JsonObject) -> JsonObject:
    """Move `type` into the branches of `anyOf`, where what a branch says of its own type narrows it further."""
    branches = schema.get("anyOf")
    if "type" not in schema or not isinstance(branches, list):
        return schema
    kind = schema["type"]
    pushed = [_narrowed(branch, kind) for branch in branches]
    possible = [branch for branch in pushed if branch is not False]
    said: JsonObject = {"anyOf": possible} if possible else {"not": {}}
    return {key: value for key, value in schema.items() if key not in {"type", "anyOf"}} | said


def _narrowed(branch: object, kind: object) -> object:
    """A branch that allows only values of a type besides; False where it allows none."""
    if branch is True:
        return {"type": kind}
    if not isinstance(branch, dict):
        return branch
    if "type" not in branch:
        return _push_type({"type": kind, **branch})
    both = _kinds(kind) & _kinds(branch["type"])
    if both == _kinds(branch["type"]):
        return branch
    if not both:
        return False
    names = sorted(both - {"integer"} if "number" in both else both)
    return {**branch, "type": names[0] if len(names) == 1 else names}


def _kinds(kind: object) -> set[str]:
    """The types that `type` names, with the integers among the numbers."""
    names = set(strings([kind] if isinstance(kind, str) else kind))
    return names | {"integer"} if "number" in names else names
