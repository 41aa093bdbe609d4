"""Tasks and outcomes are the same on the other side of a pipe, and nothing else passes for one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.media.task import (
    ImageTask,
    PdfTask,
    PdfText,
    Picture,
    Reason,
    Unreadable,
    outcome_from_bytes,
    outcome_to_bytes,
    task_from_line,
    task_to_line,
)

_COUNTS = st.integers(min_value=0, max_value=10**9)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_SIZES = st.tuples(_COUNTS, _COUNTS)


@pytest.mark.parametrize("task", [PdfTask(3, 500), ImageTask(10, 100, 1_000)])
def test_tasks(task):
    """A task is one line."""
    line = task_to_line(task)
    assert line.count(b"\n") == 1
    assert task_from_line(line) == task


@given(
    st.one_of(
        st.builds(PdfText, _COUNTS, _COUNTS, st.booleans(), _TEXTS, _TEXTS),
        st.builds(Picture, _TEXTS, _TEXTS, _SIZES, _SIZES, _COUNTS),
        st.builds(Unreadable, st.sampled_from(Reason), _COUNTS),
    )
)
def test_outcomes(outcome):
    """Whatever is in the text, lines and all, arrives."""
    assert outcome_from_bytes(outcome_to_bytes(outcome)) == outcome


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n",
        b"Traceback",
        b"[]\nx",
        b"{}\n",
        b'{"kind": "Reader"}\n',
        b'{"kind": ["PdfText"]}\n',
        b'{"kind": "PdfText", "pages": "many", "read": 1, "is_cut": false, "title": ""}\nx',
        b'{"kind": "Picture", "media_type": "image/png", "came": 3, "goes": [1, 1], "frames": 1}\n',
        b'{"kind": "Picture", "media_type": "image/png", "came": [1], "goes": [1, 1], "frames": 1}\n',
        b'{"kind": "Unreadable", "reason": "bored", "pages": 0}\n',
        b'{"kind": "Unreadable", "reason": "broken", "pages": Infinity}\n',
        b"[" * 200_000,
        json.dumps({"kind": "PdfText"}).encode(),
        b"\xff\xfe\n\xff",
    ],
)
def test_nothing_else_is_an_outcome(said):
    """A process that says anything else has failed."""
    with pytest.raises(ValueError, match="not an outcome"):
        outcome_from_bytes(said)
