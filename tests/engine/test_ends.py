"""The tool loop where it does not come to its end."""

from __future__ import annotations

import asyncio

import pytest

from kimi_cli.engine.loop import Loop
from kimi_cli.engine.progress import Channel
from kimi_cli.wire.events import MessageStart, TextDelta, TextStart, Usage
from tests.engine.test_loop import REQUEST, Script, Tools, answer


def loop_of(model, tools):
    """A loop that tells of its progress."""
    return Loop(REQUEST, model=model, toolbox=tools, new_id=lambda prefix: f"{prefix}1", steps=5)


async def test_a_client_that_is_gone_between_two_lines():
    """What writing to it raises comes out as it is, and nothing that ran for it goes on."""
    tools = Tools(busy_at=2)

    async def emit(batch):
        if "LS (1/3)" in str(batch):
            await tools.busy.wait()
            raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        await loop_of(Script(answer(("LS", "{}"), ("Wait", "{}"), ("Wait", "{}"))), tools).run(emit)
    assert (tools.running, tools.ended) == (0, 3)


@pytest.mark.parametrize("channel", list(Channel))
async def test_nothing_is_told_after_a_cancellation(channel):
    """In the middle of a step there is nobody left to whom its end could be told."""
    half, never, told = asyncio.Event(), asyncio.Event(), []

    class Stuck:
        async def ask(self, _request, hear):
            await hear([MessageStart("m", "k", Usage()), TextStart(0), TextDelta(0, "half")])
            half.set()
            await never.wait()

    async def emit(batch):
        told.extend(batch)

    loop = Loop(REQUEST, model=Stuck(), toolbox=Tools(), new_id=lambda prefix: f"{prefix}1", steps=5, channel=channel)
    task = asyncio.create_task(loop.run(emit))
    async with asyncio.timeout(30):
        await half.wait()
    before = list(told)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == before
    assert before[-1] == TextDelta(0 if channel is Channel.OFF else 1, "half")
