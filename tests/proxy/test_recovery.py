"""What is done about failures before anything was sent, on a clock of the test's own."""

from __future__ import annotations

import dataclasses

import pytest

from kimi_cli.proxy.failover import PROBE_LIMIT_SECONDS, PROBE_SECONDS, Failover
from kimi_cli.proxy.recovery import BUDGET_BESIDE, Recovery
from kimi_cli.proxy.upstream import UpstreamError
from kimi_cli.record import replace
from kimi_cli.wire.failure import Failure
from tests.proxy.served import KIMI, chat_route, relay_route

GROQ = chat_route("http://127.0.0.1:1", "gsk_first")
MOONSHOT = relay_route("http://127.0.0.1:2", "sk-second")
THIRD = replace(chat_route("http://127.0.0.1:3", "sk-third"), provider="third", name="Third")
DOWN = Failure(529, "overloaded_error", "Groq: too busy.")
BAD_KEY = Failure(401, "authentication_error", "Groq: no such key.", should_retry=False)
UNPAID = Failure(402, "billing_error", "Groq: no balance.", should_retry=False)


class World:
    """A clock that moves only by sleeping, and hosts that answer or fail as they are told to."""

    def __init__(self, *routes, budget=15.0):
        self.clock = 1000.0
        self.pauses: list[float] = []
        self.asked: list[str] = []
        self.ways: dict[str, list[Failure | str]] = {}
        first, *others = routes
        self.failover = Failover(
            replace(first, fallbacks=tuple(others)), session_id="ses", now=lambda: self.clock, today=lambda: self.clock
        )
        self.recovery = Recovery(budget=budget, now=lambda: self.clock, sleep=self.sleep, jitter=lambda: 1.0)

    async def sleep(self, seconds):
        self.pauses.append(seconds)
        self.clock += seconds

    async def ask(self, route, _begun):
        """The next thing that this host does; the last one it goes on doing."""
        self.asked.append(route.provider)
        way = self.ways[route.provider]
        found = way.pop(0) if len(way) > 1 else way[0]
        if isinstance(found, Failure):
            raise UpstreamError(found)
        return found

    async def run(self, *, fits=lambda _: True):
        self.asked.clear()
        return await self.recovery.run(self.ask, self.failover, fits=fits, fields={})

    async def failure(self):
        with pytest.raises(UpstreamError) as caught:
            await self.run()
        return caught.value.failure


async def test_a_host_that_recovers():
    """Two rate limits and an outage are waited out; the pauses grow, and what the host says counts."""
    world = World(GROQ)
    limits = [Failure(429, "rate_limit_error", "slow", retry_after=2.0), Failure(429, "rate_limit_error", "slow")]
    world.ways = {"groq": [*limits, Failure(529, "overloaded_error", "busy"), "answer"]}
    assert await world.run() == "answer"
    assert world.pauses == [2.25, 1.0, 2.0]
    assert world.failover.to_json() is None


async def test_a_host_that_stays_down():
    """Within the budget it is asked again, then the failure is passed on as it is."""
    world = World(GROQ)
    world.ways = {"groq": [DOWN]}
    assert await world.failure() == DOWN
    assert world.pauses == [0.5, 1.0, 2.0, 4.0]
    assert world.clock < 1015


@pytest.mark.parametrize("failure", [BAD_KEY, UNPAID, Failure(400, "invalid_request_error", "Groq: no.")])
async def test_what_no_waiting_mends(failure):
    """A request that fails for good is asked once."""
    world = World(GROQ)
    world.ways = {"groq": [failure]}
    assert await world.failure() == failure
    assert (world.asked, world.pauses) == (["groq"], [])


async def test_a_wait_that_is_too_long():
    """A host that wants a minute is not waited for; its client is told the minute."""
    world = World(GROQ)
    world.ways = {"groq": [Failure(429, "rate_limit_error", "slow", retry_after=60.0)]}
    assert (await world.failure()).retry_after == 60.0
    assert world.pauses == []


async def test_without_a_budget():
    """With no budget every failure is passed on as it comes."""
    world = World(GROQ, budget=0)
    world.ways = {"groq": [Failure(429, "rate_limit_error", "slow", retry_after=0.0), "answer"]}
    await world.failure()
    assert world.asked == ["groq"]


async def test_another_host_stands_in():
    """A host that is down hands over after a short while; the one that answered is kept."""
    world = World(GROQ, MOONSHOT)
    world.ways = {"groq": [DOWN], "moonshot": ["answer"]}
    assert await world.run() == "answer"
    assert world.asked == ["groq"] * 4 + ["moonshot"]
    assert sum(world.pauses) < BUDGET_BESIDE
    told = {"provider": "moonshot", "model": "kimi-k3", "since": world.clock, "reason": DOWN.message}
    assert world.failover.to_json() == told
    world.ways["groq"] = ["answer"]
    assert await world.run() == "answer"
    assert world.asked == ["moonshot"]


@pytest.mark.parametrize(
    "failure", [UNPAID, Failure(429, "rate_limit_error", "slow", retry_after=60.0), Failure(500, "api_error", "gone")]
)
async def test_what_another_host_is_for(failure):
    """No balance, a long rate limit and an outage."""
    world = World(GROQ, MOONSHOT)
    world.ways = {"groq": [failure], "moonshot": ["answer"]}
    assert await world.run() == "answer"


async def test_what_another_host_is_not_for():
    """A bad key is for its user to mend, and a bad request is bad everywhere."""
    world = World(GROQ, MOONSHOT)
    for failure in (BAD_KEY, Failure(400, "invalid_request_error", "prompt is too long: 3 tokens > 2 maximum")):
        world.ways = {"groq": [failure], "moonshot": ["answer"]}
        assert await world.failure() == failure
        assert world.asked == ["groq"]


async def test_all_are_down():
    """Every host is asked once, and the failure says what each one said."""
    world = World(GROQ, MOONSHOT, THIRD)
    refused = Failure(401, "authentication_error", "Moonshot: no such key.", should_retry=False)
    world.ways = {
        "groq": [UNPAID],
        "moonshot": [refused],
        "third": [dataclasses.replace(UNPAID, message="Third: no balance.")],
    }
    failure = await world.failure()
    assert world.asked == ["groq", "moonshot", "third"]
    assert (failure.status, failure.kind) == (402, "billing_error")
    assert failure.message == "Groq: no balance. Asked instead: Moonshot: no such key.; Third: no balance."
    assert world.failover.to_json() is None


async def test_a_host_that_is_too_small():
    """A host whose window cannot hold the request is not asked."""
    world = World(GROQ, MOONSHOT, THIRD)
    world.ways = {"groq": [UNPAID], "third": ["answer"]}
    assert await world.run(fits=lambda route: route.models[0].id == KIMI.id) == "answer"
    assert world.asked == ["groq", "third"]


async def test_a_probe_back():
    """After a while one request tries the first host once, without patience; each vain attempt doubles the while."""
    world = World(GROQ, MOONSHOT)
    world.ways = {"groq": [UNPAID], "moonshot": ["answer"]}
    await world.run()
    pause, asked = PROBE_SECONDS, []
    for _ in range(6):
        world.clock += pause - 1
        await world.run()
        assert world.asked == ["moonshot"]
        world.clock += 1
        await world.run()
        asked.append(list(world.asked))
        pause = min(pause * 2, PROBE_LIMIT_SECONDS)
    assert asked == [["groq", "moonshot"]] * 6
    world.clock += pause
    world.ways["groq"] = ["answer"]
    await world.run()
    assert (world.asked, world.failover.to_json()) == (["groq"], None)
    await world.run()
    assert world.asked == ["groq"]


async def test_a_probe_waits_for_what_the_host_said():
    """A host that names a longer wait than ours is left alone for as long."""
    world = World(GROQ, MOONSHOT)
    world.ways = {"groq": [Failure(429, "rate_limit_error", "slow", retry_after=900.0)], "moonshot": ["answer"]}
    await world.run()
    world.clock += 899
    await world.run()
    assert world.asked == ["moonshot"]
    world.clock += 1
    await world.run()
    assert world.asked == ["groq", "moonshot"]


async def test_one_probe_at_a_time():
    """While one request tries the first host, others go to the one that works."""
    world = World(GROQ, MOONSHOT)
    world.ways = {"groq": [UNPAID], "moonshot": ["answer"]}
    await world.run()
    world.clock += PROBE_SECONDS
    with world.failover.turns(lambda _: True) as probing:
        assert probing[0].is_probe
        with world.failover.turns(lambda _: True) as turns:
            assert [turn.route.provider for turn in turns] == ["moonshot", "groq"]


async def test_the_stand_in_fails():
    """Where the one that stands in goes down, too, the first is asked again at once."""
    world = World(GROQ, MOONSHOT)
    world.ways = {"groq": [UNPAID, "answer"], "moonshot": ["answer", UNPAID]}
    await world.run()
    assert await world.run() == "answer"
    assert world.asked == ["moonshot", "groq"]
    assert world.failover.to_json() is None
