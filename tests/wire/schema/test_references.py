"""References are found wherever they lead, and get one form; those that lead nowhere become words."""

from __future__ import annotations

import json

import jsonschema
import pytest

from kimi_cli.wire.schema import for_host
from kimi_cli.wire.schema.references import References, with_definitions, without_dangling
from tests.doubles.mfjs import check_mfjs

TEXT = {"type": "string"}


def refers(ref: str, **root: object) -> dict:
    """A schema whose property `a` refers to something."""
    return {"type": "object", "properties": {"a": {"$ref": ref}}, **root}


@pytest.mark.parametrize(
    ("ref", "root", "name"),
    [
        ("#/$defs/t", {"$defs": {"t": TEXT}}, "t"),
        ("#/definitions/t", {"definitions": {"t": TEXT}}, "t"),
        ("#/definitions/a~1b", {"definitions": {"a/b": TEXT}}, "a_1b"),
        ("#/definitions/a%20b", {"definitions": {"a b": TEXT}}, "a_b"),
        (
            "#/properties/b/anyOf/1",
            {"properties": {"a": {"$ref": "#/properties/b/anyOf/1"}, "b": {"anyOf": [{}, TEXT]}}},
            "1",
        ),
        ("#/components/schemas/t", {"components": {"schemas": {"t": TEXT}}}, "t"),
        (
            "#/properties/b/$defs/t",
            {"properties": {"a": {"$ref": "#/properties/b/$defs/t"}, "b": {"$defs": {"t": TEXT}}}},
            "t",
        ),
        ("#named", {"$defs": {"t": {**TEXT, "$anchor": "named"}}}, "named"),
        ("#named", {"definitions": {"t": {**TEXT, "$id": "#named"}}}, "named"),
        ("https://x.test/s#/$defs/t", {"$id": "https://x.test/s", "$defs": {"t": TEXT}}, "t"),
        ("s#/$defs/t", {"$id": "https://x.test/s", "$defs": {"t": TEXT}}, "t"),
        ("other", {"$id": "https://x.test/s", "$defs": {"t": {**TEXT, "$id": "other"}}}, "other"),
    ],
)
def test_whatever_is_named_is_found(ref, root, name):
    """A pointer, an anchor or an id leads to the same schema, at the one place that the host knows."""
    fitted = for_host(refers(ref, **root), restricted=True)
    check_mfjs(fitted)
    assert fitted["properties"]["a"] == {"$ref": f"#/$defs/{name}"}
    judge = jsonschema.Draft202012Validator(fitted)
    assert judge.is_valid({"a": "x"})
    assert not judge.is_valid({"a": 1})


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize(
    ("draft", "judge"),
    [
        ("http://json-schema.org/draft-04/schema#", jsonschema.Draft4Validator),
        ("http://json-schema.org/draft-06/schema#", jsonschema.Draft6Validator),
        ("http://json-schema.org/draft-07/schema#", jsonschema.Draft7Validator),
        ("https://json-schema.org/draft/2019-09/schema", jsonschema.Draft201909Validator),
        ("https://json-schema.org/draft/2020-12/schema", jsonschema.Draft202012Validator),
        (None, jsonschema.Draft202012Validator),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_what_stands_beside_a_reference_means_what_its_draft_says(draft, judge, turned, restricted):
    """Up to draft 7 it means nothing, then as much as anywhere; also inside a `not`, where more allows less."""
    inner = {"$ref": "#/definitions/t", "minLength": 3, "description": "Some text."}
    property_ = {"type": ["string", "null"], "not": inner} if turned else inner
    schema = {"type": "object", "properties": {"a": property_}, "definitions": {"t": TEXT}}
    schema |= {"$schema": draft} if draft else {}
    fitted = for_host(schema, restricted=restricted)
    assert "$schema" not in fitted
    assert "Some text." in json.dumps(fitted)
    for value in ({"a": "long"}, {"a": "no"}, {"a": None}):
        allowed = jsonschema.Draft202012Validator(fitted).is_valid(value)
        assert allowed == judge(schema).is_valid(value), value


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("ref", ["https://x.test/base.json", "#/definitions/gone"])
def test_what_stands_beside_a_reference_to_nothing_stays(ref, restricted):
    """In every draft: it is all that is known of what was meant."""
    inner = {"$ref": ref, "type": "string", "enum": ["a", "b"]}
    draft = "http://json-schema.org/draft-07/schema#"
    fitted = for_host(
        {"$schema": draft, "$ref": ref, "type": "object", "properties": {"a": inner}, "required": ["a"]},
        restricted=restricted,
    )
    assert fitted["required"] == ["a"]
    assert (fitted["properties"]["a"]["type"], fitted["properties"]["a"]["enum"]) == ("string", ["a", "b"])
    for said in (fitted, fitted["properties"]["a"]):
        assert said["description"] == f"Must match the JSON Schema {ref}, which is not given here."


def test_what_is_in_place_stays_there():
    """Plain definitions at the root are left alone, those that nobody refers to included."""
    schema = refers("#/$defs/t", **{"$defs": {"t": TEXT, "unused": TEXT}})
    assert with_definitions(schema) is schema


def test_names_that_meet():
    """Two definitions of one name both keep their meaning."""
    schema = {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/definitions/t"},
            "b": {"$ref": "#/properties/c/$defs/t"},
            "c": {"$defs": {"t": {}}},
        },
        "definitions": {"t": TEXT},
    }
    moved = with_definitions(schema)
    assert moved["properties"]["a"] == {"$ref": "#/$defs/t"}
    assert moved["properties"]["b"] == {"$ref": "#/$defs/t_2"}
    assert moved["$defs"] == {"t": TEXT, "t_2": {}}


def test_a_reference_inside_what_has_an_id_of_its_own():
    """It is relative to that, and not to the document."""
    inner = {"$id": "https://x.test/in", "$defs": {"t": {"type": "integer"}}, "items": {"$ref": "#/$defs/t"}}
    fitted = for_host({"type": "object", "properties": {"a": inner}, "$defs": {"t": TEXT}}, restricted=True)
    judge = jsonschema.Draft202012Validator(fitted)
    assert judge.is_valid({"a": [1]})
    assert not judge.is_valid({"a": ["x"]})


def test_recursion():
    """A tree stays a tree, however deep."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/definitions/n"}}, "additionalProperties": False}
    fitted = for_host(refers("#/definitions/n", definitions={"n": node}), restricted=True)
    check_mfjs(fitted)
    judge = jsonschema.Draft202012Validator(fitted)
    assert judge.is_valid({"a": {"next": {"next": {}}}})
    assert not judge.is_valid({"a": {"next": {"next": {"x": 1}}}})


def test_a_reference_to_the_whole():
    """`#` is the schema itself."""
    fitted = for_host(refers("#", additionalProperties=False), restricted=True)
    assert fitted["properties"]["a"] == {"$ref": "#"}
    assert not jsonschema.Draft202012Validator(fitted).is_valid({"a": {"b": 1}})


@pytest.mark.parametrize("restricted", [True, False])
def test_a_reference_to_a_whole_that_is_not_only_about_objects(restricted):
    """The input is an object, but what refers to the whole inside it keeps its meaning."""
    schema = {"properties": {"a": {"type": "string", "not": {"$ref": "#"}}, "b": {"$ref": "#"}}, "$defs": {"self": {}}}
    judge = jsonschema.Draft202012Validator(for_host(schema, restricted=restricted))
    values = [{"a": "x"}, {"b": 1}, {"b": {"b": {"a": "x"}}}, {}]
    assert [judge.is_valid(value) for value in values] == [False, True, False, True]
    assert [jsonschema.Draft202012Validator(schema).is_valid(value) for value in values] == [False, True, False, True]


@pytest.mark.parametrize("target", [True, False])
def test_a_definition_that_is_a_boolean(target):
    """It allows everything, or nothing."""
    fitted = for_host(refers("#/definitions/t", definitions={"t": target}), restricted=True)
    check_mfjs(fitted)
    assert jsonschema.Draft202012Validator(fitted).is_valid({"a": 1}) is target


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize(
    "ref",
    [
        *(
            "https://x.test/schema.json",
            "other.json#/a",
            "#/$defs/missing",
            "#missing",
            "#/properties/a/x/y",
            "http://[",
        ),
        *("urn:x:y", "#/properties/a/anyOf/7", "#/type", "#/required/0"),
    ],
)
def test_what_is_not_there_becomes_words(ref, restricted):
    """Nothing is fetched: the description says what the reference said."""
    schema = refers(ref, required=["a"])
    schema["properties"]["a"]["description"] = "The thing."
    (said,) = (for_host(schema, restricted=restricted)["properties"]["a"]["description"],)
    assert said == f"The thing. Must match the JSON Schema {ref}, which is not given here."


def test_what_is_not_there_inside_what_nobody_knows():
    """Also where the reference itself is only found by way of another one."""
    fitted = for_host(refers("#/x/t", x={"t": {"items": {"$ref": "#/x/gone"}}}), restricted=True)
    assert "#/x/gone" in fitted["$defs"]["t"]["items"]["description"]


def test_two_references_at_once():
    """A dynamic one beside a plain one holds as well."""
    node = {"$ref": "#/definitions/a", "$dynamicRef": "#n"}
    definitions = {"a": TEXT, "b": {"maxLength": 1, "$dynamicAnchor": "n"}}
    fitted = for_host({"type": "object", "properties": {"a": node}, "definitions": definitions}, restricted=True)
    check_mfjs(fitted)
    judge = jsonschema.Draft202012Validator(fitted)
    assert [judge.is_valid({"a": value}) for value in ("x", "xx", 1)] == [True, False, False]


def test_the_root_is_a_reference():
    """Its properties come to the root, where hosts look for them, with what the root itself says of them."""
    schema = {
        "description": "Ours.",
        "$ref": "#/definitions/a",
        "definitions": {
            "a": {"$ref": "#/definitions/b"},
            "b": {"type": "object", "description": "b", "properties": {"x": TEXT}},
        },
    }
    for restricted in (True, False):
        fitted = for_host(schema, restricted=restricted)
        assert fitted["properties"] == {"x": TEXT}
        assert fitted["description"] == "Ours."


@pytest.mark.parametrize("ref", ["#", "#/$defs/a"])
def test_a_root_that_refers_to_itself(ref):
    """It says nothing, and ends."""
    schema = {"$ref": ref, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    assert without_dangling(schema) == schema
    assert for_host(schema, restricted=False)["type"] == "object"


def test_a_pointer_is_no_way_to_what_is_no_schema():
    """Only objects and booleans are schemas."""
    root = {"properties": {"a": True}, "x": {"y": [1, False]}}
    references = References(root)
    assert references.target("#/properties/a", root) is True
    assert references.target("#/x/y/1", root) is False
    assert [references.target(ref, root) for ref in ("#/x/y/0", "#/x/y/01", "#/x/y", "#/x/y/2", "#/x/z")] == [None] * 5
