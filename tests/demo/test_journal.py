"""The journal tells of every step as it ends, and makes a sentence of whatever goes wrong."""

from __future__ import annotations

import itertools

import pytest

from kimi_cli.demo.journal import Journal, StoppedError
from kimi_cli.demo.report import DemoError, DemoReport, Step


@pytest.fixture
def told():
    return []


@pytest.fixture
def journal(told):
    seconds = itertools.count(0.0, 1.5)
    return Journal(told.append, clock=lambda: next(seconds))


def test_a_step_is_told_when_it_ends(journal, told):
    """A step carries its detail and its time, and is reported once."""
    with journal.step("proxy") as entry:
        assert told == []
        entry.detail = "started"
    assert told == [Step("proxy", "started", 1.5)]
    journal.note("first token", "0.3 s after the start", seconds=0.3)
    assert journal.steps == (*told[:1], Step("first token", "0.3 s after the start", 0.3))
    assert journal.seconds == 4.5


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DemoError("It broke."), "It broke."),
        (DemoError("It broke.", fix="kimi stop"), "It broke. Fix: kimi stop"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (ValueError("odd"), "ValueError: odd"),
    ],
)
def test_a_failure_is_a_step(journal, told, error, sentence):
    """Whatever is raised becomes a failed step of one sentence, and stops what depends on it."""
    with pytest.raises(StoppedError) as caught, journal.step("proxy"):
        raise error
    assert caught.value.__cause__ is error
    assert told == [Step("proxy", sentence, 1.5, ok=False)]


def test_an_interrupt_is_no_step(journal, told):
    """A key press that ends the command ends it; it is not reported as something wrong."""
    with pytest.raises(KeyboardInterrupt), journal.step("proxy"):
        raise KeyboardInterrupt
    assert told == []


def test_a_failed_check_stops_nothing(journal, told):
    """Checks follow each other, whether they held or not."""

    def fail() -> str:
        raise DemoError("The answer is wrong.")

    journal.check("answer", fail)
    journal.check("tools", lambda: "both ran")
    assert [(step.name, step.detail, step.ok) for step in told] == [
        ("answer", "The answer is wrong.", False),
        ("tools", "both ran", True),
    ]
    report = DemoReport(steps=journal.steps, seconds=journal.seconds, client="built-in")
    assert not report.ok
    assert report.failures == (told[0],)
