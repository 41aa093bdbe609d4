"""Hosts that read JSON Schema as everybody does get it so, with the regular expressions that they can read."""

from __future__ import annotations

import jsonschema
import pytest

from kimi_cli.wire.schema import for_host
from kimi_cli.wire.schema.common import is_re2
from tests.doubles.groq_schema import check_groq_schema


def inside(schema: object) -> object:
    """What becomes of a schema inside the root."""
    fitted = for_host({"type": "object", "properties": {"a": schema}}, restricted=False)
    check_groq_schema("it", fitted, index=0)
    return fitted["properties"]["a"]


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "",
            "a",
            "^[a-z]+$",
            r"^\d{3}-\d{4}$",
            "(a|b)*?",
            "(?:a)",
            "(?P<n>a)",
            "(?<n>a)",
            "(?i:a)",
            r"\p{Lu}\pL",
            r"\.",
        ),
        *(
            r"[^\]\\]",
            "[^!#$%&'*+.^_`|~0-9A-Za-z-]",
            r"\x41\x{1F600}",
            "a{0,1000}",
            "[(]",
            r"\(",
            "]",
            "}",
            "{",
            "a{,2}",
        ),
        *(r"^[\s\S]{0,300}$", "é", "[[:alpha:]]", r"[\w-]", r"\/"),
    ],
)
def test_what_re2_reads(pattern):
    """Everyday expressions stay."""
    assert is_re2(pattern)
    assert inside({"type": "string", "pattern": pattern}) == {"type": "string", "pattern": pattern}


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?<!a)",
            "(?>a)",
            r"(a)\1",
            r"(?<n>a)\k<n>",
            r"\u0041",
            r"\cA",
            r"\x4",
            "a{1001}",
        ),
        *(
            "(",
            ")",
            ")(",
            "(a",
            "a)",
            "[",
            "[]",
            "[^]",
            "[a",
            "\\",
            "(?",
            "(?<",
            "(?#a)",
            r"\p{Script=Greek}",
            r"\p{Letter}",
        ),
        *("a" * 3_000, "[" * 2_000, "(a)(?", "(" * 1_999),
    ],
)
def test_what_re2_does_not_read(pattern):
    """Looking around, references and JavaScript's own escapes are not, and nothing broken is."""
    assert not is_re2(pattern)


def test_a_pattern_that_cannot_be_read_becomes_words():
    """The model is told what the host cannot check."""
    email = {"type": "string", "format": "email", "pattern": r"^(?!\.)(?!.*\.\.)\S+@\S+$", "description": "Yours."}
    fitted = inside(email)
    assert fitted == {
        "type": "string",
        "format": "email",
        "description": r"Yours. Must match the pattern ^(?!\.)(?!.*\.\.)\S+@\S+$",
    }


def test_names_that_cannot_be_read_become_words():
    """Then nothing may be forbidden that the name allowed."""
    schema = {
        "type": "object",
        "patternProperties": {"^(?!x)": {"type": "string"}, "^x": {"type": "integer"}},
        "additionalProperties": False,
    }
    fitted = inside(schema)
    assert fitted["patternProperties"] == {"^x": {"type": "integer"}}
    assert "additionalProperties" not in fitted
    assert '^(?!x) are of the schema {"type":"string"}. additionalProperties: false.' in fitted["description"]


def test_moonshot_keeps_what_it_does_not_read():
    """Its validator passes over patterns, and so do we."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=a)"}}}
    assert for_host(schema, restricted=True) == schema


@pytest.mark.parametrize(
    ("schema", "fitted"),
    [
        ({"type": "object", "required": []}, {"type": "object"}),
        ({"type": "object", "properties": {}, "required": []}, {"type": "object", "properties": {}}),
        ({"required": ["x"]}, {"required": ["x"], "properties": {"x": {}}}),
        (
            {"required": ["x"], "additionalProperties": {"type": "string"}},
            {"required": ["x"], "additionalProperties": {"type": "string"}, "properties": {"x": {"type": "string"}}},
        ),
        (
            {"required": ["x"], "patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False},
            {
                "patternProperties": {"^x": {"type": "string"}},
                "additionalProperties": False,
                "allOf": [{"properties": {"x": {}}, "required": ["x"]}],
            },
        ),
        ({"properties": {"y": {}}, "required": ["x"]}, {"properties": {"y": {}}, "required": ["x"]}),
    ],
)
def test_what_is_required_has_properties_beside_it(schema, fitted):
    """Where there are none the required ones are defined, as what they were allowed to be."""
    assert inside(schema) == fitted


def test_what_looks_for_unevaluated_properties_is_not_misled():
    """A definition that is only there for the host permits nothing."""
    schema = {"allOf": [{"required": ["x"]}], "unevaluatedProperties": False}
    fitted = inside(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid({"x": 1}) is False
    assert jsonschema.Draft202012Validator(fitted).is_valid({"x": 1}) is False


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"type": "string", "anyOf": [{"minLength": 1}]},
        {"$ref": "#/properties/a", "description": "x"},
        {"enum": [1, "a"], "oneOf": [True], "not": False, "x-odd": 1},
        {"prefixItems": [{}], "items": False, "unevaluatedItems": False},
        {"const": {"required": []}, "default": {"pattern": "(?=a)", "required": []}},
    ],
)
def test_the_rest_is_left_alone(schema):
    """What Moonshot minds nobody else does, and values are no schemas."""
    assert inside(schema) == schema
