"""How lines of the log look on a terminal and elsewhere."""

from __future__ import annotations

import json
import time
from io import StringIO

import pytest
from rich.console import Console

from kimi_cli.cli.log_printer import LogPrinter, size_of
from kimi_cli.daemon.log_line import LogLine

MESSAGE = {
    "time": "2026-10-20T07:12:33.123+00:00",
    "level": "info",
    "pid": 4711,
    "event": "message",
    "request_id": "req_0123456789abcdef01234567",
    "session": "ses_0123456789abcdef",
    "model": "moonshotai/kimi-k2-instruct-0905",
    "input": 12345,
    "cached": 1000,
    "output": 40,
    "status": 200,
    "seconds": 0.587,
}
FAILURE = "Groq says: the rate limit of this organization is reached, and will be again; try again in 20 seconds."


@pytest.fixture(autouse=True)
def in_kathmandu(monkeypatch):
    """A clock that is far from UTC's."""
    monkeypatch.setenv("TZ", "XXX-05:45")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


pytestmark = pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has one time zone a machine")


def shown(*lines, terminal=False, width=80, **given) -> str:
    """What is printed of lines."""
    file = StringIO()
    console = Console(
        file=file, force_terminal=terminal, width=width, highlight=False, color_system="standard" if terminal else None
    )
    printer = LogPrinter(Console(file=file, force_terminal=terminal, width=width, **given) if given else console)
    for line in lines:
        printer.show(LogLine.read(line if isinstance(line, bytes) else json.dumps(line).encode()))
    return file.getvalue()


def plain(text: str) -> str:
    """The text without escape sequences."""
    from rich.text import Text

    return Text.from_ansi(text).plain


def test_a_message_is_one_line():
    """Outside a terminal an event has a line, with the local time and what matters, the most telling first."""
    assert shown(MESSAGE) == (
        "10-20 12:57:33 info  message  200  0.587 s  moonshotai/kimi-k2-instruct-0905  12,345 in  1,000 cached  40 out"
        "  ses_0123456789abcdef  req_0123456789abcdef01234567\n"
    )


def test_a_terminal_gets_lines_of_its_width():
    """What does not fit goes on under the event, beside time and level, and no line is longer than the terminal."""
    lines = plain(shown(MESSAGE | {"failure": FAILURE, "status": 429}, terminal=True)).splitlines()
    assert lines[0] == "10-20 12:57:33 info  message  429  0.587 s  moonshotai/kimi-k2-instruct-0905"
    assert all(line.startswith(" " * 21) and not line[21].isspace() for line in lines[1:])
    assert max(map(len, lines)) <= 80
    assert " ".join(line.strip() for line in lines).endswith(f"failure: {FAILURE}")


@pytest.mark.parametrize("width", [10, 30, 79, 80, 120, 400])
def test_nothing_is_lost_by_wrapping(width):
    """Every word is there whatever the width, paths and ids that are longer than a line included."""
    fields = MESSAGE | {"project": "/a/very/long/path" * 20, "failure": FAILURE}
    wrapped, whole = plain(shown(fields, terminal=True, width=width)), shown(fields)
    assert "".join(wrapped.split()) == "".join(whole.split())


def test_colours_are_for_terminals():
    """The level has a colour on a terminal, and nowhere else is there an escape sequence."""
    error = MESSAGE | {"level": "error"}
    assert "\x1b[31merror" in shown(error, terminal=True)
    assert "\x1b" not in shown(error)


def test_no_color_is_heeded(monkeypatch):
    """With NO_COLOR a terminal gets no colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in shown(MESSAGE, terminal=True, color_system="standard")


def test_what_is_broken_stands_as_it_is():
    """A line that is no event is shown, and no event is missed because of it."""
    lines = shown(b"Fatal Python error: Segmentation fault", b"[1]", b'{"half": ', {"event": "started"})
    assert lines.splitlines()[:3] == ["Fatal Python error: Segmentation fault", "[1]", '{"half": ']
    assert "started" in lines


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_reaches_the_terminal_that_it_would_act_on(terminal):
    """Escape sequences and line ends in what a host, a path or a crash says are shown and not carried out."""
    bad = "a\x1b]0;title\x07b\r\nc\u202ed\x9b31m\ud83d"
    text = shown(
        MESSAGE | {"failure": bad, "event": bad, "level": bad, "odd" + bad: bad, "traceback": f"x\n{bad}"},
        bad.encode("utf-8", "surrogatepass"),
        terminal=terminal,
        width=300,
    )
    if terminal:
        text = plain(text.replace("\\x1b", "ESC"))
    assert not {"\x1b", "\x07", "\r", "\u202e", "\x9b", "\ud83d"} & {*text}


def test_markup_is_text():
    """Brackets in a message are not read as styles."""
    assert "[bold]x[/]" in plain(shown(MESSAGE | {"failure": "[bold]x[/]"}, terminal=True, width=300))


def test_a_traceback_keeps_its_lines():
    """It follows the event, indented, line by line."""
    text = shown({"time": MESSAGE["time"], "level": "error", "event": "request failed", "traceback": "A\n  b\nC: d"})
    assert text.splitlines()[1:] == ["    A", "      b", "    C: d"]


def test_what_says_nothing_is_left_out():
    """Counts that are zero, fields that are empty and those that mean nothing to a person are not shown."""
    fields = {"event": "session opened", "id": "ses_1", "opened_at": 1.5, "requests": 0, "streams": 0, "nothing": None}
    assert shown(MESSAGE | fields | {"status": None, "cached": 0}).endswith(
        "  40 out  ses_0123456789abcdef  ses_1  req_0123456789abcdef01234567\n"
    )
    assert "4711" not in shown(MESSAGE)


def test_other_fields_have_their_names():
    """What is not known by its form is told with its name; a number is grouped only where it counts something."""
    text = shown(
        {"event": "e", "port": 8090, "sent_bytes": 1234567, "fields": ["a", "b"], "dropped": [], "stream": True}
    )
    assert text.endswith("e  port=8090  sent_bytes=1,234,567  fields=a, b  dropped=none  stream=yes\n")


def test_an_event_without_a_time():
    """A line that lacks everything is shown with what it has."""
    assert shown({}) == "?       \n"
    assert shown({"time": "yesterday", "level": 5, "event": ["x"]}).startswith("? 5     ['x']")


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 kB"), (5 * 2**20, "5.0 MB")])
def test_sizes(size, text):
    """A size is told in a unit that suits it."""
    assert size_of(size) == text
