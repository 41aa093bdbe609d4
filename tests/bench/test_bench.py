"""The benchmark measures what it says, notices an answer that is not whole, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import sys
import time
from xml.etree import ElementTree as ET

import pytest

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from bench.__main__ import MEASUREMENTS, main, measure
from bench.child import BenchError, Child, processor_seconds
from bench.conversation import SMALL, Conversation
from bench.figures import Effort, Findings, Line, Plot, Row, Spread, percentile
from bench.load import Job, Target
from bench.plan import Plan
from bench.report import write
from bench.stage import Way, stage
from kimi_cli.providers.provider import Format
from kimi_cli.wire.request import check_request

TINY = Effort(runs=1, scale=0.05)


@pytest.mark.usefixtures("no_leftovers")
def test_a_measurement():
    """A real proxy, both floors and the double answer whole, in both formats, and each costs something."""
    findings = measure(["chunks", "version"], TINY)
    assert [row.spoken for row in findings.rows] == ["translated", "translated", "relayed", "relayed", ""]
    for row in findings.rows[:4:2]:
        assert set(row.ways) == {Way.RELAY, Way.THIN, Way.PROXY}
        assert all(spread.median > 0 for spread in row.ways.values())
    assert findings.rows[-1].bare is not None


@pytest.mark.usefixtures("no_leftovers")
def test_ways():
    """Every way leads to the same answer: the one that was planned, as often as it was asked for."""
    plan = Plan(chunks=12, at_once=4)
    with stage() as on, on.proxy() as proxy:
        for spoken in Format:
            subjects = on.subjects(plan, spoken, proxy, direct=True)
            assert [subject.way for subject in subjects] == list(Way)
            job = Job(tuple(subject.target for subject in subjects), SMALL, plan.chunks, at_once=3, rounds=2)
            for result in on.load.run(job):
                assert len(result.first) == 6
                assert len(result.rounds) == 2
                assert 0 < min(result.first) <= max(result.first) <= max(result.rounds)


def test_an_answer_that_is_not_whole():
    """The load generator gives up over an answer with too few texts, or over none, and can be asked again."""
    path = Plan(chunks=3).segment + "/v1/messages"
    with Child("upstream") as upstream, Child("load", listens=False) as load:
        with pytest.raises(BenchError, match="3 texts and not 4"):
            load.run(Job((Target(upstream.port, path),), SMALL, 4))
        assert len(load.run(Job((Target(upstream.port, path),), SMALL, 3))[0].first) == 1
        with pytest.raises(BenchError, match="gave up"):
            load.run(Job((Target(1, path),), SMALL, 3))


def test_a_pace():
    """Paced answers take as long as their plan says."""
    plan = Plan(chunks=20, pause=10)
    target = f"{plan.segment}/v1/chat/completions"
    with Child("upstream") as upstream, Child("load", listens=False) as load:
        result = load.run(Job((Target(upstream.port, target),), SMALL, plan.chunks))[0]
    assert result.rounds[0] >= plan.seconds * 0.9


def test_processor_time():
    """What a process has used is what it says of itself."""
    before = time.process_time()
    seen = processor_seconds(os.getpid())
    # psutil's figures have two digits, where it is they that are read.
    assert before - 0.02 <= seen <= time.process_time() + 0.02


@pytest.mark.parametrize(("turns", "size"), [(2, 4_000), (200, 64_000), (200, 400_000)])
def test_conversation(turns, size):
    """A history is a request, of about the size that was asked for, with a number of its own."""
    before, after = Conversation(turns, size).template()
    request = json.loads(b"%b%08d%b" % (before, 42, after))
    check_request(request)
    assert len(request["messages"]) == 2 * turns + 1
    assert request["messages"][-1]["content"][-1]["text"] == "Go on with 00000042."
    assert abs(len(before + after) - size) < size * 0.1


def test_report(tmp_path):
    """The page has a line for every figure, says which targets are missed, and shows plots that can be drawn."""
    ways = {Way.RELAY: Spread(1.2, 1.0, 1.5), Way.PROXY: Spread.of([6.0, 9.0, 7.5])}
    rows = [Row("cost", "µs", ways, 6.0, "relayed"), Row("start", "ms", ways, 10, bare=Spread(20.0, 20.0, 20.0))]
    plot = Plot("Cost <of> it", "MB", "ms", (Line("kimi", ((0.02, 1.5), (4.0, 24.0))),), limit=6.0)
    write(Findings(rows, [plot], ["It was noisy."]), runs=3, place=tmp_path)
    page = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {table[0].count("|")}
    assert "| cost | relayed | 7.50 µs (6.00 to 9.00) | 6 µs | missed | 1.20 µs (1.00 to 1.50) |  | 6.2 |" in page
    assert "| start |  | 7.50 ms (6.00 to 9.00) | 10 ms | met |" in page
    assert "- It was noisy." in page
    assert ET.parse(tmp_path / "plot-1.svg").getroot().tag.endswith("svg")


def test_percentile():
    """The value below which so many of a hundred lie."""
    assert percentile(range(100, 0, -1), 0.99) == 100
    assert percentile(range(200), 0.99) == 198
    assert percentile([3.0], 0.99) == 3.0


@pytest.mark.parametrize("arguments", [["--write", "--quick"], ["--write", next(iter(MEASUREMENTS))], ["nothing"]])
def test_arguments(arguments):
    """Only a whole run is written, and only what there is can be measured."""
    with pytest.raises(SystemExit):
        main(arguments)
