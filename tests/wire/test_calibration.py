"""What hosts report teaches how their models count, soon and for all kinds of text, and nothing else does."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.calibration import CREDIBLE, LANES, MAX_FACTOR, MIN_FACTOR, Calibration
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.tokens import KINDS, Measure, measure
from tests.wire.asking import ask, user
from tests.wire.cases import CASES, COUNT, COUNTS, FAMILIES, digest
from tests.wire.upstream import values

RECORDED = json.loads(COUNTS.read_text(encoding="utf-8"))
HOSTS = ("kimi", "brief", "prefacing")
LEARNING = 10
"""Requests after which a model is known."""
ASKED = measure(Prompt(ask(user("Whoever measures words by the yard will find that no two yards are alike. " * 200))))


@pytest.fixture(scope="module", params=CASES)
def recorded(request):
    """The requests of one sort, by family: their measures, and their sizes as each host counts them."""
    sort, make = request.param, CASES[request.param]
    found = {}
    for family in FAMILIES:
        requests = [make(family, number) for number in range(COUNT)]
        record = RECORDED[f"{sort} {family}"]
        assert digest(requests) == record["digest"], "these are not the requests that were counted"
        found[family] = [measure(Prompt(request)) for request in requests], {host: record[host] for host in HOSTS}
    return sort, found


def _errors(cases, calibration: Calibration) -> list[float]:
    """How far each estimate is off, as a share of what the host then reports."""
    errors = []
    for asked, reported in cases:
        errors.append(abs(calibration.tokens("host", "model", asked) / reported - 1))
        assert calibration.learn("host", "model", asked, reported)
    return errors


def _judge(sort: str, errors: list[float]) -> None:
    if sort == "session":
        assert max(errors) <= 0.05
    else:  # requests that have little in common
        assert sum(error <= 0.05 for error in errors) >= 0.9 * len(errors)
        assert max(errors) <= 0.1


@pytest.mark.parametrize("host", HOSTS)
def test_recorded_cases(recorded, host):
    """After ten requests each further estimate is within five percent, whatever the texts, the vocabulary, the form."""
    sort, found = recorded
    for asked, reported in found.values():
        _judge(sort, _errors(zip(asked, reported[host], strict=True), Calibration())[LEARNING:])


@pytest.mark.parametrize("host", HOSTS)
def test_recorded_cases_in_turn(recorded, host):
    """So it is where sessions in English, code, JSON and Chinese share one model and take turns."""
    sort, found = recorded
    lists = [zip(asked, reported[host], strict=True) for asked, reported in found.values()]
    turns = [case for step in zip(*lists, strict=True) for case in step]
    _judge(sort, _errors(turns, Calibration())[LEARNING:])


@pytest.mark.parametrize("host", HOSTS)
def test_what_was_learned_lasts(recorded, host):
    """What comes back from a file estimates the same, and goes on learning where it was."""
    sort, found = recorded
    asked, reported = found["mixed"][0], found["mixed"][1][host]
    calibration = Calibration()
    _errors(zip(asked[:LEARNING], reported[:LEARNING], strict=True), calibration)
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))
    for one in asked:
        before = calibration.tokens("host", "model", one)
        assert again.tokens("host", "model", one) == pytest.approx(before, rel=1e-3)
    _judge(sort, _errors(zip(asked[LEARNING:], reported[LEARNING:], strict=True), again))


def test_models_are_kept_apart():
    """What one model of one host teaches changes no other, of the same name at another host either."""
    calibration = Calibration()
    for _ in range(LEARNING):
        calibration.learn("one", "a", ASKED, ASKED.tokens * 2)
    assert calibration.tokens("one", "a", ASKED) == pytest.approx(ASKED.tokens * 2, rel=0.02)
    assert calibration.tokens("one", "b", ASKED) == calibration.tokens("two", "a", ASKED) == ASKED.tokens


def test_a_report_that_cannot_be_right_teaches_nothing():
    """A count of nothing, or of only a small part of the prompt, is not believed."""
    calibration = Calibration()
    for reported in (0, -1, int(ASKED.tokens * CREDIBLE[0] * 0.9), int(ASKED.tokens * CREDIBLE[1] * 1.1), 2**60):
        assert not calibration.learn("host", "model", ASKED, reported)
    assert not calibration.learn("host", "model", Measure((0.0,) * len(KINDS)), 5)
    assert calibration.to_json()["lanes"] == []
    assert calibration.tokens("host", "model", ASKED) == ASKED.tokens


def test_one_odd_report_does_little():
    """Among many reports one that is far off moves the estimates by a few percent, and they find back."""
    calibration = Calibration()
    for reported in [ASKED.tokens] * 20 + [ASKED.tokens * 4]:
        calibration.learn("host", "model", ASKED, reported)
    assert calibration.tokens("host", "model", ASKED) <= ASKED.tokens * 1.05
    for _ in range(LEARNING):
        calibration.learn("host", "model", ASKED, ASKED.tokens)
    assert calibration.tokens("host", "model", ASKED) == pytest.approx(ASKED.tokens, rel=0.01)


def test_a_model_that_changes_is_learned_anew():
    """A host that puts another model under the name is followed, however long the first one was known."""
    calibration = Calibration()
    for reported in [ASKED.tokens] * 300 + [int(ASKED.tokens * 1.4)] * 60:
        calibration.learn("host", "model", ASKED, reported)
    assert calibration.tokens("host", "model", ASKED) == pytest.approx(ASKED.tokens * 1.4, rel=0.05)


@given(
    reports=st.lists(
        st.tuples(st.lists(st.floats(0, 1e7), min_size=len(KINDS), max_size=len(KINDS)), st.integers(-(2**40), 2**40)),
        max_size=40,
    )
)
def test_whatever_is_reported(reports):
    """No reports lead to an estimate that is no number, or far from the first one."""
    calibration = Calibration()
    for parts, reported in reports:
        asked = Measure(tuple(parts))
        calibration.learn("host", "model", asked, reported)
        tokens = calibration.tokens("host", "model", asked)
        own = parts[KINDS.index("request")]  # a host's own words may be many
        assert MIN_FACTOR * asked.tokens - 1 <= tokens <= MAX_FACTOR * asked.tokens + 100 * own + 1
    assert len(Calibration.from_json(calibration.to_json()).to_json()["lanes"]) == len(calibration.to_json()["lanes"])


def test_not_too_many_models_are_remembered():
    """The model that was heard of longest ago is forgotten."""
    calibration = Calibration()
    for number in range(LANES + 5):
        calibration.learn("host", str(number), ASKED, ASKED.tokens * 2)
        calibration.learn("host", "0", ASKED, ASKED.tokens * 2)
    models = [lane["model"] for lane in calibration.to_json()["lanes"]]
    assert len(models) == LANES
    assert models[-1] == "0"
    assert "5" not in models
    assert str(LANES + 4) in models


def test_two_that_keep_one_file():
    """What each has learned itself stands, and for the rest what the other knows."""
    mine, others = Calibration(), Calibration()
    for model, factor in (("both", 1.5), ("mine", 1.5)):
        mine.learn("host", model, ASKED, int(ASKED.tokens * factor))
    for model in ("both", "theirs"):
        others.learn("host", model, ASKED, ASKED.tokens * 2)
    joined = mine.over(others)
    for model, source in (("both", mine), ("mine", mine), ("theirs", others)):
        assert joined.tokens("host", model, ASKED) == source.tokens("host", model, ASKED) != ASKED.tokens
    assert len(others.over(mine).to_json()["lanes"]) == 3
    kept = Calibration.from_json(mine.to_json())
    assert kept.over(others).tokens("host", "both", ASKED) == others.tokens("host", "both", ASKED)


@given(data=st.dictionaries(st.sampled_from(["kinds", "lanes"]), values) | st.just({"kinds": list(KINDS)}), lane=values)
def test_any_file_can_be_read(data, lane):
    """Whatever a file holds, there are estimates."""
    read = Calibration.from_json({**data, "lanes": [lane, data]})
    assert read.tokens("", "", ASKED) == ASKED.tokens


@pytest.mark.parametrize("damage", [math.nan, math.inf, -1, 1e8, 1e400, "1", None, True, [], {}], ids=repr)
def test_damaged_factors_are_left_out(damage):
    """Numbers that cannot have been learned count as nothing learned; the other models stay."""
    calibration = Calibration()
    for model in ("a", "b"):
        for reported in (ASKED.tokens * 2, ASKED.tokens):
            calibration.learn("host", model, ASKED, reported)
    good = calibration.to_json()
    first = good["lanes"][0]
    for numbers in (first["factors"], first["spread"][0], first["spread"][7]):
        for at in (0, -1):
            before, numbers[at] = numbers[at], damage
            read = Calibration.from_json(good)
            numbers[at] = before
            assert [lane["model"] for lane in read.to_json()["lanes"]] == ["b"]
    for numbers in (first["factors"], first["spread"], first["spread"][3]):
        last = numbers.pop()
        assert len(Calibration.from_json(good).to_json()["lanes"]) == 1
        numbers.append(last)
    assert len(Calibration.from_json(good).to_json()["lanes"]) == 2
    assert Calibration.from_json({**good, "kinds": list(KINDS[1:])}).to_json()["lanes"] == []
