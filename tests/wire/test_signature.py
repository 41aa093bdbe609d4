"""Signatures of thinking blocks hold what they were given, and give nothing where they are not ours or not whole."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.signature import LIMIT, PREFIX, Carried, from_signature, reasoning_of, to_signature
from tests.wire.upstream import values

_DETAILS = st.lists(st.dictionaries(st.text(max_size=5), values, max_size=3), max_size=3).map(tuple)
_TEXT = "I look at the file. Then I change it, and look again.\n" * 40


@given(text=st.text(), details=_DETAILS, model=st.text(max_size=5), signature=st.text(max_size=9))
def test_what_is_put_in_comes_out(text, details, model, signature):
    """Whatever is held comes back, and the signature is text that travels anywhere."""
    carried = Carried(text=text, details=details, model=model, signature=signature)
    packed = to_signature(carried)
    assert packed.isascii()
    assert (packed == "") is (carried == Carried())
    assert from_signature(packed) == (carried if packed else None)


def test_half_of_an_emoji_is_held():
    """Hosts cut surrogate pairs between chunks; what is left of one comes back as it was."""
    assert from_signature(to_signature(Carried(text="a\ud83d")) or "") == Carried(text="a\ud83d")


def test_long_reasoning_is_packed():
    """A signature is shorter than the reasoning in it, where that is long."""
    assert len(to_signature(Carried(text=_TEXT))) < len(_TEXT) / 2


@given(at=st.integers(0, 10_000), to=st.characters(codec="ascii"))
def test_what_was_damaged_says_nothing(at, to):
    """A signature in which a letter was changed, or that was cut, gives nothing, or what it was made of."""
    whole = to_signature(Carried(text="Let me see.", model="k3"))
    at %= len(whole)
    for damaged in (whole[:at] + to + whole[at + 1 :], whole[:at], whole + to):
        assert from_signature(damaged) in {None, Carried(text="Let me see.", model="k3")}
        assert from_signature(whole[:at]) is None


def _forged(data: bytes) -> str:
    return PREFIX + base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "signature",
    [
        "",
        PREFIX,
        "EqQBCkYIBxgCKkBpY2s=",
        "kimi2:eNoDAAAAAAE=",
        to_signature(Carried(text="hm")).upper(),
        PREFIX + "eNq\u4e2d",
        PREFIX + "eNq r",
        _forged(b"no zlib"),
        _forged(zlib.compress(b"no json")),
        _forged(zlib.compress(b"[1]")),
        _forged(zlib.compress(b'{"t":"a"}') + b"more"),
        _forged(zlib.compress(b"[" * 100_000)),
        _forged(zlib.compress(b'{"t":"' + b"a" * (LIMIT + 1) + b'"}')),
    ],
    ids=range(13),
)
def test_what_is_not_ours_says_nothing(signature):
    """Signatures of others, of another version, forged ones and those that unpack without end are all nothing."""
    assert from_signature(signature) is None
    assert reasoning_of({"type": "thinking", "thinking": "", "signature": signature}) == ""
    assert reasoning_of({"type": "thinking", "thinking": "seen", "signature": signature}) == "seen"


def test_fields_of_other_types_count_as_absent():
    """What somebody else packed is read like any foreign JSON."""
    odd = _forged(zlib.compress(json.dumps({"t": 1, "d": "x", "m": None, "s": [], "z": 2}).encode()))
    assert from_signature(odd) == Carried()


def test_more_than_is_taken_back_is_not_held():
    """Reasoning beyond the limit gives no signature, rather than one that nobody reads."""
    assert to_signature(Carried(text="a" * (LIMIT + 1))) == ""


def test_reasoning_of_a_block():
    """The text of a block counts before its signature; structured reasoning has its text inside."""
    details = ({"type": "reasoning.summary", "summary": "In short"}, {"type": "reasoning.encrypted", "data": "x"})
    signature = to_signature(Carried(details=details, model="m"))
    assert reasoning_of({"thinking": "", "signature": signature}) == "In short"
    assert reasoning_of({"thinking": "long", "signature": signature}) == "long"
    assert reasoning_of({"thinking": None, "signature": 3}) == ""
