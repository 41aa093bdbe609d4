"""What entries come to."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest

from kimi_cli.providers.model import Price
from kimi_cli.store.spending import By, Spending, sum_up
from tests.store.entries import K3, NOVEMBER, entry

CHEAP = Price(1.0, 2.0, 0.5)


def test_sums():
    """Prompts are counted whole, with what of them was cached, and each answer at its own price."""
    report = sum_up([entry(1, price=K3), entry(2, price=CHEAP), entry(3, price=K3, cached_tokens=0)], by=By.SESSION)
    (group,) = report.groups
    assert (group.answers, group.input_tokens, group.cached_tokens, group.output_tokens) == (3, 2600, 2000, 120)
    assert group.cost == pytest.approx(0.0015 + 0.00078 + 0.0012)
    assert group.cached_share == pytest.approx(2000 / 2600)
    assert (group.first, group.last) == (NOVEMBER + 1, NOVEMBER + 3)
    assert group == report.total


def test_prices_that_change():
    """What was paid stays what it was: the same model at two prices costs the sum of both."""
    report = sum_up([entry(1, price=K3), entry(2, price=Price(30, 150, 3))], by=By.MODEL)
    (group,) = report.groups
    assert group.cost == pytest.approx(0.0015 + 0.015)


def test_a_session_on_two_hosts():
    """Where another host stood in, a session has both models, and each host its part."""
    entries = [entry(1), entry(2, provider="groq", model="kimi-k2", price=CHEAP), entry(3)]
    (session,) = sum_up(entries, by=By.SESSION).groups
    assert list(session.models) == [("moonshot", "kimi-k3"), ("groq", "kimi-k2")]
    assert session.providers == ("moonshot", "groq")
    hosts = sum_up(entries, by=By.PROVIDER).groups
    assert [(host.providers, host.answers) for host in hosts] == [(("moonshot",), 2), (("groq",), 1)]


def test_a_model_is_one_of_a_host():
    """The same id at another host is another model, with another price."""
    entries = [entry(1), entry(2, provider="custom", price=CHEAP)]
    assert [len(group.models) for group in sum_up(entries, by=By.MODEL).groups] == [1, 1]


def test_costs_that_nobody_knows():
    """Without a price there is no cost, and next to others that is known; it is never nothing."""
    unknown = entry(1, price=None, provider="mine")
    (alone,) = sum_up([unknown], by=By.SESSION).groups
    assert (alone.is_cost_known, alone.unpriced) == (False, 1)
    (both,) = sum_up([unknown, entry(2)], by=By.SESSION).groups
    assert (both.is_cost_known, both.unpriced) == (True, 1)
    assert both.cost == pytest.approx(0.0015)
    assert list(both.unpriced_models) == [("mine", "kimi-k3")]
    free = sum_up([entry(3, price=Price(0, 0, 0))], by=By.SESSION).total
    assert (free.is_cost_known, free.cost) == (True, 0)


def test_order():
    """Sessions and days come in the order of time, all else with the dearest first and what nobody knows last."""
    entries = [
        entry(3, session="b", model="dear", price=Price(9, 9, 9)),
        entry(1, session="a", model="cheap", price=CHEAP),
        entry(2, session="c", model="unknown", price=None),
    ]
    assert [list(group.sessions) for group in sum_up(entries, by=By.SESSION).groups] == [["a"], ["c"], ["b"]]
    models = [model for group in sum_up(entries, by=By.MODEL).groups for _, model in group.models]
    assert models == ["dear", "cheap", "unknown"]


def test_days_are_those_of_the_user():
    """A moment belongs to the day that it is where the user is."""
    midnight = NOVEMBER - NOVEMBER % 86_400
    entries = [entry(time=midnight - 60), entry(time=midnight + 60)]
    assert len(sum_up(entries, by=By.DAY, zone=UTC).groups) == 2
    assert len(sum_up(entries, by=By.DAY, zone=timezone(timedelta(hours=5))).groups) == 1


def test_one_project():
    """A directory is meant with those below it, and not with others whose names begin like it."""
    entries = [entry(number, project=path) for number, path in enumerate(("/a/b", "/a/b/c", "/a/bc", "/a", ""))]
    report = sum_up(entries, by=By.PROJECT, project=Path("/a/b"))
    assert list(report.total.projects) == ["/a/b", "/a/b/c"]
    assert len(report.groups) == 2


def test_nothing():
    """Nothing was used: there is a sum of it, and no share."""
    report = sum_up([], by=By.DAY)
    assert (report.groups, report.total) == ((), Spending())
    assert report.total.cached_share is None
