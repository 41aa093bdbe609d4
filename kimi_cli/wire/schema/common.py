"""What hosts want that read JSON Schema as everybody does, with the regular expressions of Go.

Those are RE2's: they cannot look around or refer to a group. That is the one keyword that is lost: `pattern`, and a
name in `patternProperties`, become a sentence where they cannot be read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import dumps_text
from kimi_cli.wire.foreign import an_object
from kimi_cli.wire.schema.objects import guards_unevaluated, undefined, with_defined
from kimi_cli.wire.schema.places import noted, rebuilt

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject


def common_form(root: JsonObject) -> JsonObject:
    """The schema as such hosts accept it."""
    is_guarded = guards_unevaluated(root)

    def each(node: object, _: str) -> object:
        if not isinstance(node, dict):
            return node
        fresh = _without_patterns(rebuilt(node, each))
        if "required" not in fresh or fresh.get("properties"):
            return fresh
        if missing := undefined(fresh):
            return with_defined(fresh, missing, is_guarded=is_guarded)
        return {word: value for word, value in fresh.items() if word != "required"}

    return an_object(each(root, ""))


def is_re2(pattern: str) -> bool:
    """Whether RE2 can read a regular expression. Of what it might or might not know, it does not count on it."""
    if len(pattern) > _MAX_PATTERN:
        return False
    parts = list(_PART.finditer(pattern))
    if "".join(part[0] for part in parts) != pattern:
        return False
    opened = 0
    for part in parts:
        match part.lastgroup:
            case "open":
                opened += 1
            case "close":
                opened -= 1
            case "repeat":
                if any(int(number) > _MAX_REPEAT for number in re.findall(r"[0-9]+", part[0])):
                    return False
            case _:
                pass
        if opened < 0:
            return False
    return opened == 0


_ESCAPE: Final = (
    r"\\(?:[^0-9A-Za-z]|[AbBdDfnrtvswSWza]|x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]+\}|[pP](?:[A-Z]|\{[A-Z][a-z]?\}))"
)
_PART: Final = re.compile(
    rf"(?P<open>\((?:\?(?::|P?<[A-Za-z_][0-9A-Za-z_]*>|[imsU-]+:))?(?!\?))"
    rf"|(?P<close>\))"
    rf"|(?P<repeat>\{{[0-9]+(?:,[0-9]*)?\}})"
    rf"|(?P<set>\[\^?+(?:{_ESCAPE}|[^\\\]])(?:{_ESCAPE}|[^\\\]])*\])"
    rf"|(?P<escape>{_ESCAPE})"
    r"|(?P<other>[^\\()\[])",
    re.DOTALL,
)
_MAX_REPEAT: Final = 1_000
_MAX_PATTERN: Final = 2_000
"""Longer ones are not worth the time that it may take to read them."""


def _without_patterns(schema: JsonObject) -> JsonObject:
    fresh = schema
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not is_re2(pattern):
        fresh = noted({word: fresh[word] for word in fresh if word != "pattern"}, f"Must match the pattern {pattern}")
    patterns = an_object(schema.get("patternProperties"))
    for name, inner in patterns.items():
        if not is_re2(name):
            fresh = _without_names(fresh, name, inner)
    return fresh


def _without_names(schema: JsonObject, name: str, inner: object) -> JsonObject:
    """Properties that a pattern named are additional ones without it, which must then not be forbidden."""
    gone = {"additionalProperties", "unevaluatedProperties"}
    said = [f"Properties whose names match {name} are of the schema {dumps_text(inner)}."]
    said += [f"{word}: {dumps_text(schema[word])}." for word in sorted(gone & schema.keys())]
    fresh = {word: value for word, value in schema.items() if word not in gone}
    fresh["patternProperties"] = {
        other: value for other, value in an_object(schema["patternProperties"]).items() if other != name
    }
    return noted(fresh, " ".join(said))
