"""Every block has a form that a host can take, those that did not exist when this was written too."""

from __future__ import annotations

import pytest

from kimi_cli.wire.content import (
    IMAGE_LEFT_OUT,
    Sight,
    as_content,
    blocks_of,
    parts_of,
    reference_name,
    system_text,
    text_of,
)
from tests.wire.asking import LINK, PNG, text

_BLIND = Sight(images=False, image_urls=True)
_SEES = Sight(images=True, image_urls=True)
_SEES_DATA = Sight(images=True, image_urls=False)


def _document(kind: str, **fields: object) -> dict:
    source = {
        "type": kind,
        **{key: fields.pop(key) for key in ("data", "content", "url", "media_type") if key in fields},
    }
    return {"type": "document", "source": source, **fields}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (text("a"), "a"),
        ({"type": "text"}, ""),
        ({"type": "text", "text": ["a"]}, ""),
        ({"type": "thinking", "thinking": "a"}, ""),
        ({"type": "redacted_thinking", "data": "a"}, ""),
        (PNG, ""),
        (_document("text", data="a"), "a"),
        (_document("text", data="a", title="T"), "T\n\na"),
        (_document("content", content="a"), "a"),
        (_document("content", content=[text("a"), text("b"), PNG]), "a\nb\n"),
        (
            _document("base64", data="aGVsbG8gd29y", media_type="application/pdf", title="T"),
            "[application/pdf 'T' of 9 bytes left out: this host takes no documents]",
        ),
        (_document("url", url="https://a.test"), "[document at https://a.test]"),
        (_document("file"), "[document left out: this host takes no documents]"),
        ({"type": "document"}, "[document left out: this host takes no documents]"),
        ({"type": "search_result", "title": "T", "source": "S", "content": [text("a")]}, "T (S)\na"),
        (
            {"type": "tool_reference", "tool_name": "Edit"},
            "The tool Edit is now available and can be called by that name.",
        ),
        (
            {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "Edit"}},
            "The tool Edit is now available and can be called by that name.",
        ),
        (
            {"type": "tool_addition", "tool": {"definition": {"name": "Edit"}}},
            "The tool Edit is now available and can be called by that name.",
        ),
        ({"type": "tool_removal", "tool": {"name": "Edit"}}, "The tool Edit is no longer available."),
        (
            {
                "type": "tool_search_tool_result",
                "content": {"tool_references": [{"type": "tool_reference", "tool_name": "Edit"}]},
            },
            "The tool Edit is now available and can be called by that name.",
        ),
        ({"type": "tool_search_tool_result", "content": {"error_code": "x"}}, ""),
        ({"type": "server_tool_use", "name": "web_search", "input": {"q": "a"}}, '[called web_search with {"q":"a"}]'),
        ({"type": "mcp_tool_use", "name": "x"}, "[called x with null]"),
        ({"type": "web_search_tool_result", "content": [{"title": "T", "url": "U"}]}, "T (U)"),
        ({"type": "web_search_tool_result", "content": {"error_code": "x"}}, ""),
        ({"type": "compaction", "content": "a"}, "a"),
        ({"type": "container_upload", "file_id": "x"}, "[container_upload block left out]"),
        ({"type": "something_new", "content": [text("a"), {"type": "other"}]}, "a\n[other block left out]"),
        ({"type": "something_new", "content": "a"}, "a"),
        ({"type": 17}, ""),
        ({}, ""),
    ],
)
def test_blocks_as_text(block, expected):
    """Whatever a block is, what a model can know of it is said in a few words."""
    assert text_of(block) == expected


@pytest.mark.parametrize(
    ("block", "sight", "expected"),
    [
        (PNG, _SEES, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}),
        (PNG, _SEES_DATA, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}),
        (PNG, _BLIND, text(IMAGE_LEFT_OUT)),
        (LINK, _SEES, {"type": "image_url", "image_url": {"url": "https://host.test/a.png"}}),
        (LINK, _SEES_DATA, text("[image at https://host.test/a.png]")),
        (LINK, _BLIND, text(IMAGE_LEFT_OUT)),
        (
            _document("content", content=[PNG]),
            _SEES,
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        ),
        ({"type": "text", "text": "a", "citations": [1], "cache_control": {}}, _SEES, text("a")),
    ],
)
def test_parts(block, sight, expected):
    """Images are shown to models that see, in the form that the host can fetch; the others are told of them."""
    assert parts_of(block, sight) == [expected]


@pytest.mark.parametrize(
    "source", [None, {}, {"type": "file", "file_id": "f"}, {"type": "url"}, {"type": "odd", "url": "https://a.test"}]
)
@pytest.mark.parametrize("sight", [_SEES, _SEES_DATA, _BLIND])
def test_an_image_that_cannot_be_had(source, sight):
    """An image without data or address is left out in words."""
    (part,) = parts_of({"type": "image", "source": source}, sight)
    assert part["type"] == "text"
    assert part["text"].startswith("[image left out")


def test_nothing_has_no_part():
    """A block without text is no part of a message."""
    assert parts_of({"type": "thinking", "thinking": "a"}, _SEES) == []


def test_content_is_a_string_unless_there_is_an_image():
    """Every host takes a string, some nothing else."""
    image = {"type": "image_url", "image_url": {"url": "x"}}
    assert as_content([text("a"), text("b")]) == "a\n\nb"
    assert as_content([text("a"), image]) == [text("a"), image]


@pytest.mark.parametrize(
    ("content", "blocks"), [("a", [text("a")]), ("", []), ([PNG, "a", None], [PNG]), (None, []), (3, []), ({}, [])]
)
def test_content_as_blocks(content, blocks):
    """A string is a text block; what is no block is passed over."""
    assert blocks_of(content) == blocks


def test_the_billing_block_is_dropped_wherever_it_stands():
    """It differs from run to run and would spoil the prompt's cache."""
    assert system_text([text("a"), text("x-anthropic-billing-header: x"), text("b")]) == "a\n\nb"


@pytest.mark.parametrize(
    ("block", "name"), [({"tool_name": "a"}, "a"), ({"name": "b"}, "b"), ({"tool_name": 3}, ""), ({}, "")]
)
def test_names_of_references(block, name):
    """A reference names its tool under either of two names."""
    assert reference_name(block) == name
