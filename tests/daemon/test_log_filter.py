"""Which lines of a log are asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from kimi_cli.daemon.log_filter import LogFilter, parse_since
from kimi_cli.errors import UsageError

NOW = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)


def event(minutes: int, **fields) -> bytes:
    """An event so many minutes before now."""
    return json.dumps({"time": (NOW - timedelta(minutes=minutes)).isoformat(), "event": "e", **fields}).encode()


def picked(lines, **asked) -> list[bytes]:
    """What a filter lets through."""
    return list(LogFilter(**asked).pick(lines))


ODD = [b"", b"Traceback (most recent call last):", b"[1, 2]", b"\xff", b'{"time": 5}', b"[" * 100_000]


def test_everything():
    """Where nothing in particular is asked for, every line passes, whatever it is."""
    lines = [event(1), *ODD, event(0)]
    assert picked(lines) == lines


@pytest.mark.parametrize("asked", ["ses_ab12", "ses_ab", "ab", "ses_ab12cd34"])
def test_session(asked):
    """A session's lines name it in one of two fields; the beginning of its id will do, with or without its prefix."""
    mine = [
        event(3, event="session opened", id="ses_ab12cd34"),
        event(2, session="ses_ab12cd34", request_id="req_1"),
    ]
    others = [
        event(3, session="ses_12ab"),
        event(2, failure="about ses_ab12cd34"),
        event(1, request_id="req_ab12cd34", session="ses_cd34ab12"),
        *ODD,
    ]
    assert picked([mine[0], *others, mine[1]], session=asked) == mine


def test_since():
    """Lines from that time on pass."""
    lines = [event(minutes) for minutes in (30, 11, 10, 1)]
    assert picked(lines, since=NOW - timedelta(minutes=10)) == lines[2:]


def test_a_line_without_a_time_has_that_of_the_event_before_it():
    """The lines of a crash belong to what was logged before; those before any event are shown."""
    early, late = event(30), event(1)
    lines = [b"first words", early, *ODD, late, *ODD]
    assert picked(lines, since=NOW - timedelta(minutes=10)) == [b"first words", late, *ODD]


def test_session_and_time():
    """Both must hold."""
    wanted = event(1, session="ses_a")
    lines = [event(30, session="ses_a"), event(1, session="ses_b"), wanted]
    assert picked(lines, session="a", since=NOW - timedelta(minutes=5)) == [wanted]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("45s", NOW - timedelta(seconds=45)),
        ("10m", NOW - timedelta(minutes=10)),
        ("2h", NOW - timedelta(hours=2)),
        ("1d", NOW - timedelta(days=1)),
        ("1w", NOW - timedelta(weeks=1)),
        (" 1d12h ", NOW - timedelta(days=1, hours=12)),
        ("2026-10-20T09:30:00+02:00", datetime(2026, 10, 20, 7, 30, tzinfo=UTC)),
        ("2026-10-20T09:30Z", datetime(2026, 10, 20, 9, 30, tzinfo=UTC)),
    ],
)
def test_times(text, time):
    """A span counts back from now; an ISO time is what it says."""
    assert parse_since(text, now=NOW) == time


@pytest.mark.parametrize("text", ["2026-10-20", "2026-10-20T09:30", "2026-10-20 09:30:15"])
def test_a_time_without_an_offset_is_local(text):
    """Whoever types a time means the clock on their wall."""
    assert parse_since(text, now=NOW) == datetime.fromisoformat(text).astimezone()


@pytest.mark.parametrize(
    "text", ["", "10", "m", "10 m", "-10m", "1.5h", "yesterday", "9" * 40 + "d", "0001-01-01", "\u0661m"]
)
def test_what_is_no_time(text):
    """Anything else is a usage error with examples; a number without bounds is no exception."""
    with pytest.raises(UsageError, match="is not a time"):
        parse_since(text, now=NOW)
