"""Estimates grow with what they measure, and leave out what no host will see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.failure import InvalidRequestError
from kimi_cli.wire.tokens import IMAGE_TOKENS, estimate_characters, estimate_request, estimate_text
from tests.wire.build import deep
from tests.wire.upstream import values


def _estimate(*blocks, **fields) -> int:
    return estimate_request({"messages": [{"role": "user", "content": list(blocks)}], **fields})


def _text(content: str) -> dict:
    return {"type": "text", "text": content}


@given(text=st.text(st.characters()), more=st.text(st.characters()))
def test_more_text_is_never_fewer_tokens(text, more):
    """Appending never lowers an estimate."""
    assert 0 <= estimate_text(text) <= estimate_text(text + more)


@given(blocks=st.lists(values.map(lambda value: {"type": "odd", "value": value}), max_size=4), extra=values)
def test_more_blocks_are_never_fewer_tokens(blocks, extra):
    """Nor does a further block of any kind."""
    assert _estimate(*blocks) <= _estimate(*blocks, {"type": "tool_use", "name": "Read", "input": extra})


def test_scripts_differ():
    """A Chinese character costs more than a letter, and a token covers several letters."""
    assert 230 <= estimate_text("word " * 200) <= 280
    assert 600 <= estimate_text("月之暗面" * 250) <= 800
    assert estimate_text("月" * 100) > 2 * estimate_text("a" * 100)


@pytest.mark.parametrize(
    ("block", "least", "most"),
    [
        (_text("x" * 3_900), 1_000, 1_010),
        ({"type": "thinking", "thinking": "x" * 3_900, "signature": "y" * 9_000}, 1_000, 1_010),
        ({"type": "image", "source": {"type": "base64", "data": "A" * 2_000_000}}, IMAGE_TOKENS, IMAGE_TOKENS + 10),
        ({"type": "document", "source": {"type": "base64", "data": "A" * 2_000_000}}, IMAGE_TOKENS, IMAGE_TOKENS + 10),
        ({"type": "document", "source": {"type": "text", "data": "x" * 3_900}}, 1_000, 1_040),
        ({"type": "tool_use", "name": "Read", "input": {"a": "x" * 3_900}}, 1_000, 1_020),
        ({"type": "tool_result", "content": "x" * 3_900}, 1_000, 1_020),
        ({"type": "tool_result", "content": [_text("x" * 3_900), {"type": "image", "source": {}}]}, 2_000, 2_030),
        ({"type": "odd", "value": "x" * 3_900}, 1_000, 1_020),
        ("no block", 0, 10),
    ],
)
def test_blocks(block, least, most):
    """Text counts by its length, pictures by the picture, wherever they stand."""
    assert least <= _estimate(block) <= most


def test_system_and_tools_count():
    """The system prompt in either form and the tools are part of the prompt."""
    assert _estimate(system="x" * 3_900) == _estimate(system=[_text("x" * 3_900)]) == _estimate() + 1_000
    tool = {"name": "Read", "description": "x" * 3_900, "input_schema": {"type": "object"}}
    assert 1_000 <= _estimate(tools=[tool]) - _estimate() <= 1_050


def test_deferred_tools_do_not_count():
    """A tool that the host is not told of costs nothing."""
    tool = {"name": "Read", "description": "x" * 3_900, "input_schema": {}, "defer_loading": True}
    assert _estimate(tools=[tool]) == _estimate()


def test_the_length_alone():
    """A text of which only the length is known counts like English."""
    assert (estimate_characters(0), estimate_characters(3_900)) == (0, 1_000)


@given(request=values | st.dictionaries(st.sampled_from(["system", "messages", "tools"]), values))
def test_any_request_can_be_estimated(request):
    """JSON of any form in any place has an estimate."""
    fields = request if isinstance(request, dict) else {"messages": request}
    assert estimate_request(fields) >= 0


def test_deep_nesting_is_refused_and_no_crash():
    """A block nested deeper than can be measured is the client's fault and not a crash."""
    assert _estimate(deep(100)) > 0
    with pytest.raises(InvalidRequestError, match="nested too deeply"):
        _estimate(deep(10_000))
