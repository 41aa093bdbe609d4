"""JSON goes in and out unchanged; what is no JSON is refused, and halves of characters do no harm."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.codec import NotJsonError, dumps, dumps_strict, dumps_text, loads, loads_object
from tests.wire.upstream import values

_loose_text = st.text(st.characters())


@given(value=values)
def test_round_trip(value):
    """What is written can be read again, in each of the three forms."""
    assert loads(dumps(value)) == loads(dumps_strict(value)) == loads(dumps_text(value).encode()) == value


@given(value=values)
def test_other_parsers_read_what_is_written(value):
    """The standard library reads our JSON, and ours reads its."""
    assert json.loads(dumps(value)) == value
    assert loads(json.dumps(value).encode()) == value


@given(text=_loose_text)
def test_halves_of_characters(text):
    """A half of a surrogate pair survives on the way to a client, and becomes U+FFFD on the way to a host."""
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert loads(dumps([text])) == [joined]
    replaced = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert loads(dumps_strict({text: text})) == {replaced: replaced}
    dumps_strict([text]).decode()


def test_halves_that_belong_together_are_joined():
    """Two halves side by side are one character again, in either direction."""
    assert loads(dumps_strict("\ud83c\udf12")) == "🌒"
    assert json.loads(dumps("\ud83c\udf12")) == "🌒"
    assert dumps_text({"a": "\ud83cx"}) == '{"a":"�x"}'


def test_output_is_compact_and_readable():
    """No spaces, no escapes that are not needed."""
    assert dumps({"a": [1, "é月"]}) == '{"a":[1,"é月"]}'.encode()
    assert dumps_strict({"a": ["\ud800", "é"]}) == '{"a":["�","é"]}'.encode()


@pytest.mark.parametrize("number", [2**70, -(2**64), 10**400])
def test_large_numbers(number):
    """Numbers beyond 64 bits are written in full."""
    assert dumps({"a": number}) == b'{"a":%d}' % number


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{",
        b"nul",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b'{"a": [1e999]}',
        b"-1e999",
        b"'a'",
        b"{a:1}",
        b"\xff",
        b'"\xe2\x80"',
        b"[" * 9_000,
    ],
    ids=lambda data: repr(data)[:20],
)
def test_what_is_no_json(data):
    """Everything else is one error."""
    with pytest.raises(NotJsonError):
        loads(data)


@pytest.mark.parametrize("data", [b"[]", b'"a"', b"1", b"null", b"true", b""])
def test_what_is_no_object(data):
    """Where an object is asked for, other JSON is refused as well."""
    with pytest.raises(NotJsonError):
        loads_object(data)


@given(data=st.binary(max_size=30))
def test_bytes_of_any_kind(data):
    """Arbitrary bytes are read or refused, never more."""
    with suppress(NotJsonError):
        loads(data)
