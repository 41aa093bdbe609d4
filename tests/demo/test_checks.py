"""Each check of the conversation holds for a right one, and names what is wrong with another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kimi_cli.demo.case import Case
from kimi_cli.demo.checks import check_answer, check_requests, check_thinking, check_tools
from kimi_cli.demo.outcome import Outcome, ToolRun
from kimi_cli.demo.report import DemoError
from kimi_cli.demo.upstream import Served

_CASE = Case(file=Path("note.txt"), number=123456, lines=42)
_READ = ToolRun("Read", "/tmp/note.txt", "1\tThe number is 123456.\n")
_COUNT = ToolRun("Bash", "wc -l note.txt", "42 note.txt")
_OUTCOME = Outcome(answer=f"{_CASE.answer}\n", thinking="Hm.", tools=(_READ, _COUNT), first_token=0.2)
_SERVED = [
    Served(streamed=True),
    Served(streamed=True, callers=1, reasoned=1),
    Served(streamed=True, callers=2, reasoned=2),
]


def test_a_right_conversation_passes():
    """Where everything is as it should be, each check says what it saw."""
    assert check_requests(_SERVED).startswith("3 requests")
    assert check_thinking(_OUTCOME, _SERVED, is_shown=True).startswith("3 characters")
    assert "was not shown it" in check_thinking(replace(_OUTCOME, thinking=""), _SERVED, is_shown=False)
    assert check_tools(_OUTCOME, _CASE) == "Read(/tmp/note.txt) brought 123456; Bash(wc -l note.txt) brought 42"
    assert f"{_CASE.number} and {_CASE.lines}" in check_answer(_OUTCOME, _CASE)


@pytest.mark.parametrize(
    ("served", "words"),
    [
        ([], "got 0 requests"),
        ([*_SERVED, Served(refused="unknown role 'developer'")], "refused .* unknown role 'developer'"),
        ([*_SERVED[:2], Served(callers=2, reasoned=2)], "Only 2 of 3 requests asked for a stream"),
    ],
)
def test_refused_or_missing_requests_are_named(served, words):
    """A refusal by the strict host, a missing request, or one without a stream is an error."""
    with pytest.raises(DemoError, match=words):
        check_requests(served)


def test_lost_thoughts_are_named():
    """Thoughts that never came, or that a later request lacks, are an error."""
    with pytest.raises(DemoError, match="saw no thinking"):
        check_thinking(replace(_OUTCOME, thinking=""), _SERVED, is_shown=True)
    with pytest.raises(DemoError, match="1 requests came back without"):
        check_thinking(_OUTCOME, [*_SERVED, Served(callers=2, reasoned=1)], is_shown=False)


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ((), "ran none of the tools"),
        ((_READ,), "ran Read of the tools"),
        ((_COUNT, _READ), "ran Bash and Read"),
        ((replace(_READ, failed=True, result="Denied."), _COUNT), r"Read failed: Denied\."),
        ((replace(_READ, result="1\t" + "x" * 200), _COUNT), r"does not hold 123456: '1\\tx+…'"),
        ((_READ, replace(_COUNT, result="142 note.txt")), "Bash brought does not hold 42"),
    ],
)
def test_tools_that_went_wrong_are_named(tools, words):
    """Missing, failing or lying tools are an error."""
    with pytest.raises(DemoError, match=words):
        check_tools(replace(_OUTCOME, tools=tools), _CASE)


def test_another_answer_is_shown():
    """A wrong answer is shown beside the right one."""
    with pytest.raises(DemoError, match=r"should be .*123456.* and is 'I do not know\.'"):
        check_answer(replace(_OUTCOME, answer="I do not know."), _CASE)
