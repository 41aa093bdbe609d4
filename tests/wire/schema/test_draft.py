"""Older drafts, and what is no schema in any draft, become draft 2020-12."""

from __future__ import annotations

import pytest

from kimi_cli.wire.schema.draft import modern

_TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"$schema": "x", "properties": {"a": {"$schema": "x"}}}, {"properties": {"a": {}}}),
        ({"items": [_TEXT, True]}, {"prefixItems": [_TEXT, True]}),
        ({"items": [_TEXT], "additionalItems": False}, {"prefixItems": [_TEXT], "items": False}),
        ({"items": _TEXT, "additionalItems": False}, {"items": _TEXT}),
        ({"additionalItems": False}, {}),
        ({"items": []}, {}),
        ({"items": [], "additionalItems": _TEXT}, {"items": _TEXT}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"minimum": 1, "exclusiveMinimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        ({"exclusiveMaximum": True}, {}),
        ({"exclusiveMinimum": 3}, {"exclusiveMinimum": 3}),
        (
            {"dependencies": {"a": ["b"], "c": {"required": ["d"]}, "e": False}},
            {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"required": ["d"]}, "e": False}},
        ),
        ({"$recursiveRef": "#"}, {"$ref": "#"}),
        ({"$ref": ""}, {"$ref": "#"}),
        (
            {"properties": {"a": {**_TEXT, "required": True}, "b": {"required": False}}, "required": ["b"]},
            {"properties": {"a": _TEXT, "b": {}}, "required": ["b", "a"]},
        ),
    ],
)
def test_older_drafts(old, new):
    """What has a meaning in an older draft keeps it in the words of this one."""
    assert modern(old) == new


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ({"properties": [], "required": None}, {}),
        ({"properties": {"a": None, "b": []}}, {"properties": {"a": {}, "b": {}}}),
        ({"required": ["a", 1, "a", None]}, {"required": ["a"]}),
        ({"type": ["string", "string", "text"]}, {"type": ["string"]}),
        ({"type": "any"}, {}),
        ({"type": None}, {}),
        ({"type": []}, {}),
        ({"type": "date"}, {"description": 'Its type is "date".'}),
        ({"type": {"a": 1}, "description": "When."}, {"description": 'When. Its type is {"a":1}.'}),
        ({"description": ["a"], "title": 1, "pattern": {}, "format": None}, {}),
        ({"minLength": "1", "maxLength": -1, "minItems": True, "maximum": "x", "multipleOf": 0}, {}),
        ({"minLength": 2.0, "multipleOf": 0.5}, {"minLength": 2.0, "multipleOf": 0.5}),
        ({"anyOf": [], "oneOf": {}, "allOf": None, "prefixItems": []}, {}),
        ({"anyOf": [_TEXT, None, "x"]}, {"anyOf": [_TEXT]}),
        ({"enum": "a", "examples": "b", "uniqueItems": "yes", "additionalProperties": "no"}, {}),
        ({"items": "x", "not": [], "if": 1}, {}),
        ({"dependentRequired": {"a": ["b", 1, "b"]}}, {"dependentRequired": {"a": ["b"]}}),
        ({"$id": "a#b", "$anchor": "1", "$ref": 1}, {}),
    ],
)
def test_what_means_nothing_goes(broken, whole):
    """A keyword whose value has the wrong form has no meaning in any draft."""
    assert modern(broken) == whole


@pytest.mark.parametrize("word", ["const", "enum", "default", "examples", "x-odd"])
def test_values_are_no_schemas(word):
    """What only looks like a schema, inside a value, is not touched."""
    schema = {word: [{"$schema": "x", "items": [], "type": "date", "required": True}]}
    assert modern(schema) == schema


@pytest.mark.parametrize(
    "place",
    [
        lambda inner: {"items": inner, "additionalProperties": inner, "not": inner, "contains": inner},
        lambda inner: {"properties": {"$schema": inner, "type": inner, "items": inner}},
        lambda inner: {"patternProperties": {"^a": inner}, "$defs": {"items": inner}, "definitions": {"a": inner}},
        lambda inner: {"dependentSchemas": {"a": inner}, "propertyNames": inner, "unevaluatedProperties": inner},
        lambda inner: {"oneOf": [inner], "allOf": [inner], "anyOf": [inner], "prefixItems": [inner]},
        lambda inner: {"if": inner, "then": inner, "else": inner, "unevaluatedItems": inner},
    ],
)
def test_every_place_that_holds_a_schema(place):
    """Whatever keyword a schema stands under, it is read; names of properties are no keywords."""
    assert modern(place({"$schema": "x", "items": [True]})) == place({"prefixItems": [True]})
