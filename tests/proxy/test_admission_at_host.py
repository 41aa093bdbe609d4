"""Sessions of one proxy that share the allowance of one account, at a host that enforces it as Groq does."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from kimi_cli.proxy.admission import HOLD_SECONDS, Admission
from kimi_cli.proxy.sessions import Session
from kimi_cli.store.identity import ProcessIdentity
from tests.doubles.groq_limits import LimitedGroq
from tests.doubles.scenario import Scenario, say
from tests.proxy.served import Served, chat_route, request, served
from tests.proxy.stopped_clock import StoppedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SECONDS = 60.0
MINUTE = 8000


@dataclass
class Place:
    """A proxy in front of a host with an allowance, both on a clock that the test moves."""

    clock: StoppedClock
    admission: Admission
    double: LimitedGroq
    proxy: Served

    def session(self) -> Session:
        """Another session of the same account."""
        session = Session(
            id=f"ses_{secrets.token_hex(4)}",
            token=secrets.token_urlsafe(32),
            route=self.proxy.session.route,
            project="",
            opened_at=time.time(),
            owners={ProcessIdentity.current()},
        )
        self.proxy.sessions.open(session)
        return session

    async def ask(self, session: Session | None = None, **fields: object) -> tuple[int, Mapping[str, str], str]:
        """One request; gives status, headers and body."""
        fields = {"stream": False} | fields
        headers = {"Authorization": f"Bearer {(session or self.proxy.session).token}"}
        url = self.proxy.base_url + "/v1/messages"
        async with self.proxy.client.post(url, json=request(**fields), headers=headers) as response:
            return response.status, response.headers.copy(), await response.text()

    @property
    def waiting(self) -> int:
        return sum(lane["waiting"] for lane in self.admission.to_json())

    async def all_held(self, tasks: list[asyncio.Task]) -> None:
        """Until every request that has no answer yet is held back."""
        await self.until(lambda: sum(not task.done() for task in tasks) == self.waiting)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Until something has come to pass, on the real clock."""
        async with asyncio.timeout(SECONDS):
            while not is_so():  # noqa: ASYNC110 - what is waited for happens in the proxy, which knows no test
                await asyncio.sleep(0.005)

    async def finish(self, tasks: list[asyncio.Task]) -> float:
        """Move the clock from one turn to the next until every request has its answer; gives the seconds."""
        started = self.clock.time()
        while True:
            await self.all_held(tasks)
            if all(task.done() for task in tasks):
                return self.clock.time() - started
            await self.clock.move_on()


@asynccontextmanager
async def _place(directory, **limits):
    clock = StoppedClock()
    admission = Admission(clock=clock)
    double = LimitedGroq(Scenario(default=say("Done.")), now=clock.time, **limits)
    async with double, served(chat_route(double.base_url, double.key), directory, admission=admission) as proxy:
        yield Place(clock, admission, double, proxy)


@pytest.fixture
async def place(tmp_path):
    async with _place(tmp_path, tokens=MINUTE) as place:
        yield place


async def test_a_crowd(place):
    """Ten sessions whose requests are three minutes' worth do not run into the wall: some wait, the others are told."""
    await place.ask(max_tokens=1)
    sessions = [place.session() for _ in range(10)]
    tasks: list[asyncio.Task] = []
    for session in sessions:
        tasks.append(asyncio.create_task(place.ask(session, max_tokens=2400)))
        await place.all_held(tasks)
    seconds = await place.finish(tasks)
    answers = [task.result() for task in tasks]
    assert place.double.refusals == []
    assert [status for status, _, _ in answers] == [200] * 4 + [429] * 6
    assert 10 < seconds < HOLD_SECONDS
    for _, headers, body in answers[4:]:
        assert HOLD_SECONDS <= int(headers["retry-after"]) < 120
        assert "Groq's rate limit is used up" in body
    await place.clock.move(60)
    assert (await place.ask(max_tokens=2400))[0] == 200


async def test_in_turn(place):
    """Sessions that ask one thing after another get it all, each as soon as there is room."""
    await place.ask(max_tokens=1)

    async def converse(session) -> list[bool]:
        return ["event: message_stop" in (await place.ask(session, max_tokens=1000, stream=True))[2] for _ in range(8)]

    tasks = [asyncio.create_task(converse(place.session())) for _ in range(3)]
    seconds = await place.finish(tasks)
    assert [task.result() for task in tasks] == [[True] * 8] * 3
    assert place.double.refusals == []
    used = 24 * 1000
    assert (used - MINUTE) * 60 / MINUTE <= seconds < 1.1 * used * 60 / MINUTE


async def test_never(place):
    """A request that the account can never take is refused before the host sees it, and tried again after a minute."""
    await place.ask(max_tokens=1)
    text = "a word " * 8000
    status, headers, body = await place.ask(text=text, max_tokens=4000)
    assert (status, headers["x-should-retry"]) == (400, "false")
    assert "Your Groq tier allows 8,000 tokens a minute; this request needs about 1" in body
    assert place.double.refusals == []
    place.double.tokens.limit = 100_000
    await place.clock.move(60)
    assert [(await place.ask(text=text, max_tokens=4000))[0] for _ in range(2)] == [200, 200]


async def test_never_heard_from_the_host(place):
    """The host's own word that a request is too large, a 413, is what the proxy says the next time."""
    answers = [await place.ask(text="a word " * 8000, max_tokens=4000) for _ in range(2)]
    assert [status for status, _, _ in answers] == [400, 400]
    assert [refusal.status for refusal in place.double.refusals] == [413]
    assert all("Your Groq tier allows 8,000 tokens a minute" in body for _, _, body in answers)


async def test_shorter_answer(place):
    """An answer that the account could not take is asked for as long as it can."""
    await place.ask(max_tokens=1)
    task = asyncio.create_task(place.ask(max_tokens=16_000))
    await place.finish([task])
    assert task.result()[0] == 200
    assert 7900 < place.double.bodies[-1]["max_completion_tokens"] < MINUTE
    assert place.double.refusals == []


async def test_somebody_else(place):
    """When the allowance went to somebody else the host's 429 is passed on once, and its time is kept by all."""
    await place.ask(max_tokens=1)
    place.double.tokens.take(MINUTE - 100)
    status, headers, _ = await place.ask(max_tokens=2000)
    assert (status, int(headers["retry-after"])) == (429, 15)
    tasks = [asyncio.create_task(place.ask(place.session(), max_tokens=1000)) for _ in range(2)]
    assert await place.finish(tasks) >= 14
    assert [task.result()[0] for task in tasks] == [200, 200]
    assert len(place.double.refusals) == 1


async def test_requests_of_a_day(tmp_path):
    """Where requests are the limit, they are shared in the same way."""
    async with _place(tmp_path, tokens=10**9, requests=2) as place:
        assert [(await place.ask())[0] for _ in range(2)] == [200, 200]
        status, headers, _ = await place.ask()
        assert (status, int(headers["retry-after"])) == (429, 60)
        assert place.double.refusals == []
        await place.clock.move(60)
        assert (await place.ask())[0] == 429
        assert [refusal.status for refusal in place.double.refusals] == [429]


async def test_session_ends_while_held(place):
    """The end of a session frees the place of its request."""
    await place.ask(max_tokens=1)
    await place.ask(max_tokens=7000)
    gone, stays = place.session(), place.session()
    first = asyncio.create_task(place.ask(gone, max_tokens=4000))
    await place.all_held([first])
    second = asyncio.create_task(place.ask(stays, max_tokens=900))
    await place.all_held([first, second])
    place.proxy.sessions.end(gone.id, reason="closed")
    assert (await first)[0] == 529
    assert await place.finish([second]) < 5
    assert second.result()[0] == 200
