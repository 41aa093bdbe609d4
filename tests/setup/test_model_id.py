"""Which texts are ids of models."""

from __future__ import annotations

import pytest

from kimi_cli.errors import UsageError
from kimi_cli.setup.model_id import clean_model_id


@pytest.mark.parametrize("text", ["kimi-k3", " moonshotai/kimi-k2:free\n", "accounts/x/models/k3", "x" * 200])
def test_ids(text):
    """White space around an id is not part of it."""
    assert clean_model_id(text, fix="kimi models") == text.strip()


@pytest.mark.parametrize("text", ["", "  ", "two words", "bell\x07", "\x1b[31mred", "kimi\u200bk3", "ä", "x" * 201])
def test_no_ids(text):
    """What could steer a terminal, or split a header, is none; the text is not repeated."""
    with pytest.raises(UsageError) as caught:
        clean_model_id(text, fix="kimi models")
    assert caught.value.fix == "kimi models"
    assert str(caught.value).isprintable()
