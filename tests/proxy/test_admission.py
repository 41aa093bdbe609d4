"""Who is let through to a host, who waits, and in which order."""

from __future__ import annotations

import asyncio

import pytest

from kimi_cli.proxy.admission import HOLD_SECONDS, KEEP_SECONDS, Admission, Lane
from kimi_cli.proxy.upstream import UpstreamError
from kimi_cli.record import replace
from tests.proxy.served import KIMI, chat_route
from tests.proxy.stopped_clock import StoppedClock, settled
from tests.wire.limits import headers

LANE = Lane.of(chat_route("https://host/v1", "gsk_0123456789"), KIMI)
MINUTE = 6000
"""Tokens that are allowed in a minute: a hundred a second."""


def lane_of(model: str) -> Lane:
    """The lane of another model."""
    return Lane.of(chat_route("https://host/v1", "gsk_0123456789"), replace(KIMI, id=model))


class Crowd:
    """Requests of several sessions, on one clock."""

    def __init__(self) -> None:
        self.clock = StoppedClock()
        self.admission = Admission(clock=self.clock)
        self.through: list[str] = []
        self.refused: dict[str, UpstreamError] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.tickets = {}

    async def ask(self, name: str, output: int, *, lane: Lane = LANE, patience: float = HOLD_SECONDS) -> None:
        """A request that stays without an answer when it is let through."""
        self.tasks[name] = asyncio.create_task(self._ask(name, output, lane, patience))
        await settled()

    async def know(self, left: int, *, lane: Lane = LANE, **more: str) -> None:
        """A request is answered, and the answer says what is left."""
        async with self.admission.admitted(lane, prompt=0, output=0) as ticket:
            ticket.heard(200, headers(str(MINUTE), str(left), f"{(MINUTE - left) / 100}s") | more)

    async def hear(self, name: str, left: int, status: int = 200, **more: str) -> None:
        """A request that was let through is answered."""
        self.tickets[name].heard(status, headers(str(MINUTE), str(left), f"{(MINUTE - left) / 100}s") | more)
        await settled()

    @property
    def waiting(self) -> int:
        return sum(lane["waiting"] for lane in self.admission.to_json())

    async def _ask(self, name: str, output: int, lane: Lane, patience: float) -> None:
        try:
            async with self.admission.admitted(lane, prompt=0, output=output, patience=patience) as ticket:
                self.through.append(name)
                self.tickets[name] = ticket
                await asyncio.Event().wait()
        except UpstreamError as error:
            self.refused[name] = error


@pytest.fixture
async def crowd():
    crowd = Crowd()
    yield crowd
    for task in crowd.tasks.values():
        task.cancel()
    await asyncio.gather(*crowd.tasks.values(), return_exceptions=True)
    assert crowd.waiting == 0
    assert crowd.clock.timers == 0


async def test_unknown_host(crowd):
    """A host that has said nothing of a limit is asked by everybody at once, before anything else happens."""
    for name in "abc":
        async with crowd.admission.admitted(LANE, prompt=10**9, output=10**9) as ticket:
            crowd.tasks[name] = asyncio.create_task(asyncio.sleep(0))
            assert not crowd.tasks[name].done()
            ticket.heard(200, {})
    assert crowd.admission.to_json() == [
        {"host": "Groq", "model": KIMI.id, "waiting": 0, "tokens": None, "requests": None, "shut": 0}
    ]


async def test_shared(crowd):
    """Those who have not been answered yet count against what is left for the others."""
    await crowd.know(3000)
    for name in "abc":
        await crowd.ask(name, 1500)
    assert (crowd.through, crowd.waiting) == (["a", "b"], 1)
    await crowd.clock.move(14)
    assert crowd.waiting == 1
    await crowd.clock.move(1)
    assert (crowd.through, crowd.waiting) == (["a", "b", "c"], 0)


async def test_better_than_thought(crowd):
    """What an answer says to be left is there at once for those who wait."""
    await crowd.know(3000)
    await crowd.ask("a", 3000)
    await crowd.ask("b", 2500)
    assert crowd.through == ["a"]
    await crowd.hear("a", 2500)
    assert crowd.through == ["a", "b"]


async def test_in_order(crowd):
    """A small request that would fit waits behind a large one that came before, so the large one gets its turn."""
    await crowd.know(1000)
    await crowd.ask("large", 3000)
    for name in ("small", "smaller"):
        await crowd.ask(name, 200)
    assert (crowd.through, crowd.waiting) == ([], 3)
    await crowd.clock.move(19.9)
    assert crowd.through == []
    await crowd.clock.move(0.2)
    assert crowd.through == ["large"]
    await crowd.clock.move(4)
    assert crowd.through == ["large", "small", "smaller"]


async def test_would_wait_too_long(crowd):
    """A request that would not fit within its patience is refused at once, with the time after which it would."""
    await crowd.know(0)
    await crowd.ask("a", 4000)
    failure = crowd.refused["a"].failure
    assert (failure.status, failure.kind, failure.retry_after) == (429, "rate_limit_error", 40)
    await crowd.ask("b", 2000)
    await crowd.ask("c", 2000)
    assert crowd.waiting == 1
    assert crowd.refused["c"].failure.retry_after == 40
    await crowd.ask("d", 500)
    assert crowd.waiting == 2
    await crowd.ask("e", 400, patience=5)
    assert crowd.refused["e"].failure.retry_after == 29


async def test_patience_ends(crowd):
    """One who waits for an answer that does not come is refused when the patience is over."""
    await crowd.know(1000)
    await crowd.ask("a", 1000)
    await crowd.ask("b", 3500)
    await crowd.clock.move(HOLD_SECONDS - 0.5)
    assert crowd.waiting == 1
    await crowd.clock.move(0.5)
    assert crowd.refused["b"].failure.retry_after == 5
    assert crowd.waiting == 0


async def test_worse_than_thought(crowd):
    """One who waits is refused as soon as an answer shows that the patience will not do."""
    await crowd.know(3000)
    await crowd.ask("a", 1000)
    await crowd.ask("b", 4000)
    assert crowd.waiting == 1
    await crowd.hear("a", 0)
    assert crowd.refused["b"].failure.retry_after == 40


async def test_gone_while_waiting(crowd):
    """One who leaves the queue makes room for those behind."""
    await crowd.know(1000)
    await crowd.ask("large", 3000)
    await crowd.ask("small", 500)
    assert crowd.waiting == 2
    crowd.tasks["large"].cancel()
    await settled()
    assert (crowd.through, crowd.waiting) == (["small"], 0)


async def test_gone_while_asking(crowd):
    """One who leaves before the host has answered is not counted any more."""
    await crowd.know(1000)
    await crowd.ask("a", 1000)
    await crowd.ask("b", 1000)
    assert crowd.through == ["a"]
    crowd.tasks["a"].cancel()
    await settled()
    assert crowd.through == ["a", "b"]


async def test_gone_when_its_turn_comes(crowd):
    """One whose session ends in the moment in which it is let through is not counted either."""
    await crowd.know(1000)
    await crowd.ask("before", 1000)
    await crowd.ask("a", 2000)
    await crowd.ask("b", 1500)
    crowd.tickets["before"].heard(200, headers(str(MINUTE), "2500", "35s"))
    assert crowd.waiting == 1
    crowd.tasks["a"].cancel()
    await settled()
    assert crowd.through == ["before", "b"]


async def test_never(crowd):
    """What can never fit is refused at once, with the reason, and without a word to the host."""
    await crowd.know(MINUTE)
    with pytest.raises(UpstreamError, match=r"tier allows 6,000 tokens a minute; .* about 14,000: ") as error:
        async with crowd.admission.admitted(LANE, prompt=13_000, output=16_000):
            pass
    assert error.value.failure.should_retry is False
    async with crowd.admission.admitted(LANE, prompt=1000, output=16_000) as ticket:
        assert ticket.output == 4900


async def test_refused_by_the_host(crowd):
    """After a 429 everybody waits for as long as the host said, and then one at a time until one is answered."""
    await crowd.ask("a", 10)
    for name in "bcd":
        await crowd.ask(name, 10)
    crowd.tickets["a"].heard(429, {"retry-after": "7"})
    await crowd.ask("e", 10)
    await crowd.ask("f", 10)
    await crowd.clock.move(6.9)
    assert crowd.through == ["a", "b", "c", "d"]
    await crowd.clock.move(0.1)
    assert crowd.through == ["a", "b", "c", "d", "e"]
    crowd.tickets["e"].heard(200, {})
    await settled()
    assert crowd.through == ["a", "b", "c", "d", "e", "f"]


async def test_a_host_that_does_not_answer(crowd):
    """One request that the host leaves without an answer does not keep the others for good."""
    await crowd.know(MINUTE)
    await crowd.ask("slow", MINUTE)
    await crowd.ask("a", 100)
    assert crowd.waiting == 1
    await crowd.clock.move(HOLD_SECONDS)
    assert "a" in crowd.refused
    await crowd.clock.move(HOLD_SECONDS)
    await crowd.ask("b", 100)
    assert crowd.through == ["slow", "b"]


async def test_lanes(crowd):
    """Another model, key or host has an allowance of its own."""
    await crowd.know(0)
    others = [
        lane_of("another"),
        Lane.of(chat_route("https://host/v1", "gsk_another"), KIMI),
        Lane.of(chat_route("https://another/v1", "gsk_0123456789"), KIMI),
    ]
    for number, lane in enumerate(others):
        await crowd.ask(str(number), 1000, lane=lane)
    assert crowd.through == ["0", "1", "2"]
    await crowd.ask("same", 1000, lane=lane_of(KIMI.id))
    assert crowd.waiting == 1
    assert "gsk" not in f"{others} {crowd.admission.to_json()}"


async def test_forgotten(crowd):
    """Allowances that nobody has asked for in a while are forgotten, and those in use are not."""
    await crowd.ask("long", 10)
    for number in range(100):
        await crowd.know(100, lane=lane_of(f"model-{number}"))
    assert len(crowd.admission.to_json()) == 101
    await crowd.clock.move(KEEP_SECONDS)
    await crowd.know(100, lane=lane_of("another"))
    assert [lane["model"] for lane in crowd.admission.to_json()] == [KIMI.id, "another"]


async def test_status(crowd):
    """What is shown of a lane: what is left of which limit, and how many wait."""
    await crowd.know(1500, **headers("1000", "998", "2m52.8s", name="requests"))
    await crowd.ask("a", 3000)
    assert crowd.admission.to_json() == [
        {
            "host": "Groq",
            "model": KIMI.id,
            "waiting": 1,
            "tokens": {"limit": 6000, "left": 1500},
            "requests": {"limit": 1000, "left": 998},
            "shut": 0,
        }
    ]


async def test_nonsense(crowd):
    """Headers that make no sense hold nobody back."""
    for texts in (("6000", "-5", "10s"), ("0", "0", "60s"), ("6000", "0", "1795000000"), ("6000", "0", "-1s")):
        async with crowd.admission.admitted(LANE, prompt=10_000, output=10_000) as ticket:
            ticket.heard(200, headers(*texts))
    await crowd.ask("a", 10**6, patience=0)
    assert crowd.through == ["a"]


async def test_heard_twice(crowd):
    """Only the first answer to a request counts."""
    await crowd.know(1000)
    await crowd.ask("a", 10)
    await crowd.hear("a", 900)
    await crowd.hear("a", 6000)
    assert crowd.admission.to_json()[0]["tokens"]["left"] == 900
