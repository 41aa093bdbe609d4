"""Words that mean nothing, as they are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.store.spelling import closest, shown, unknown_keys


@pytest.mark.parametrize(
    ("word", "found"),
    [("modle", "model"), ("MODEL", "model"), ("base-url", "base_url"), ("key-variabel", "key_variable"), ("q", None)],
)
def test_closest(word, found):
    """The word that is most like another one is found, whatever its case and its hyphens."""
    assert closest(word, ("model", "base_url", "key_variable")) == found


def test_closest_with_hyphens():
    """A word that has hyphens itself is found as it is written."""
    assert closest("moonshot_cnn", ("moonshot-cn", "groq")) == "moonshot-cn"


def test_unknown_keys():
    """Only keys that are not known are told, in their order and with their table."""
    found = unknown_keys(Path("f"), ["model", "b", "modl"], known=["model"], where="x.", what="thing")
    assert found == ("f: x.b is not a thing; known: model.", "f: x.modl is not a thing; did you mean model?")


def test_reasons():
    """For a key that people try there is a reason instead, whatever its case."""
    found = unknown_keys(Path("f"), ["KEY"], known=["model"], reasons={"key": "is not read."})
    assert found == ("f: KEY is not read.",)


@given(st.text(max_size=200))
def test_shown(text):
    """What is shown fits on a line, and steers no terminal."""
    assert shown(text).isprintable()
    assert 0 < len(shown(text)) <= 700
