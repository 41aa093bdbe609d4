"""Names that hosts refuse are mapped to others, always the same, and back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.names import ToolNames, with_original_name, with_original_names

_ACCEPTED = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,63}")


@given(name=st.text(st.characters(), max_size=80) | st.from_regex(_ACCEPTED, fullmatch=True))
def test_names_fit_and_come_back(name):
    """Any name has one that hosts accept, always the same, which leads back to it; a good name stays."""
    names = ToolNames()
    mapped = names.to_host(name)
    assert _ACCEPTED.fullmatch(mapped)
    assert names.to_host(name) == ToolNames().to_host(name) == mapped
    assert names.originals.get(mapped, mapped) == name
    assert (mapped == name) == bool(_ACCEPTED.fullmatch(name))


@given(names=st.lists(st.text(".:/ab1_", min_size=1, max_size=5), unique=True))
def test_names_stay_apart(names):
    """Different names never become one."""
    mapped = [ToolNames().to_host(name) for name in names]
    assert len(set(mapped)) == len(names)


def test_long_names_that_begin_alike():
    """What they differ in may stand behind what fits."""
    names = ToolNames()
    long = ["mcp__server__" + "x" * 60 + tail for tail in ("a", "b")]
    first, second = map(names.to_host, long)
    assert first != second
    assert first[:55] == second[:55]
    assert [names.originals[first], names.originals[second]] == long


@pytest.mark.parametrize(
    ("name", "readable"), [("21st_magic", "t21st_magic"), ("_x", "t_x"), ("-", "t-"), ("a.b c", "a_b_c"), ("", "t")]
)
def test_names_can_still_be_read(name, readable):
    """A model understands what is meant; a letter comes first, which Moonshot wants."""
    assert re.fullmatch(rf"{readable}_[0-9a-f]{{8}}", ToolNames().to_host(name))


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "tool_use", "name": "t", "id": "x"}, {"type": "tool_use", "name": "original.t", "id": "x"}),
        ({"type": "tool_use", "name": "other"}, {"type": "tool_use", "name": "other"}),
        ({"type": "server_tool_use", "name": "t"}, {"type": "server_tool_use", "name": "t"}),
        ({"type": "text", "text": "t"}, {"type": "text", "text": "t"}),
        ({"type": "tool_use", "name": None}, {"type": "tool_use", "name": None}),
    ],
)
def test_calls_get_their_names_back(block, expected):
    """Only calls have names of the client's, and only changed ones change."""
    assert with_original_name(block, {"t": "original.t"}) == expected
    message = {"type": "message", "content": [block], "role": "assistant"}
    assert with_original_names(message, {"t": "original.t"}) == {**message, "content": [expected]}
