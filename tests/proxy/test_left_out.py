"""Tools that a host is not told of are named in the log, with the reason once a session; names come back in answers."""

from __future__ import annotations

import logging

import pytest

from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, Scenario, call, say
from tests.proxy.served import K3, KIMI, chat_route, relay_route, request, served

SCHEMA = {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}, "required": ["a"]}
LONG = "mcp__github__" + "x" * 70
ODD = {"name": "mcp__odd__tool", "input_schema": {"type": "string"}}
GOOD = {"name": "Read", "input_schema": SCHEMA}


@pytest.fixture(params=["groq", "moonshot"])
async def host(request, tmp_path):
    """Either double with a proxy in front: translated, or relayed."""
    if request.param == "groq":
        async with Groq() as double, served(chat_route(double.base_url, double.key), tmp_path) as proxy:
            yield double, proxy, KIMI.id
    else:
        async with Moonshot() as double, served(relay_route(double.base_url, double.key), tmp_path) as proxy:
            yield double, proxy, K3.id


async def _ask(proxy, model: str, *tools: dict) -> None:
    async with proxy.post(request(model=model, tools=list(tools))) as response:
        assert response.status == 200
        await response.read()


def _warnings(caplog) -> list[dict]:
    return [record.fields for record in caplog.records if record.levelno == logging.WARNING]


async def test_a_tool_left_out_is_warned_of_once(host, caplog):
    """Every request's line names it, which names its server; one warning a session says why."""
    caplog.set_level(logging.INFO, "kimi_cli")
    double, proxy, model = host
    for _ in range(3):
        await _ask(proxy, model, GOOD, ODD)
    expected = {"session": "ses_test", "tools": ["mcp__odd__tool"], "reason": "its input is not an object"}
    assert _warnings(caplog) == [expected]
    lines = [record.fields for record in caplog.records if record.getMessage() == "message"]
    assert [line["tools_left_out"] for line in lines] == [["mcp__odd__tool"]] * 3
    assert double.refusals == []


async def test_what_is_left_out_later_is_warned_of_too(host, caplog):
    """Tools over the limit share a warning; one more in the next request has its own."""
    double, proxy, model = host
    tools = [{"name": f"t{at}", "input_schema": SCHEMA} for at in range(131)]
    await _ask(proxy, model, *tools[:130], ODD)
    await _ask(proxy, model, *tools, ODD)
    assert [fields["tools"] for fields in _warnings(caplog)] == [["t128", "t129"], ["mcp__odd__tool"], ["t130"]]
    assert double.refusals == []


async def test_nothing_left_out_is_nothing_said(host, caplog):
    """Neither a warning nor a field."""
    caplog.set_level(logging.INFO, "kimi_cli")
    _, proxy, model = host
    await _ask(proxy, model, GOOD)
    assert _warnings(caplog) == []
    assert all("tools_left_out" not in record.fields for record in caplog.records if hasattr(record, "fields"))


@pytest.mark.parametrize("stream", [True, False])
async def test_a_call_comes_back_under_the_clients_name(host, stream):
    """The host knows the tool under another name, which the client never sees, streaming or not."""
    double, proxy, model = host
    tool = {"name": LONG, "input_schema": SCHEMA}
    double.scenario = Scenario(lambda ask: call(Call(ask.tools[0], {"a": "x"})), say("Done."))
    async with proxy.post(request(model=model, tools=[tool], stream=stream)) as response:
        answer = await response.text()
    (host_name,) = double.scenario.asks[0].tools
    assert len(host_name) == 64
    assert LONG in answer
    assert host_name not in answer
    assert double.refusals == []
