"""What hosts report reaches the next process, whatever becomes of the file."""

from __future__ import annotations

import json
import logging

import pytest

from kimi_cli.proxy.estimates import Estimates
from kimi_cli.store.files import write_private
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.tokens import measure
from tests.faults.network_quiet import eventually
from tests.proxy.served import KIMI, chat_route, relay_route, request

ASKED = measure(Prompt(request("Whoever measures words by the yard will find that no two yards are alike. " * 200)))
GROQ, MOONSHOT = chat_route("http://x", "k"), relay_route("http://x", "k")


@pytest.fixture
def file(tmp_path):
    """Where it is kept."""
    return tmp_path / "cache" / "calibration.json"


def _tokens(estimates: Estimates, route=GROQ) -> int:
    return estimates.tokens(route, KIMI.id, ASKED)


def _teach(estimates: Estimates, route=GROQ, factor: float = 1.5) -> None:
    for _ in range(10):
        estimates.learn(route, KIMI.id, ASKED, reported=int(ASKED.tokens * factor))


async def test_what_was_learned_outlives_the_process(file):
    """The next process estimates as the last one did in the end; only the host's own model is concerned."""
    first = Estimates(file)
    _teach(first)
    assert _tokens(first) == pytest.approx(ASKED.tokens * 1.5, rel=0.02)
    assert not file.exists()  # which takes its time, but for the end
    await first.close()
    second = Estimates(file)
    assert _tokens(second) == pytest.approx(_tokens(first), rel=1e-3)
    assert _tokens(second, MOONSHOT) == ASKED.tokens
    await second.close()


async def test_it_is_kept_now_and_then(file):
    """Who is killed loses little: what was learned is written after a while, then again when there is more."""
    estimates = Estimates(file, pause=0.05)
    for route in (GROQ, MOONSHOT):
        _teach(estimates, route)
        await eventually(lambda route=route: abs(_tokens(Estimates(file), route) - _tokens(estimates, route)) <= 1)
    await estimates.close()


async def test_two_processes(file):
    """Each keeps what it has learned, and takes nothing away from what the other has."""
    one, other = Estimates(file), Estimates(file)
    _teach(one, GROQ)
    _teach(other, MOONSHOT)
    await one.close()
    await other.close()
    third = Estimates(file)
    assert _tokens(third, GROQ) == pytest.approx(_tokens(third, MOONSHOT), rel=0.01)
    assert _tokens(third, GROQ) > ASKED.tokens * 1.4
    await third.close()


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"schema": 1, "kinds": 7, "lanes": {}}'])
async def test_a_damaged_file(file, text, caplog):
    """It counts as none, the log says so where it is no file of ours, and the next write mends it."""
    write_private(file, text.encode())
    with caplog.at_level(logging.WARNING, "kimi_cli"):
        estimates = Estimates(file)
    assert [record.message for record in caplog.records] == ([] if "schema" in text else ["calibration not read"])
    assert _tokens(estimates) == ASKED.tokens
    _teach(estimates)
    await estimates.close()
    assert json.loads(file.read_bytes())["lanes"]


async def test_a_file_that_cannot_be_written(tmp_path, caplog):
    """Estimates go on without it, and the log names it."""
    (tmp_path / "cache").write_text("a file where the directory should be", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "kimi_cli"):
        estimates = Estimates(tmp_path / "cache" / "calibration.json")
        _teach(estimates)
        await estimates.close()
    assert caplog.records[-1].message == "calibration not written"
    assert str(tmp_path) in caplog.records[-1].fields["file"]
    assert _tokens(estimates) > ASKED.tokens * 1.4


async def test_nothing_learned_leaves_nothing_behind(file):
    """Without reports, or with reports that cannot be right, no file is made; without a file all works as well."""
    estimates, homeless = Estimates(file), Estimates()
    estimates.learn(GROQ, KIMI.id, ASKED, reported=0)
    _teach(homeless)
    assert _tokens(homeless) > ASKED.tokens * 1.4
    await estimates.close()
    await homeless.close()
    assert not file.parent.exists()
