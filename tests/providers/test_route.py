"""Routes: the choice of a model, and the form that crosses to the proxy."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.providers.dialect import DIALECTS
from kimi_cli.providers.model import Model, Price, Thinking
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import SLOTS, Route

MAIN = Model(id="kimi-k3", context_window=1_048_576, max_output=131_072)
SMALL = Model(id="kimi-k2.6", context_window=262_144, max_output=98_304)
ROUTE = Route(
    provider="moonshot",
    format=Format.ANTHROPIC,
    base_url="https://api.moonshot.ai/anthropic",
    dialect="moonshot",
    models=(MAIN, SMALL),
    key="sk-secret",
    slots=(("haiku", "kimi-k2.6"),),
)

money = st.floats(min_value=0, max_value=1000, allow_nan=False)
prices = st.builds(Price, money, money, st.none() | money)
models = st.builds(
    Model,
    id=st.text(min_size=1, max_size=20),
    context_window=st.integers(1, 2**21),
    max_output=st.integers(1, 2**21),
    name=st.text(max_size=20),
    price=st.none() | prices,
    thinking=st.sampled_from(Thinking),
    efforts=st.lists(st.text(max_size=8), max_size=3).map(tuple),
    vision=st.booleans(),
    forced_tools=st.booleans(),
    retired=st.none() | st.dates(),
    successor=st.none() | st.text(max_size=20),
)
routes = st.builds(
    Route,
    provider=st.text(max_size=20),
    format=st.sampled_from(Format),
    base_url=st.text(max_size=40),
    dialect=st.sampled_from(sorted(DIALECTS)),
    models=st.lists(models, min_size=1, max_size=3).map(tuple),
    key=st.text(max_size=40),
    slots=st.lists(st.tuples(st.sampled_from(SLOTS), st.text(max_size=20)), max_size=4).map(tuple),
    name=st.text(max_size=20),
)


@given(routes)
def test_round_trip(route):
    """Every route comes out of its JSON form as it went in."""
    assert Route.from_json(json.loads(json.dumps(route.to_json()))) == route


def test_key_is_not_in_the_repr():
    """The key does not show where a route is logged."""
    assert "sk-secret" not in repr(ROUTE)


@pytest.mark.parametrize(
    "change",
    [
        {"dialect": "unheard-of"},
        {"format": "grpc"},
        {"models": []},
        {"models": [{}]},
        {"models": [{"id": "x"}]},
        {"models": None},
        {"slots": [["haiku"]]},
    ],
    ids=str,
)
def test_other_forms_are_refused(change):
    """What does not describe a route is refused with an error of a kind that callers expect."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        Route.from_json(ROUTE.to_json() | change)


@pytest.mark.parametrize("missing", ["provider", "format", "base_url", "dialect", "models", "key"])
def test_missing_parts_are_refused(missing):
    """A route without one of its parts is refused."""
    data = ROUTE.to_json()
    del data[missing]
    with pytest.raises(KeyError):
        Route.from_json(data)


@pytest.mark.parametrize(
    ("requested", "answered"),
    [
        ("kimi-k3", "kimi-k3"),
        ("kimi-k3[1m]", "kimi-k3"),
        ("kimi-k2.6", "kimi-k2.6"),
        ("claude-haiku-4-5-20251001", "kimi-k2.6"),
        ("claude-sonnet-4-5", "kimi-k3"),
        ("claude-opus-4-8", "kimi-k3"),
        ("anything", "kimi-k3"),
        ("", "kimi-k3"),
    ],
)
def test_which_model_answers(requested, answered):
    """A known id is itself, Anthropic's names fall to their slots, and all else to the main model."""
    assert ROUTE.model_for(requested).id == answered


def test_retirement_counts_from_its_day():
    """A model is served until the day before its retirement."""
    model = Model(id="m", context_window=1, max_output=1, retired=date(2026, 4, 15))
    assert not model.is_retired(today=date(2026, 4, 14))
    assert model.is_retired(today=date(2026, 4, 15))
    assert not MAIN.is_retired(today=date.max)
    assert (MAIN.display_name, Model("m", 1, 1, name="M").display_name) == ("kimi-k3", "M")
