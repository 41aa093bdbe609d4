"""What Groq refuses in a tool's parameters beyond what is no JSON Schema at all.

It compiles them in Go, whose regular expressions are RE2's, and wants properties wherever something is required. What a
reference names has to be there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from tests.doubles.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doubles.scenario import JsonObject

NOT_RE2: Final = re.compile(r"\(\?(?:[=!>]|<[=!])|\\(?:[1-9cuk]|x(?![0-9a-fA-F{]))")
"""Looking around, groups that never give back, references to groups, and escapes that only JavaScript has."""
_VALUES: Final = ("enum", "const", "default", "examples", "dependentRequired")
_MAPS: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


def check_groq_schema(name: str, schema: JsonObject, *, index: int) -> None:
    """Refuse one tool's parameters, in Groq's words.

    Raises:
        Refused: Groq would.
    """
    place = f"tool {name}, tools[{index}].function.parameters"
    for path, node in _nodes(schema, path=""):
        if "required" in node and not node.get("properties"):
            at = f" `{path}`:" if path else ""
            raise Refused(f"invalid JSON schema for {place}:{at} 'required' present but 'properties' is missing")
        if isinstance(ref := node.get("$ref"), str) and not _is_there(ref, schema):
            raise Refused(f"invalid JSON schema for {place}: `{path}/$ref`: {ref} not found")
        patterns = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
        for pattern in (*patterns, *(node.get("patternProperties") or ())):
            if NOT_RE2.search(pattern):
                raise Refused(f"invalid JSON schema for {place}: `{path}/pattern`: '{pattern}' is not valid 'regex'")


def _is_there(ref: str, schema: JsonObject) -> bool:
    """Whether a reference leads anywhere; of ids and anchors only that there are some is asked."""
    if not ref.startswith("#/"):
        return ref in ("", "#") or any(
            word in node for _, node in _nodes(schema, path="") for word in ("$id", "$anchor", "$dynamicAnchor")
        )
    found: Any = schema
    for token in ref.split("/")[1:]:
        key = unquote(token).replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = dict(enumerate(found)).get(int(key)) if key.isdigit() else None
        else:
            found = found.get(key) if isinstance(found, dict) else None
    return isinstance(found, dict | bool)


def _nodes(value: Any, *, path: str) -> Iterator[tuple[str, JsonObject]]:
    """Every schema inside `value`, itself first; what only looks like one, in values, is passed over."""
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from _nodes(item, path=f"{path}/{at}")
    if not isinstance(value, dict):
        return
    yield path, value
    for word, inner in value.items():
        if word in _MAPS and isinstance(inner, dict):
            for key, child in inner.items():
                yield from _nodes(child, path=f"{path}/{word}/{key}")
        elif word not in _VALUES:
            yield from _nodes(inner, path=f"{path}/{word}")
