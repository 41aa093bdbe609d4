"""Thinking blocks of a relayed request: the host's own go back as they came, and nobody else's do any harm."""

from __future__ import annotations

import pytest

from kimi_cli.wire.signature import Carried, to_signature
from tests.wire.asking import ask, relayed, result, said, thought, use, user

_OWN = {"type": "thinking", "thinking": "Hm.", "signature": "8d1f0c2e"}


def _block(thinking: str, signature: str) -> dict:
    return {"type": "thinking", "thinking": thinking, "signature": signature}


def _said(*blocks: dict) -> list[dict]:
    body, _ = relayed(ask(user("a"), said(*blocks, use("x")), user(result("x"))))
    return body["messages"][1]["content"][:-1]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (_OWN, [_OWN]),
        (_OWN | {"cache_control": {"type": "ephemeral"}}, [_OWN]),
        (_block("", to_signature(Carried(text="Hm.", signature="8d1f0c2e"))), [_OWN]),
        (_block("Hm.", ""), [thought("Hm.")]),
        (_block("", to_signature(Carried(text="Hm."))), [thought("Hm.")]),
        (
            _block("Hm.", to_signature(Carried(details=({"type": "reasoning.encrypted", "data": "x"},), model="m"))),
            [thought("Hm.")],
        ),
        (_block("Hm.", "kimi1:broken"), [thought("Hm.")]),
        (_block("", "EqQBCkYIBxgCKkA"), []),
        (_block("", ""), []),
        ({"type": "redacted_thinking", "data": "EmwKAhgB"}, []),
        ({"type": "thinking"}, []),
    ],
)
def test_a_block(block, expected):
    """A block keeps what its host can use: its own signature, any host's text, and no packing of ours."""
    assert _said(block) == expected


def test_a_turn_begins_with_its_thoughts():
    """Reasoning that was carried behind a text stands ahead of it for the host; later thoughts stay where they were."""
    text = {"type": "text", "text": "I look."}
    carried = _block("", to_signature(Carried(text="Hm.", signature="8d1f0c2e")))
    assert _said(text, carried) == [_OWN, text]
    assert _said(_OWN, text, thought("And more.")) == [_OWN, text, thought("And more.")]
