"""What Moonshot's validator refuses for its size, or because no value could ever end it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import dumps
from kimi_cli.wire.foreign import a_string, an_int, an_object, strings
from kimi_cli.wire.schema.references import DEFINITION

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

# The validator's own defaults, autumn 2026.
MAX_BYTES: Final = 120_000
MAX_DEPTH: Final = 30
"""Levels of properties inside properties, a reference counted once on the way."""
MAX_KEYS: Final = 3_000
MAX_BRANCHES: Final = 500

_NEVER: Final[JsonObject] = {"type": "null", "not": {}}
_READ: Final = ("items", "additionalProperties")


def over_limit(root: JsonObject) -> str:
    """Why a schema in the restricted form is too much for the validator; empty where it is not."""
    if (size := len(dumps(root))) > MAX_BYTES:
        return f"its schema has {size:,} bytes, and the host takes {MAX_BYTES:,}"
    measure = _Measure(root)
    depth = measure.depth(root)
    if depth > MAX_DEPTH:
        return f"its schema is {depth} levels deep, and the host takes {MAX_DEPTH}"
    if measure.keys > MAX_KEYS:
        return f"its schema has {measure.keys:,} properties, and the host takes {MAX_KEYS:,}"
    if measure.branches > MAX_BRANCHES:
        return f"its schema has a choice of {measure.branches:,}, and the host takes {MAX_BRANCHES:,}"
    return ""


def with_ends(root: JsonObject) -> JsonObject | None:
    """The schema without references that no value could ever satisfy, because they ask for themselves again.

    They allow nothing, and are replaced by what allows nothing. None where that is the whole schema.
    """
    definitions = an_object(root.get("$defs"))
    waiting: dict[str, object] = {"#": root, **{DEFINITION + name: inner for name, inner in definitions.items()}}
    ending: set[str] = set()
    while found := {ref for ref, target in waiting.items() if _can_end(target, ending)}:
        ending |= found
        waiting = {ref: target for ref, target in waiting.items() if ref not in found}
    if "#" not in ending:
        return None
    if not waiting:
        return root
    kept = {name: inner if DEFINITION + name in ending else dict(_NEVER) for name, inner in definitions.items()}
    return {**root, "$defs": kept}


def _can_end(schema: object, ending: set[str]) -> bool:
    """Whether some finite value may satisfy a schema, given the references of which that is known."""
    if not isinstance(schema, dict):
        return True
    ref = a_string(schema.get("$ref"))
    if ref and ref not in ending:
        return False
    for word in ("anyOf", "oneOf"):
        branches = schema.get(word)
        if isinstance(branches, list) and branches and not any(_can_end(branch, ending) for branch in branches):
            return False
    parts = schema.get("allOf")
    if isinstance(parts, list) and not all(_can_end(part, ending) for part in parts):
        return False
    if schema.get("type") == "object":
        properties = an_object(schema.get("properties"))
        return all(_can_end(properties.get(name), ending) for name in strings(schema.get("required")))
    if schema.get("type") == "array" and (an_int(schema.get("minItems")) or 0) > 0 and "prefixItems" not in schema:
        return _can_end(schema.get("items"), ending)
    return True


class _Measure:
    """Counts what the validator counts, where it looks: not under `allOf` and the like."""

    def __init__(self, root: JsonObject) -> None:
        self._definitions = an_object(root.get("$defs"))
        self._depths: dict[str, int] = {}
        self.keys = 0
        self.branches = 0
        for name in self._definitions:
            self._depth_of(DEFINITION + name)

    def depth(self, schema: object) -> int:
        """Levels of properties; what is under way already counts as none."""
        if not isinstance(schema, dict):
            return 0
        properties = an_object(schema.get("properties"))
        branches = schema.get("anyOf")
        branches = branches if isinstance(branches, list) else []
        self.keys += len(properties)
        self.branches = max(self.branches, len(branches))
        inner = [1 + self.depth(inner) for inner in properties.values()]
        inner += [self.depth(branch) for branch in branches]
        inner += [self.depth(schema[word]) for word in _READ if word in schema]
        inner.append(self._depth_of(a_string(schema.get("$ref"))))
        return max(inner)

    def _depth_of(self, ref: str) -> int:
        name = ref.removeprefix(DEFINITION)
        if not ref.startswith(DEFINITION) or name not in self._definitions:
            return 0
        if ref not in self._depths:
            self._depths[ref] = 0
            self._depths[ref] = self.depth(self._definitions[name])
        return self._depths[ref]
