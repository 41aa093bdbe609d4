"""`kimi usage`."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kimi_cli.providers.model import Price
from kimi_cli.store.ledger_files import append, ledger_files
from kimi_cli.store.paths import Paths
from tests.cli.pty_screen import on_terminal
from tests.cli.run import kimi
from tests.store.entries import entry

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
HOUR = 3600.0


def note(*entries) -> None:
    """Write a ledger as a proxy does."""
    left = sorted(entries, key=lambda one: one.time)
    while left:
        left = list(append(Paths.find(os.environ).usage_dir, left))


@pytest.fixture
def used():
    """A ledger: two sessions within the hour, of which one changed hosts and models, and one of two months ago."""
    now = time.time()
    work, long = str(Path.home() / "work"), "/srv/" + "a-long-name/" * 9 + "end"
    note(
        entry(1, time=now - HOUR, project=work),
        entry(2, time=now - HOUR + 60, project=work, provider="groq", model="moonshotai/kimi-k2", price=Price(1, 3)),
        entry(3, time=now - 60, session="ses_two", project=long, input_tokens=12_345_678),
        entry(4, time=now - 60 * 24 * HOUR, session="ses_old", project=work),
    )


def report(*arguments: str) -> dict:
    """What `--json` says."""
    ran = kimi("usage", "--json", *arguments)
    assert (ran.status, ran.err, ran.out.count("\n")) == (0, "", 1)
    return json.loads(ran.out)


def test_nothing_yet():
    """An empty ledger is one friendly line; as JSON it has the same form as ever."""
    ran = kimi("usage")
    assert (ran.status, ran.out, ran.err) == (
        0, "", "Nothing has been used yet. Every answer from now on is counted.\n"
    )  # fmt: skip
    found = report()
    assert (found["schema"], found["groups"], found["total"]["answers"], found["total"]["cost"]) == (1, [], 0, 0)


def test_a_ledger_that_is_off():
    """Whoever has switched it off is told so."""
    file = Paths.find(os.environ).settings_file
    file.parent.mkdir(parents=True)
    file.write_text('ledger = "off"\n')
    assert 'the setting ledger is "off"' in kimi("usage").err


def test_sessions(used):
    """Each session of the last month has its tokens, the part that was cached, and its cost; and there is a total."""
    ran = kimi("usage")
    head, first, second, total = ran.out.splitlines()
    assert head.split() == [
        *("Began", "Project", "Model", "Session", "Answers", "Tokens", "in", "Cached", "Out", "Cost")
    ]
    began = datetime.fromtimestamp(time.time() - HOUR, UTC).astimezone()
    assert first.startswith(began.strftime("%Y-%m-%d "))
    assert first.split()[2:] == [
        *(str(Path("~/work")), "kimi-k3", "+1", "ses_0123456789abcdef", "2", "2,400", "83%", "80", "<$0.01")
    ]
    assert second.split()[-5:] == ["1", "12,346,678", "0%", "40", "$37.04"]
    assert total.split() == ["Total", "3", "12,349,078", "0%", "120", "$37.04"]
    assert ran.err == "\nOf the last 30 days; everything: kimi usage --since all\n"


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("day", ["20"]),
        ("project", ["/srv/", "~"]),
        ("model", ["kimi-k3", "moonshotai/kimi-k2"]),
        ("provider", ["moonshot", "groq"]),
    ],
)
def test_by_something_else(used, by, keys):
    """The same by day, project, model and host: the dearest first, and always the same total."""
    lines = kimi("usage", "--by", by).out.splitlines()
    assert lines[0].split()[0] == by.capitalize()
    assert lines[-1].split()[-5:] == ["3", "12,349,078", "0%", "120", "$37.04"]
    assert [line[: len(key)] for line, key in zip(lines[1:], keys, strict=False)] == keys


def test_json(used):
    """Scripts get exact numbers: whole prompts with their cached part, dollars, and what is behind each sum."""
    found = report()
    assert set(found) == {"schema", "by", "since", "groups", "total", "skipped_lines"}
    first, second = found["groups"]
    assert (first["sessions"], first["providers"], first["models"]) == (
        ["ses_0123456789abcdef"], ["moonshot", "groq"], ["kimi-k3", "moonshotai/kimi-k2"]
    )  # fmt: skip
    assert (first["answers"], first["input_tokens"], first["cached_tokens"], first["output_tokens"]) == (
        2, 2400, 2000, 80
    )  # fmt: skip
    assert first["cost"] == pytest.approx(0.0015 + 0.00132)
    assert second["projects"][0].startswith("/srv/")
    assert found["total"]["cost"] == pytest.approx(first["cost"] + second["cost"])
    assert found["since"] == pytest.approx(time.time() - 30 * 24 * HOUR, abs=120)


def test_since_and_project(used):
    """A span, a date or everything; a directory stands for what is below it."""
    assert [group["sessions"] for group in report("--since", "30m")["groups"]] == [["ses_two"]]
    everything = report("--since", "all")
    assert (len(everything["groups"]), everything["since"]) == (3, None)
    assert everything["groups"][0]["sessions"] == ["ses_old"]
    assert report("--since", "2020-01-01")["total"] == everything["total"]
    assert report("--project", str(Path.home()))["total"]["answers"] == 2
    assert report("--project", str(Path.home() / "wor"))["total"]["answers"] == 0
    ran = kimi("usage", "--project", "/nowhere")
    assert (ran.status, ran.out, ran.err) == (0, "", "Nothing was used then, or there.\n")


def test_what_is_no_time():
    """It is said what would be one, with a command that works."""
    ran = kimi("usage", "--since", "yesterday")
    assert ran.status == 2
    assert "'yesterday' is not a time" in ran.err
    assert "Try: kimi usage --since 7d" in ran.err


def test_what_nobody_knows():
    """Without a price tokens are shown and no cost; with others that have one, what is known is marked as less."""
    now = time.time()
    note(entry(1, time=now, session="ses_1", price=None, provider="mine", model="m"))
    ran = kimi("usage")
    assert ran.out.splitlines()[1].split()[-1] == "unknown"
    assert "$" not in ran.out
    assert "The price of m (mine) is not known." in ran.err
    assert report()["total"]["cost"] is None
    note(entry(2, time=now, session="ses_1"), entry(3, time=now, session="ses_2", is_estimate=True))
    ran = kimi("usage")
    assert [line.split()[-1] for line in ran.out.splitlines()[1:]] == [">$0.0015", "~$0.0015", ">$0.0030"]
    assert "; > stands before sums without it." in ran.err
    assert "~ is partly estimated" in ran.err
    assert (report()["total"]["unpriced"], report()["total"]["estimates"]) == (1, 1)


def test_what_is_free_costs_nothing():
    """A price of nothing is a price."""
    note(entry(1, time=time.time(), price=Price(0, 0, 0)))
    assert kimi("usage").out.splitlines()[1].split()[-1] == "$0.0000"


def test_broken_lines(used):
    """They are counted, and do not keep the others from being shown."""
    file = ledger_files(Paths.find(os.environ).usage_dir)[-1]
    file.write_bytes(file.read_bytes() + b'{"v":1,"time\n')
    ran = kimi("usage")
    assert "1 line of the ledger could not be read." in ran.err
    assert len(ran.out.splitlines()) == 4
    assert report()["skipped_lines"] == 1


@posix
@pytest.mark.parametrize(
    ("by", "columns"),
    [("session", 80), ("session", 120), ("session", 200), ("project", 80), ("model", 80), ("model", 120)],
)
def test_on_a_terminal(used, by, columns):
    """Nothing is wider than the terminal, numbers are whole or rounded and never cut, and long paths keep their end."""
    note(entry(9, time=time.time(), session="ses_three", price=None, provider="mine", model="kimi-" + "long-" * 12))
    shown = on_terminal("usage", "--by", by, columns=columns)
    assert max(map(len, shown.lines)) <= columns
    total = next((line for line in shown.lines if line.startswith("Total")), shown.lines[1])
    assert total.split()[-5:-3] == ["4", "12,350,278" if columns >= 150 else "12.4M"]
    assert total.endswith(">$37.04")
    if by in {"session", "project"}:
        assert "/end" in shown.text
    assert re.search(r"\d…", shown.text) is None


@posix
def test_colours(used):
    """The head stands out on a terminal, and not where no colours are wanted."""
    assert on_terminal("usage").is_coloured
    assert not re.search(r"\x1b\[(\d+;)*(3|4|9|10)[0-7]m", on_terminal("usage", NO_COLOR="1").sent)
    assert "\x1b" not in kimi("usage").out + kimi("usage").err
