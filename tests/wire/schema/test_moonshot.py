"""The restricted form allows what the original allows, in the form that Moonshot's validator takes."""

from __future__ import annotations

from typing import Any

import pytest

from kimi_cli.wire.schema import for_host
from tests.doubles.mfjs import check_mfjs

NULLABLE = {"anyOf": [{"type": "string"}, {"type": "null"}]}
ANY = {"type": ["string", "number", "boolean", "object", "array", "null"]}
TEXT = {"type": "string"}
DEFS = {"t": {**TEXT, "title": "T"}, "o": {"type": "object", "description": "O"}, "n": {"type": ["string", "null"]}}


def restricted(schema: dict[str, Any]) -> dict[str, Any]:
    """The fitted schema, which the double takes."""
    fitted = for_host(schema, restricted=True)
    check_mfjs(fitted)
    return fitted


def inside(schema: Any) -> Any:
    """What becomes of a schema inside the root."""
    return restricted({"type": "object", "properties": {"a": schema}, "$defs": DEFS})["properties"]["a"]


@pytest.mark.parametrize(
    ("schema", "fitted"),
    [
        (NULLABLE, NULLABLE),
        ({**TEXT, "anyOf": [{"minLength": 1}]}, {"anyOf": [{**TEXT, "minLength": 1}]}),
        ({"type": ["string", "null"], **NULLABLE}, NULLABLE),
        ({**TEXT, **NULLABLE}, {"anyOf": [TEXT]}),
        ({"type": "integer", "anyOf": [{"type": "number"}]}, {"anyOf": [{"type": "integer"}]}),
        ({"type": "number", "anyOf": [{"type": "integer"}]}, {"anyOf": [{"type": "integer"}]}),
        ({**TEXT, "anyOf": [True, False]}, {"anyOf": [TEXT]}),
        ({**TEXT, "anyOf": [{"type": "null"}]}, {"type": "null", "not": {}}),
        ({**TEXT, "anyOf": [{"enum": [1]}, {"enum": ["a"]}]}, {"anyOf": [{**TEXT, "enum": ["a"]}]}),
        (
            {**TEXT, "anyOf": [{"anyOf": [{"minLength": 1}, {"type": "null"}]}]},
            {"anyOf": [{"anyOf": [{**TEXT, "minLength": 1}]}]},
        ),
        (
            {"type": "object", "anyOf": [{"$ref": "#/$defs/o"}, {"$ref": "#/$defs/t"}, {"maxProperties": 1}]},
            {"anyOf": [{"$ref": "#/$defs/o"}, {"type": "object", "maxProperties": 1}]},
        ),
        (
            {"type": "object", "properties": {"b": TEXT}, "anyOf": [{"required": ["b"]}, {"maxProperties": 0}]},
            {
                "type": "object",
                "properties": {"b": TEXT},
                "allOf": [{"anyOf": [{"required": ["b"]}, {"maxProperties": 0}]}],
            },
        ),
        (
            {"properties": {"b": TEXT}, "anyOf": [{"type": "object", "properties": {"c": TEXT}}]},
            {
                "type": "object",
                "properties": {"b": TEXT},
                "allOf": [{"anyOf": [{"type": "object", "properties": {"c": TEXT}}]}],
            },
        ),
        ({"minLength": 1, **NULLABLE}, {"minLength": 1, **NULLABLE}),
    ],
)
def test_choices(schema, fitted):
    """`type` moves into the branches of `anyOf`, or the branches away from what stands beside them."""
    assert inside(schema) == fitted


@pytest.mark.parametrize(
    ("schema", "fitted"),
    [
        (True, ANY),
        (False, {"type": "null", "not": {}}),
        ({}, ANY),
        ({"description": "d"}, {**ANY, "description": "d"}),
        ({"properties": {}}, {"type": "object", "properties": {}}),
        ({"minLength": 1, "pattern": "a"}, {**TEXT, "minLength": 1, "pattern": "a"}),
        ({"minLength": 1, "minimum": 1}, {**ANY, "minLength": 1, "minimum": 1}),
        ({"const": "a"}, {**TEXT, "const": "a"}),
        ({"const": 0.5}, {"type": "number", "const": 0.5}),
        ({"oneOf": [TEXT, {"type": "null"}]}, {"type": ["string", "null"], "oneOf": [TEXT, {"type": "null"}]}),
        ({"allOf": [TEXT, {"minLength": 1}]}, {**TEXT, "allOf": [TEXT, {"minLength": 1}]}),
        ({"allOf": [{"$ref": "#/$defs/t"}]}, {**TEXT, "allOf": [{"$ref": "#/$defs/t"}]}),
        ({"not": {}}, {"type": "null", "not": {}}),
        ({"additionalProperties": {}}, {"type": "object", "additionalProperties": {}}),
        ({"additionalProperties": {"title": "x"}}, {"type": "object", "additionalProperties": {**ANY, "title": "x"}}),
        ({"items": True}, {"type": "array", "items": ANY}),
        ({"items": False}, {"type": "array", "maxItems": 0}),
    ],
)
def test_types(schema, fitted):
    """Every schema says its type: the one that its keywords speak of, or all that it may have."""
    assert inside(schema) == fitted


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": [True, {"minLength": 1}], "type": "string"},
        {"type": "string", "not": {"minLength": 3}, "if": {"const": "a"}, "then": True},
        {"type": "object", "patternProperties": {"^a": {}}, "propertyNames": {"maxLength": 3}},
        {"type": "array", "contains": {"enum": ["a", 1]}, "prefixItems": [True, {}]},
        {"type": "object", "allOf": [{"required": ["x"]}], "dependentSchemas": {"x": {"required": ["y"]}}},
        {"type": "string", "const": {"anyOf": [], "type": 1}, "default": True, "examples": [{}]},
        {"type": "string", "format": "uri", "pattern": "^a", "x-odd": [{}]},
    ],
)
def test_where_the_validator_does_not_look(schema):
    """What it passes over stays as it is, and values are no schemas."""
    assert inside(schema) == schema


@pytest.mark.parametrize(
    ("schema", "fitted"),
    [
        ({"$ref": "#/$defs/t"}, {"$ref": "#/$defs/t"}),
        ({"$ref": "#/$defs/t", "default": "x"}, {"$ref": "#/$defs/t", "default": "x"}),
        ({"$ref": "#/$defs/t", "description": "d"}, {"description": "d", "anyOf": [{"$ref": "#/$defs/t"}]}),
        ({"$ref": "#/$defs/t", "title": "x"}, {"title": "x", "anyOf": [{"$ref": "#/$defs/t"}]}),
        ({"$ref": "#/$defs/t", "type": "string"}, {"$ref": "#/$defs/t"}),
        ({"$ref": "#/$defs/t", "type": ["string", "null"]}, {"$ref": "#/$defs/t"}),
        ({"$ref": "#/$defs/n", "type": "string"}, {**TEXT, "allOf": [{"$ref": "#/$defs/n"}]}),
        (
            {"$ref": "#/$defs/t", "type": "string", "description": "d"},
            {"description": "d", "anyOf": [{"$ref": "#/$defs/t"}]},
        ),
        (
            {"$ref": "#/$defs/t", "description": "d", "minLength": 1},
            {**TEXT, "description": "d", "minLength": 1, "allOf": [{"$ref": "#/$defs/t"}]},
        ),
        ({"$ref": "#/$defs/t", "minLength": 1}, {"$ref": "#/$defs/t", "minLength": 1}),
        ({"$ref": "#/$defs/t", "enum": ["a"]}, {**TEXT, "enum": ["a"], "allOf": [{"$ref": "#/$defs/t"}]}),
        ({"$ref": "#/$defs/t", "type": "null"}, {"type": "null", "allOf": [{"$ref": "#/$defs/t"}]}),
    ],
)
def test_what_stands_beside_a_reference(schema, fitted):
    """What the validator minds beside `$ref` is said around it; it is never lost."""
    assert inside(schema) == fitted


@pytest.mark.parametrize(
    ("schema", "fitted"),
    [
        (
            {"type": "array", "items": [TEXT, {"type": "null"}]},
            {"type": "array", "prefixItems": [TEXT, {"type": "null"}]},
        ),
        (
            {"type": "array", "items": [TEXT], "additionalItems": False},
            {"type": "array", "prefixItems": [TEXT], "maxItems": 1},
        ),
        (
            {"type": "array", "prefixItems": [TEXT], "items": False, "maxItems": 0},
            {"type": "array", "prefixItems": [TEXT], "maxItems": 0},
        ),
        ({"type": "array", "prefixItems": [TEXT], "items": {}}, {"type": "array", "prefixItems": [TEXT]}),
        (
            {"type": "array", "prefixItems": [TEXT, True], "items": {"type": "null"}},
            {
                "type": "array",
                "prefixItems": [TEXT, True],
                "allOf": [{"prefixItems": [True, True], "items": {"type": "null"}}],
            },
        ),
    ],
)
def test_tuples(schema, fitted):
    """`items` is one schema for all items, so what follows a tuple is said elsewhere."""
    assert inside(schema) == fitted


@pytest.mark.parametrize(
    ("schema", "fitted"),
    [
        ({"required": ["b"]}, {"properties": {"b": ANY}, "required": ["b"]}),
        (
            {"properties": {"c": TEXT}, "required": ["c", "b"], "additionalProperties": TEXT},
            {"properties": {"c": TEXT, "b": TEXT}, "required": ["c", "b"], "additionalProperties": TEXT},
        ),
        (
            {"required": ["b"], "additionalProperties": False},
            {"properties": {"b": {"type": "null", "not": {}}}, "required": ["b"], "additionalProperties": False},
        ),
        (
            {"properties": {"c": TEXT}, "required": ["c", "b"], "patternProperties": {"b": TEXT}},
            {
                "properties": {"c": TEXT},
                "required": ["c"],
                "patternProperties": {"b": TEXT},
                "allOf": [{"properties": {"b": {}}, "required": ["b"]}],
            },
        ),
        (
            {"properties": {"required": TEXT, "b": TEXT}, "required": ["required"]},
            {
                "properties": {"b": TEXT},
                "required": [],
                "allOf": [{"properties": {"required": TEXT}, "required": ["required"]}],
            },
        ),
        (
            {"properties": {"$ref": TEXT, "b": TEXT}, "patternProperties": {"x": TEXT}, "additionalProperties": False},
            {
                "properties": {"b": TEXT},
                "patternProperties": {"x": TEXT},
                "allOf": [
                    {
                        "properties": {"b": True, "$ref": TEXT},
                        "additionalProperties": False,
                        "patternProperties": {"x": True},
                    }
                ],
            },
        ),
    ],
)
def test_properties(schema, fitted):
    """What is required is defined, as what it was allowed to be; reserved names go where they are not minded."""
    assert inside({"type": "object", **schema}) == {"type": "object", **fitted}


def test_a_repair_that_makes_another_one_necessary():
    """What the definition gets by its own repair may be what stands beside a reference to it."""
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/t", "allOf": [{"maxProperties": 1}]}},
        "$defs": {"t": {"type": "object", "title": "T", "anyOf": [{"required": ["b"]}], "maxProperties": 2}},
    }
    assert restricted(schema)["properties"]["a"] == {
        "type": "object",
        "allOf": [{"maxProperties": 1}, {"$ref": "#/$defs/t"}],
    }


def test_a_choice_at_the_root():
    """A root that is an object by choice keeps its type and its choice, apart from each other."""
    schema = {"properties": {"a": TEXT}, "anyOf": [{"required": ["a"]}, {"type": "string"}]}
    assert restricted(schema) == {
        "type": "object",
        "properties": {"a": TEXT},
        "allOf": [{"anyOf": [{"required": ["a"]}, {"type": "string"}]}],
    }


def test_definitions_are_not_taken_for_what_they_mean():
    """They may be referred to from where things are turned around, so they keep allowing what they allowed."""
    schema = {
        "type": "object",
        "properties": {"a": {"type": "object", "not": {"$ref": "#/$defs/t"}}},
        "$defs": {"t": {"properties": {}}},
    }
    assert restricted(schema)["$defs"]["t"] == {**ANY, "properties": {}}


def test_a_whole_that_is_a_part_of_itself_is_not_either():
    """The same is true of a schema that refers to itself."""
    schema = {"type": "object", "properties": {"a": {"minLength": 1}, "b": {"not": {"$ref": "#"}}}}
    assert restricted(schema)["properties"]["a"] == {**ANY, "minLength": 1}
