"""What is too much for Moonshot's validator is left out with the reason, and what never ends is known to be nothing."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from kimi_cli.wire.schema import UnfitSchemaError, for_host
from tests.doubles.mfjs import check_mfjs


def whole(a: Any, **definitions: Any) -> dict[str, Any]:
    """A schema with one property."""
    return {"type": "object", "properties": {"a": a}, "$defs": definitions}


def deep(levels: int, leaf: Any = None) -> dict[str, Any]:
    """Properties inside properties."""
    schema = leaf or {"type": "null"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


TOO_MUCH = {
    "bytes": (whole({"type": "string", "description": "x" * 120_000}), "bytes, and the host takes 120,000"),
    "levels": (deep(31), "31 levels deep, and the host takes 30"),
    "levels by a reference": (whole({"items": {"$ref": "#/$defs/d"}}, d=deep(30)), "31 levels deep"),
    "levels by a recursion": (whole({"$ref": "#/$defs/d"}, d=deep(30, {"$ref": "#/$defs/d"})), "31 levels deep"),
    "properties": (
        {"type": "object", "properties": {str(at): {"type": "null"} for at in range(3_001)}},
        "3,001 properties",
    ),
    "branches": (whole({"anyOf": [{"const": at} for at in range(501)]}), "a choice of 501"),
    "no end": ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "without end"),
    "no object": ({"type": "string"}, "not an object"),
    "no object but a list": ({"type": ["array", "null"]}, "not an object"),
    "depth": (deep(5_000), "nested too deeply"),
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_what_is_too_much(case):
    """There is no schema, and the reason is said."""
    schema, reason = TOO_MUCH[case]
    for _ in range(2):  # the second answer is a remembered one
        with pytest.raises(UnfitSchemaError, match=reason):
            for_host(schema, restricted=True)


@pytest.mark.parametrize(
    "schema",
    [
        deep(30),
        whole({"items": {"$ref": "#/$defs/d"}}, d=deep(29)),
        {"type": "object", "properties": {str(at): {"type": "null"} for at in range(3_000)}},
        whole({"anyOf": [{"const": at} for at in range(500)]}),
    ],
)
def test_what_is_just_not_too_much(schema):
    """It goes."""
    check_mfjs(for_host(schema, restricted=True))


def test_other_hosts_have_no_such_limits():
    """They get what they can take."""
    assert for_host(deep(31), restricted=False) == deep(31)


_ENDLESS = {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}, "required": ["next"]}
_LIST = {"type": "array", "items": {"$ref": "#/$defs/n"}, "minItems": 1}


@pytest.mark.parametrize(
    ("endless", "value"),
    [
        ({"n": _ENDLESS}, {"next": {}}),
        ({"n": _LIST}, [[]]),
        ({"n": {"anyOf": [_ENDLESS, _LIST]}}, {}),
        ({"n": {"allOf": [{"type": "object"}, {"$ref": "#/$defs/m"}]}, "m": _ENDLESS}, {}),
        ({"n": {"$ref": "#/$defs/m"}, "m": {"$ref": "#/$defs/n"}}, {}),
    ],
)
def test_what_never_ends_allows_nothing(endless, value):
    """No value could end it, and the host is told so in its own way; the rest of the tool works."""
    fitted = for_host(whole({"$ref": "#/$defs/n"}, **endless), restricted=True)
    check_mfjs(fitted)
    judge = jsonschema.Draft202012Validator(fitted)
    assert judge.is_valid({"b": 1})
    assert not judge.is_valid({"a": value})


@pytest.mark.parametrize(
    "ending",
    [
        {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}},
            "required": ["next"],
        },
        {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}},
        {"type": "array", "items": {"$ref": "#/$defs/n"}},
        {
            "type": "object",
            "properties": {"next": {"type": "array", "items": {"$ref": "#/$defs/n"}}},
            "required": ["next"],
        },
        {"type": ["object", "null"], "properties": {"next": {"$ref": "#/$defs/n"}}, "required": ["next"]},
    ],
)
def test_what_can_end_stays(ending):
    """A tree has leaves."""
    schema = whole({"$ref": "#/$defs/n"}, n=ending)
    assert for_host(schema, restricted=True) == schema
