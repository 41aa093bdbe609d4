"""One line of the usage ledger."""

from __future__ import annotations

import json

import pytest

from kimi_cli.providers.model import Price
from kimi_cli.store.ledger_entry import LINE_BYTES, Entry
from tests.store.entries import NOVEMBER, entry


@pytest.mark.parametrize(
    "given",
    [
        entry(),
        entry(price=None),
        entry(price=Price(1, 3), is_estimate=True),
        entry(price=Price(0.0, 0.0, 0.0), cached_tokens=0),
        entry(project='/home/é\n"\u2028/\udcff', model="a/b:c"),
    ],
)  # fmt: skip
def test_there_and_back(given):
    """An entry comes back from its line; bytes in a path that are no text do not."""
    line = given.to_line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    back = Entry.from_line(line)
    assert (back.cost, back.is_estimate, back.price) == (given.cost, given.is_estimate, given.price)
    assert back.project == given.project.replace("\udcff", "?")


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        (Price(3.00, 15.00, 0.30), 200 * 3e-6 + 1000 * 0.3e-6 + 40 * 15e-6),
        (Price(3.00, 15.00), 1200 * 3e-6 + 40 * 15e-6),
        (Price(0, 0, 0), 0.0),
        (None, None),
    ],
)
def test_what_it_cost(price, cost):
    """Cached tokens have their price, or that of others where they have none; without a price nobody knows the cost."""
    assert entry(price=price).cost == (None if cost is None else pytest.approx(cost, rel=1e-12))


def test_nothing_but_what_is_named():
    """The fields of a line are these, and a line is short."""
    line = entry().to_line()
    assert list(json.loads(line)) == [
        *("v", "time", "session", "project", "provider", "model", "input", "cached", "output", "request", "price")
    ]
    assert len(line) < 300


@pytest.mark.parametrize("odd", ["a", "é", "😀", "\x00", "\udcff"])
def test_a_line_that_would_be_too_long(odd):
    """Of a path that is too long the end stays; a model's name that nobody would believe is cut."""
    line = entry(project="/" + odd * 5000 + "/end", model="kimi" + odd * 5000).to_line()
    assert len(line) <= LINE_BYTES
    back = Entry.from_line(line)
    assert back.project.startswith("…")
    assert back.project.endswith("/end")
    assert back.model.startswith("kimi")


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"v": None},
        {"time": "1"},
        {"time": float("nan")},
        {"time": -1},
        {"time": 1e300},
        {"time": True},
        {"input": 1.5},
        {"cached": -1},
        {"output": True},
        {"output": 10**400},
        {"session": None},
        {"project": 3},
        {"price": 3},
        {"price": [1, 2]},
        {"price": [1, None, 3]},
        {"price": ["1", 2, 3]},
    ],
    ids=str,
)
def test_lines_that_are_none(changed):
    """What is not as it was written is no entry: nothing of it may spoil a sum."""
    fields = {**json.loads(entry().to_line()), **changed}
    with pytest.raises(ValueError, match=r"."):
        Entry.from_line(json.dumps(fields).encode())


@pytest.mark.parametrize("line", [b"", b"\n", b"[]", b"null", b'"v"', b"{", b"\xff", b"[" * 100_000, b'{"v":1}'])
def test_what_is_no_line_at_all(line):
    """Half lines and lines of others are refused in one way."""
    with pytest.raises(ValueError, match=r"."):
        Entry.from_line(line)


def test_half_a_line():
    """No beginning of a line is taken for a whole one."""
    line = entry().to_line().rstrip()
    for end in range(len(line)):
        with pytest.raises(ValueError, match=r"."):
            Entry.from_line(line[:end])
    assert Entry.from_line(line).time == NOVEMBER
