"""Documents and images are found where the model is shown them, and replaced without touching what was given."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.media.places import DEPTH, media_of, with_others

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}
DOCUMENT = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA"}}
TEXT = {"type": "text", "text": "x"}


def asked(*content: object, role: str = "user") -> dict:
    return {"model": "x", "messages": [{"role": role, "content": list(content)}]}


def result(*content: object) -> dict:
    return {"type": "tool_result", "tool_use_id": "t", "content": list(content)}


def holder(*content: object) -> dict:
    return {"type": "document", "source": {"type": "content", "content": list(content)}}


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (asked(TEXT, IMAGE, DOCUMENT), 2),
        (asked(result(TEXT, IMAGE), result(DOCUMENT)), 2),
        (asked(result(holder(IMAGE))), 2),
        (asked(IMAGE, role="assistant"), 0),
        (asked({"type": "tool_use", "input": {"content": [IMAGE]}}), 0),
        (asked(IMAGE, role="system"), 1),
        ({"messages": [{"role": "user", "content": "image"}, "x", None, {"role": "user"}]}, 0),
        (asked(None, 3, [IMAGE], {"type": ["image"]}, {"type": "tool_result", "content": {"type": "image"}}), 0),
        ({"messages": {"role": "user"}}, 0),
        ({}, 0),
    ],
)
def test_where_they_are_looked_for(body, count):
    """In turns that are not the model's own, in results, and in documents made of blocks."""
    assert len(media_of(body)) == count


def test_depth_has_an_end():
    """A request that nests without end costs nothing here; the translation refuses it."""
    block: dict = IMAGE
    for _ in range(10_000):
        block = result(block)
    body = asked(block)
    assert media_of(body) == []
    assert with_others(body, {id(IMAGE): [TEXT]})["messages"] == body["messages"]
    assert DEPTH < 10_000


blocks = st.recursive(
    st.sampled_from(["image", "document", "text"]).map(lambda kind: {"type": kind, "source": {}}),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda content: result(*content))
        | st.lists(inner, max_size=4).map(lambda content: holder(*content))
    ),
    max_leaves=12,
)


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), st.lists(blocks, max_size=4)), max_size=4),
    st.sets(st.integers(min_value=0, max_value=20)),
)
def test_what_is_replaced_is_found_and_nothing_else_changes(turns, chosen):
    """Each block that was found can be replaced alone; the request that was given stays as it was."""
    body = copy.deepcopy({"messages": [{"role": role, "content": content} for role, content in turns]})
    before = copy.deepcopy(body)
    found = [block for block in media_of(body) if "content" not in block["source"]]
    instead = {id(found[number]): [TEXT, TEXT] for number in chosen if number < len(found)}
    after = with_others(body, instead)
    assert body == before
    left = [id(block) for block in media_of(after) if "content" not in block["source"]]
    assert left == [id(block) for block in found if id(block) not in instead]
    assert str(after).count("'text': 'x'") == 2 * len(instead)
    if not instead:
        assert after == before
