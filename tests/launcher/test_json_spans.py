"""The places of parts in a JSON text."""

from __future__ import annotations

import json

import pytest

from kimi_cli.launcher.json_spans import elements, value_at, with_elements

TEXT = ' { "a" : 1.0 , "m":{"x":[],"c": [ {"t":"]},{"} , [1,[2]] ,"é\\"" ,null ] } , "m2" : {} } '


def part(text, span):
    return text[slice(*span)]


def test_values():
    """Nested keys lead to a value's exact text, whatever is in other values."""
    assert part(TEXT, value_at(TEXT, "a")) == "1.0"
    assert part(TEXT, value_at(TEXT, "m", "x")) == "[]"
    assert part(TEXT, value_at(TEXT, "m2")) == "{}"
    with pytest.raises(KeyError):
        value_at(TEXT, "m", "y")


def test_the_last_of_a_repeated_key_counts():
    """As every reader of JSON takes it."""
    text = '{"a":1,"a":[2]}'
    assert part(text, value_at(text, "a")) == "[2]"


def test_elements():
    """Every element has its place, and those that are kept stand as they stood."""
    array = value_at(TEXT, "m", "c")
    found = elements(TEXT, array)
    assert [part(TEXT, span) for span in found] == ['{"t":"]},{"}', "[1,[2]]", '"é\\""', "null"]
    assert elements(TEXT, value_at(TEXT, "m", "x")) == []
    without = with_elements(TEXT, array, found[2:])
    assert without == ' { "a" : 1.0 , "m":{"x":[],"c": ["é\\"",null] } , "m2" : {} } '
    assert json.loads(with_elements(TEXT, array, []))["m"]["c"] == []
