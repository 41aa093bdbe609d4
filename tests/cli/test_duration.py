"""Spans of time, read and said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.cli.duration import in_words, parse_duration
from kimi_cli.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("30m", 1800), ("8h", 28_800), ("2d", 172_800), ("1h30m", 5400), (" 5M ", 300)],
)
def test_read(text, seconds):
    """A number is in seconds; units may follow one another."""
    assert parse_duration(text, option="--x") == seconds


@pytest.mark.parametrize("text", ["", "0", "0h", "-5", "5 m", "h", "1.5h", "5x", "1h30", "٣", "inf", "1" * 400])
def test_refused(text):
    """What is no span, or none at all, is a usage error that says where it was given."""
    with pytest.raises(UsageError, match="--x"):
        parse_duration(text, option="--x")


@given(st.integers(1, 10**8))
def test_said(seconds):
    """What is said can be read again, and means the same."""
    assert parse_duration(in_words(seconds), option="--x") == seconds


def test_words():
    """A span is said in the units that it is made of."""
    assert [in_words(seconds) for seconds in (0, 90, 5400, 28_800, 90_061)] == [
        "0s",
        "1m30s",
        "1h30m",
        "8h",
        "1d1h1m1s",
    ]
