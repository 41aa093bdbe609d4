"""What requests in several steps are said to have taken: in the log, in the session, in the ledger."""

from __future__ import annotations

import asyncio
import logging

import pytest

from kimi_cli.providers.model import Price
from kimi_cli.record import replace
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, Gate, HttpError, InStreamError, Reply, Silence, Text, call, say
from tests.proxy.served import K3, KIMI, chat_route, relay_route, request, served
from tests.proxy.test_tools import ASKED, choose, steps
from tests.tools.test_shell import until

REFUSED = HttpError(400, {"error": {"message": "no such thing", "type": "invalid_request_error"}})
PRICE = Price(1, 2, 0.5)


class Kept:
    """A ledger that only keeps."""

    def __init__(self):
        self.entries, self.ended = [], asyncio.Event()

    def note(self, entry):
        self.entries.append(entry)

    async def run(self):
        await self.ended.wait()

    async def close(self):
        self.ended.set()


@pytest.fixture(params=["groq", "moonshot"])
async def world(request, tmp_path, caplog):
    """Either double, the proxy with a ledger, and the fields of the lines that are logged."""
    double, route, model = (Groq(), chat_route, KIMI) if request.param == "groq" else (Moonshot(), relay_route, K3)
    caplog.set_level(logging.INFO, "kimi_cli")
    (tmp_path / "a.txt").write_text("forty-two\n")
    ledger = Kept()
    async with (
        double,
        served(route(double.base_url, double.key, model=replace(model, price=PRICE)), tmp_path, ledger=ledger) as proxy,
    ):
        choose(proxy, tmp_path)
        yield double, proxy, ledger.entries, caplog
        assert double.refusals == []


def lines(caplog):
    """What is logged of requests."""
    return [record.fields for record in caplog.records if record.getMessage() == "message"]


def troubles(caplog):
    """Everything that is logged as going wrong."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def test_the_sum_over_steps(world):
    """The line of a request, the session and the entries of the ledger come to the same, each step counted once."""
    double, proxy, entries, caplog = world
    double.scenario = steps(*[call(Call("Read", {"file_path": "a.txt"}))] * 2, say("Forty-two."))
    async with proxy.post(request(model="kimi-k3", messages=ASKED, stream=False)) as answer:
        usage = (await answer.json())["usage"]
    (line,) = lines(caplog)
    assert (line["input"], line["cached"], line["output"], line["steps"]) == (600, 3000, 120, 3)
    assert "attempts" not in line
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (600, 3000, 120)
    session = proxy.session
    assert (session.requests, session.input_tokens, session.cached_tokens, session.output_tokens) == (
        1,
        3600,
        3000,
        120,
    )
    assert [(one.input_tokens, one.cached_tokens, one.output_tokens) for one in entries] == [(200, 1000, 40)] * 3
    assert {one.request_id for one in entries} == {line["request_id"]}
    assert session.cost == pytest.approx(sum(one.cost for one in entries)) == pytest.approx(3 * 780 / 1_000_000)


async def test_a_step_that_is_refused(world):
    """It costs nothing, and the line names the reason beside what the steps before it took."""
    double, proxy, entries, caplog = world
    double.scenario = steps(call(Call("Read", {"file_path": "a.txt"})), REFUSED)
    async with proxy.post(request(model="kimi-k3", messages=ASKED)) as answer:
        assert b"no such thing" in await answer.read()
    (line,) = lines(caplog)
    assert "no such thing" in line["failure"]
    assert (line["input"], line["cached"], line["output"]) == (200, 1000, 40)
    assert len(entries) == 1


async def test_a_step_that_breaks_off(world):
    """What a host began to say is an estimate in the ledger, and the line says why there is no more."""
    double, proxy, entries, caplog = world
    broken = Reply((Text(("Half an ",)), InStreamError("the engine fell over")))
    double.scenario = steps(call(Call("Read", {"file_path": "a.txt"})), broken)
    async with proxy.post(request(model="kimi-k3", messages=ASKED)) as answer:
        assert b"event: error" in await answer.read()
    (line,) = lines(caplog)
    assert "the engine fell over" in line["failure"]
    assert [one.is_estimate for one in entries] == [False, True]


async def test_a_client_that_leaves_in_a_later_step(world):
    """It is one line of the log with what there was, and no trouble."""
    double, proxy, entries, caplog = world
    gate = Gate()
    double.scenario = steps(
        call(Call("Read", {"file_path": "a.txt"})), Reply((Text(("Half an ", "answer")), Silence(gate)))
    )
    answer = await proxy.post(request(model="kimi-k3", messages=ASKED))
    data = b""
    async with asyncio.timeout(30):
        while b"Half an " not in data:
            data += await answer.content.readany()
    answer.close()
    await until(lambda: lines(caplog))
    gate.open()
    (line,) = lines(caplog)
    assert (line["status"], line["steps"]) == (499, 2)
    assert [one.is_estimate for one in entries] == [False, True]
    assert troubles(caplog) == []
