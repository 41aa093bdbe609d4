"""Enumerations get the one type that Moonshot's validator wants, and keep exactly their values."""

from __future__ import annotations

import pytest

from kimi_cli.wire.schema import for_host
from kimi_cli.wire.schema.enums import with_typed_enum
from tests.doubles.mfjs import check_mfjs


@pytest.mark.parametrize(
    ("schema", "fitted"),
    [
        ({"enum": ["a", "b"], "title": "T"}, {"type": "string", "enum": ["a", "b"], "title": "T"}),
        ({"enum": [1, 2.0]}, {"type": "integer", "enum": [1, 2.0]}),
        ({"enum": [1, 2.5]}, {"type": "number", "enum": [1, 2.5]}),
        ({"enum": [True]}, {"type": "boolean", "enum": [True]}),
        ({"enum": [None]}, {"type": "null", "enum": [None]}),
        ({"enum": [{"a": 1}]}, {"type": "object", "enum": [{"a": 1}]}),
        (
            {"enum": ["a", None, "b"]},
            {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null", "enum": [None]}]},
        ),
        ({"enum": [1, True]}, {"anyOf": [{"type": "integer", "enum": [1]}, {"type": "boolean", "enum": [True]}]}),
        ({"type": "string", "enum": ["a", None, 1]}, {"type": "string", "enum": ["a"]}),
        ({"type": "integer", "enum": [1, 1.5]}, {"type": "integer", "enum": [1]}),
        ({"type": "number", "enum": [1, 1.5]}, {"type": "number", "enum": [1, 1.5]}),
        ({"type": ["string", "null"], "enum": ["a", None]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": ["string", "integer"], "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "string", "enum": [1]}, {"type": "string", "not": {}}),
        ({"enum": []}, {"type": "null", "not": {}}),
        ({"type": "string"}, {"type": "string"}),
    ],
)
def test_types(schema, fitted):
    """One type keeps its values together; several become branches, and what no type allows goes."""
    assert with_typed_enum(schema) == fitted
    check_mfjs(for_host({"type": "object", "properties": {"a": schema}}, restricted=True))


@pytest.mark.parametrize(
    ("values", "branches"),
    [
        ([f"{at}" for at in range(500)], None),
        ([f"{at}" for at in range(501)], 3),
        (["x" * 30 + f"{at:03}" for at in range(250)], None),
        (["x" * 30 + f"{at:03}" for at in range(251)], 2),
    ],
)
def test_long_ones(values, branches):
    """What is too long for one enumeration becomes several, with every value in its order."""
    schema = {"type": "string", "enum": values}
    fitted = with_typed_enum(schema)
    check_mfjs(for_host({"type": "object", "properties": {"a": schema}}, restricted=True))
    if branches is None:
        assert fitted is schema
    else:
        assert len(fitted["anyOf"]) == branches
        assert [value for branch in fitted["anyOf"] for value in branch["enum"]] == values


def test_a_choice_beside_the_values():
    """Both have to hold."""
    schema = {"enum": ["a", 1], "anyOf": [{"type": "string"}]}
    fitted = for_host({"type": "object", "properties": {"a": schema}}, restricted=True)
    check_mfjs(fitted)
    assert fitted["properties"]["a"] == {
        "allOf": [{"anyOf": [{"type": "string"}]}],
        "anyOf": [{"type": "string", "enum": ["a"]}, {"type": "integer", "enum": [1]}],
    }
