"""A tool's schema as a host accepts it: an object, the same on every turn, and quickly found again."""

from __future__ import annotations

import json

import pytest

from kimi_cli.wire.schema import UnfitSchemaError, fitting, for_host

HOSTS = pytest.mark.parametrize("restricted", [False, True], ids=["others", "moonshot"])


@HOSTS
@pytest.mark.parametrize(
    ("root", "fitted"),
    [
        ({}, {"type": "object", "properties": {}}),
        (None, {"type": "object", "properties": {}}),
        ([], {"type": "object", "properties": {}}),
        ({"type": ["object", "null"]}, {"type": "object", "properties": {}}),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, {"type": "object", "properties": {}}),
        ({"properties": {"a": {"type": "null"}}}, {"type": "object", "properties": {"a": {"type": "null"}}}),
        ({"description": "d"}, {"type": "object", "properties": {}, "description": "d"}),
        ({"type": "object", "properties": []}, {"type": "object", "properties": {}}),
    ],
)
def test_every_host_gets_an_object(root, fitted, restricted):
    """The root is an object with properties and without `$schema`, whatever it was."""
    assert for_host(root, restricted=restricted) == fitted


@HOSTS
def test_what_is_accepted_goes_byte_for_byte(restricted):
    """Nothing is reordered, added or taken from what the host accepts already."""
    schema = {
        "required": ["b"],
        "additionalProperties": False,
        "properties": {
            "b": {"description": "é", "type": "string", "x-odd": None},
            "a": {"type": "number", "minimum": 1.0},
        },
        "type": "object",
        "title": "T",
    }
    assert json.dumps(for_host(schema, restricted=restricted)) == json.dumps(schema)


@HOSTS
def test_the_same_schema_is_found_again(restricted):
    """It is fitted once, for whoever asks; hosts are told apart."""
    first = for_host({"type": "object", "properties": {"a": {"enum": ["x"]}}}, restricted=restricted)
    assert for_host({"type": "object", "properties": {"a": {"enum": ["x"]}}}, restricted=restricted) is first
    assert for_host({"type": "object", "properties": {"a": {"enum": ["x"]}}}, restricted=not restricted) != first


def test_what_is_alike_is_not_the_same():
    """Python finds 1, 1.0 and true equal; schemas do not."""
    schemas = [{"type": "object", "properties": {"a": {"const": value}}} for value in (1, True, 1.0)]
    fitted = [for_host(schema, restricted=True)["properties"]["a"] for schema in schemas]
    assert [json.dumps(schema["const"]) for schema in fitted] == ["1", "true", "1.0"]
    assert [schema["type"] for schema in fitted] == ["integer", "boolean", "integer"]


def test_only_so_many_are_remembered():
    """A proxy that runs for weeks does not collect every schema that it has seen."""
    for at in range(fitting.KEPT + 10):
        for_host({"type": "object", "title": str(at)}, restricted=True)
    assert fitting._remembered.cache_info().currsize == fitting.KEPT


def test_half_a_character():
    """A lone surrogate, which strict parsers refuse, is no reason to lose a tool."""
    schema = {"type": "object", "properties": {"a": {"enum": ["\ud83d"]}}}
    assert for_host(schema, restricted=True)["properties"]["a"] == {"type": "string", "enum": ["\ud83d"]}


def test_a_reason_can_be_read():
    """The error says what completes "left out"."""
    with pytest.raises(UnfitSchemaError) as caught:
        for_host({"type": "null"}, restricted=False)
    assert caught.value.reason == str(caught.value) == "its input is not an object"
