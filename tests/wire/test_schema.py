"""A fitted schema allows what the original allows, in the form that the host accepts."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.schema import for_host
from tests.doubles.mfjs import check_mfjs

_ANY_OF = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def _fitted(schema: Any) -> dict:
    """The fitted schema; the original is as it was before."""
    before = copy.deepcopy(schema)
    fitted = for_host(schema, restricted=True)
    assert schema == before
    return fitted


def _property(schema: Any) -> Any:
    """What becomes of a schema inside the root."""
    return _fitted({"type": "object", "properties": {"a": schema}})["properties"]["a"]


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize(
    ("root", "fitted"),
    [
        ({}, {"type": "object", "properties": {}}),
        (None, {"type": "object", "properties": {}}),
        ([], {"type": "object", "properties": {}}),
        ({"type": "string"}, {"type": "object", "properties": {}}),
        ({"type": ["object", "null"]}, {"type": "object", "properties": {}}),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, {"type": "object", "properties": {}}),
        ({"properties": {"a": {}}, "required": ["a"]}, {"type": "object", "properties": {"a": {}}, "required": ["a"]}),
        ({"description": "d"}, {"type": "object", "properties": {}, "description": "d"}),
    ],
)
def test_every_host_gets_an_object(root, fitted, restricted):
    """The root is an object with properties and without `$schema`, whatever it was."""
    assert for_host(root, restricted=restricted) == fitted


def test_the_common_form_is_left_alone():
    """Hosts without a dialect of their own get everything below the root unchanged."""
    schema = {"type": "object", "properties": {"a": {"type": "string", **_ANY_OF, "$schema": "x"}}}
    assert for_host(schema, restricted=False) == schema


@pytest.mark.parametrize(
    ("schema", "fitted"),
    [
        ({"type": "string"}, {"type": "string"}),
        (_ANY_OF, _ANY_OF),
        ({"type": "string", "anyOf": [{"minLength": 1}]}, {"anyOf": [{"type": "string", "minLength": 1}]}),
        ({"type": ["string", "null"], **_ANY_OF}, _ANY_OF),
        ({"type": "string", **_ANY_OF}, {"anyOf": [{"type": "string"}]}),
        ({"type": "integer", "anyOf": [{"type": "number"}]}, {"anyOf": [{"type": "integer"}]}),
        ({"type": "number", "anyOf": [{"type": "integer"}]}, {"anyOf": [{"type": "integer"}]}),
        ({"type": "string", "anyOf": [True, False]}, {"anyOf": [{"type": "string"}]}),
        ({"type": "string", "anyOf": [{"type": "null"}]}, {"not": {}}),
        (
            {"type": "string", "anyOf": [{"anyOf": [{"minLength": 1}, {"type": "null"}]}]},
            {"anyOf": [{"anyOf": [{"type": "string", "minLength": 1}]}]},
        ),
        ({"type": "string", "anyOf": "x"}, {"type": "string", "anyOf": "x"}),
        ({"type": "string", "$schema": "x", "title": "t"}, {"type": "string", "title": "t"}),
        ({"items": [{"type": "string"}, True]}, {"prefixItems": [{"type": "string"}, True]}),
        ({"items": [{}], "additionalItems": False}, {"prefixItems": [{}], "items": False}),
        ({"items": {}, "additionalItems": False}, {"items": {}}),
        (True, True),
        ("no schema", "no schema"),
    ],
)
def test_the_restricted_form(schema, fitted):
    """`type` moves into the branches of `anyOf`, tuples get their new name, `$schema` goes."""
    assert _property(schema) == fitted


@pytest.mark.parametrize(
    "place",
    [
        lambda inner: {"items": inner},
        lambda inner: {"properties": {"$schema": inner, "type": inner, "anyOf": inner}},
        lambda inner: {"patternProperties": {"^a": inner}},
        lambda inner: {"$defs": {"items": inner}},
        lambda inner: {"definitions": {"a": inner}},
        lambda inner: {"dependencies": {"a": inner, "b": ["c"]}},
        lambda inner: {"oneOf": [inner], "allOf": [inner], "anyOf": [inner], "prefixItems": [inner]},
        lambda inner: {"not": inner, "if": inner, "then": inner, "else": inner},
        lambda inner: {"additionalProperties": inner, "contains": inner, "propertyNames": inner},
    ],
)
def test_every_place_that_holds_a_schema(place):
    """Whatever keyword a schema stands under, it is fitted; names of properties are no keywords."""
    inner = {"$schema": "x", "type": ["string", "null"], **_ANY_OF}
    assert _property(place(inner)) == place(_ANY_OF)


@pytest.mark.parametrize("keyword", ["const", "enum", "default", "examples", "title", "x-odd"])
def test_values_are_no_schemas(keyword):
    """What only looks like a schema, inside a value, is not touched."""
    value = [{"$schema": "x", "type": "string", **_ANY_OF, "items": []}]
    assert _property({keyword: value}) == {keyword: value}


def test_a_choice_at_the_root():
    """A root that is an object by choice keeps its type and its choices, with no `type` beside `anyOf`."""
    branches = [{"required": ["a"]}, {"type": "string"}, {"type": "object", "required": ["b"]}]
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "anyOf": branches}
    fitted = _fitted(schema)
    assert fitted["type"] == "object"
    assert "anyOf" not in fitted
    judge = jsonschema.Draft202012Validator(fitted)
    assert [judge.is_valid(value) for value in ({"a": "x"}, {"b": "x"}, {}, "x")] == [True, True, False, False]


def test_moonshots_validator_takes_it():
    """A schema as an MCP server might write it passes the double's validator."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"], **_ANY_OF},
            "b": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]},
            "c": {"type": "object", "anyOf": [{"properties": {"d": {"type": "string"}}, "required": ["d"]}]},
        },
        "anyOf": [{"required": []}, {"minProperties": 1}],
    }
    check_mfjs(_fitted(schema))


_types = st.sampled_from(["string", "integer", "number", "null", "array", "object", "boolean"])
_instances = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.5, 1.0, "", "a", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=5,
)
_leaves = st.booleans() | st.fixed_dictionaries(
    {},
    optional={
        "type": _types | st.lists(_types, min_size=1, max_size=3, unique=True),
        "minLength": st.integers(0, 2),
        "minimum": st.integers(-1, 2),
        "enum": st.lists(_instances, min_size=1, max_size=2),
        "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
        "$schema": st.just("http://json-schema.org/draft-07/schema#"),
    },
)


def _schemas(*, is_old: bool) -> st.SearchStrategy[Any]:
    """Small schemas, with tuples as draft 7 or as draft 2020-12 writes them."""

    def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(inner, min_size=1, max_size=3)
        tuples = {"items": several, "additionalItems": inner} if is_old else {"items": inner, "prefixItems": several}
        keywords = {
            "type": _types | st.lists(_types, min_size=1, max_size=3, unique=True),
            "anyOf": several,
            "oneOf": several,
            "allOf": several,
            "not": inner,
            "properties": st.dictionaries(st.sampled_from(["a", "b", "type"]), inner, max_size=2),
            "additionalProperties": inner,
        }
        sequences = st.sampled_from([{"items": inner}, tuples])
        return sequences.flatmap(lambda more: st.fixed_dictionaries({}, optional={**keywords, **more})) | inner

    return st.recursive(_leaves, larger, max_leaves=8)


@pytest.mark.parametrize("is_old", [True, False], ids=["draft 7", "draft 2020-12"])
@given(data=st.data())
def test_what_is_allowed_stays_the_same(is_old, data):
    """An instance is valid under the fitted schema exactly where it is valid under the original."""
    inner = data.draw(_schemas(is_old=is_old))
    judge = jsonschema.Draft7Validator if is_old else jsonschema.Draft202012Validator
    group = "definitions" if is_old else "$defs"
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        group: {"d": inner},
        "properties": {"a": inner, "b": {"$ref": f"#/{group}/d"}},
        "anyOf": [{"required": ["a"]}, {"type": ["object", "null"]}],
    }
    fitted = _fitted(schema)
    jsonschema.Draft202012Validator.check_schema(fitted)
    _check_form(fitted)
    for name in ("a", "b"):
        instance = {name: data.draw(_instances)}
        original = judge({key: value for key, value in schema.items() if key != "$schema"})
        assert jsonschema.Draft202012Validator(fitted).is_valid(instance) == original.is_valid(instance)


@given(
    schema=st.recursive(
        st.none() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["type", "anyOf", "items", "properties", "$schema", "not", "additionalItems"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_arbitrary_json_never_crashes(schema):
    """What is no schema at all is still fitted to an object."""
    for restricted in (False, True):
        assert json.loads(json.dumps(for_host(schema, restricted=restricted)))["type"] == "object"


def _check_form(schema: Any) -> None:
    """No `type` beside `anyOf`, no `$schema` and no list of items, in any schema inside this one."""
    if not isinstance(schema, dict):
        return
    assert not {"type", "anyOf"} <= schema.keys()
    assert "$schema" not in schema
    assert not isinstance(schema.get("items"), list)
    for group in ("properties", "$defs", "definitions"):
        for inner in schema.get(group, {}).values():
            _check_form(inner)
    for group in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for inner in schema.get(group, ()):
            _check_form(inner)
    for group in ("items", "not", "additionalProperties"):
        _check_form(schema.get(group))
