"""Structured reasoning is put together as the host meant it, and kept where its text would not be enough."""

from __future__ import annotations

import pytest

from kimi_cli.providers.dialect import OPENROUTER
from kimi_cli.wire.details import Details, text_in
from kimi_cli.wire.signature import from_signature
from kimi_cli.wire.thinking import Display
from tests.wire.asking import MODEL, messages_of, result, said, user
from tests.wire.build import calls, chunk, content_of, end, fragment, sse, text

_TEXT = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
_SEALED = {"type": "reasoning.encrypted", "data": "b3BhcXVl", "id": "rs_1", "format": "openai-responses-v1", "index": 1}
_CALL = calls(fragment(0, id="a", name="Read", arguments="{}"))


def _thought(reasoning: str | None, *details: dict) -> dict:
    return chunk({"content": "", "reasoning": reasoning, "reasoning_details": list(details)})


def test_pieces_are_joined():
    """Pieces of one entry become one entry with all that came with any of them; others stay apart and in order."""
    details = Details()
    details.add([{**_TEXT, "text": "Let "}])
    details.add([{**_TEXT, "text": "me see.", "signature": None}, {**_TEXT, "signature": "sig"}])
    details.add([_SEALED, _SEALED, {**_TEXT, "index": 2, "text": "More."}])
    assert details.entries() == (
        {**_TEXT, "text": "Let me see.", "signature": "sig"},
        _SEALED,
        _SEALED,
        {**_TEXT, "index": 2, "text": "More."},
    )
    assert text_in(details.entries()) == "Let me see.More."
    assert details.is_telling


@pytest.mark.parametrize(
    ("entries", "is_telling"),
    [
        ([], False),
        ([{**_TEXT, "text": "a"}], False),
        ([{"type": "reasoning.summary", "summary": "a"}], False),
        ([{**_TEXT, "text": "a", "signature": ""}], False),
        ([{**_TEXT, "signature": "s"}], True),
        ([_SEALED], True),
        ([{}, {"type": 3}, {"type": ["x"], "data": ""}], False),
    ],
)
def test_whether_the_text_is_enough(entries, is_telling):
    """Signatures and encrypted entries say what the text does not; whatever an entry looks like, nothing fails."""
    details = Details()
    details.add(entries)
    assert details.is_telling is is_telling
    assert len(details.entries()) == len(entries)


_STREAM = sse(
    _thought("Let ", {**_TEXT, "text": "Let "}),
    _thought("me see.", {**_TEXT, "text": "me see."}),
    _thought(None, {**_TEXT, "signature": "sig"}),
    text("I look."),
    _thought(None, _SEALED),
    _CALL,
    end("tool_calls"),
)
_WHOLE = [{**_TEXT, "text": "Let me see.", "signature": "sig"}, _SEALED]


@pytest.mark.parametrize("display", [Display.SHOWN, Display.OMITTED, Display.CARRIED])
def test_it_goes_there_and_back(display):
    """What came in a stream goes back unchanged on the next turn, whatever of it the client saw."""
    content = content_of(_STREAM, display=display, details_model=MODEL.id)
    kinds = [block["type"] for block in content]
    if display is Display.CARRIED:
        assert kinds == ["text", "thinking", "tool_use"]
    else:
        assert kinds == ["thinking", "text", "thinking", "tool_use"]
    shown = "".join(block["thinking"] for block in content if block["type"] == "thinking")
    assert shown == ("Let me see." if display is Display.SHOWN else "")
    call = next(block for block in content if block["type"] == "tool_use")
    message = messages_of(user("a"), said(*content), user(result(call["id"])), dialect=OPENROUTER)[1]
    assert message["reasoning_details"] == _WHOLE


def test_text_alone_is_not_kept_twice():
    """Kimi's models send entries that hold the text and nothing else; a block of theirs needs no signature."""
    stream = sse(_thought("Hm.", {"type": "reasoning.text", "text": "Hm.", "index": 0}), text("So."), end())
    assert content_of(stream, details_model=MODEL.id)[0] == {"type": "thinking", "thinking": "Hm.", "signature": ""}
    hidden = content_of(stream, details_model=MODEL.id, display=Display.OMITTED)[0]
    carried = from_signature(hidden["signature"])
    assert carried is not None
    assert (carried.text, carried.details) == ("Hm.", ())


def test_hosts_that_send_entries_alone():
    """Reasoning that comes as entries without the plain field is shown all the same."""
    stream = sse(chunk({"reasoning_details": [{**_TEXT, "text": "Hm."}]}), text("So."), end())
    assert content_of(stream)[0]["thinking"] == "Hm."


def test_other_hosts_keep_none():
    """A host to which nothing structured goes back leaves none in the blocks."""
    assert [block.get("signature") for block in content_of(_STREAM)] == ["", None, None]
