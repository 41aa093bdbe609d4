"""Whether a proxy that has served for long is as it was: its memory, its descriptors, its threads.

Run it with `python -m bench.soak`. A real proxy process stands between clients and doubles of hosts of both formats.
Sessions are opened, used and ended in four laps; most requests stream to their end, some are whole, counted, refused by
the host, cut off by it, or left by their client. The exit status is 1 where memory grew by more than its share in the
second half, a descriptor or a thread is left, or an answer was not what it should be.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from kimi_cli.daemon import Control
from kimi_cli.daemon.end import kill
from kimi_cli.daemon.spawn import SpawnOptions, spawn
from kimi_cli.store.identity import ProcessIdentity
from tests.doubles.groq import Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, Calls, HttpError, Reasoning, Reply, Scenario, Text, Truncate
from tests.proxy.served import chat_route, relay_route, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimi_cli.providers.route import Route
    from tests.doubles.scenario import Answer, Ask

_LAPS: Final = 4
_MOMENTS: Final = ("start", "quarter", "half", "three quarters", "end")
_WARM_UP: Final = 60
"""Requests of the first session, which is not counted: what is loaded on first use is loaded by then."""
_SETTLE_SECONDS: Final = 30.0
"""How long descriptors may take to be closed; connections to hosts are kept warm for a while."""
_GRACE: Final = 60.0
_RUN: Final = "run"
_MEGABYTE: Final = 1024 * 1024
_WORDS: Final = tuple(f"word {number} " for number in range(40))
_TOOL: Final = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}
_CALL: Final = Calls((Call("Read", {"path": "file"}),))
_LEFT: Final = "left"
_REPLIES: Final[dict[str, Answer]] = {
    "stream": Reply((Reasoning(_WORDS), Text(_WORDS), _CALL)),
    "whole": Reply((Text(_WORDS),)),
    "refused": HttpError(429, {"error": {"message": "slow down", "type": "rate_limit_reached_error"}}),
    "cut": Reply((Text(_WORDS), Truncate())),
    _LEFT: Reply((Text(_WORDS * 20),)),
}
_MIX: Final = ("stream",) * 14 + ("whole", "whole", "counted", "refused", "cut", _LEFT)
"""What the requests of a session are, again and again."""


@dataclass(frozen=True, slots=True)
class _Figures:
    """How the process stands at one moment. Memory is in bytes; `seconds` is how long the lap before it took."""

    memory: int
    descriptors: int
    threads: int
    seconds: float


@dataclass(slots=True)
class _Soak:
    """One run. `wrong` says what was not answered as it should have been."""

    control: Control
    routes: tuple[Route, ...]
    streams: asyncio.Semaphore
    wrong: list[str] = field(default_factory=list)

    async def lap(self, *, sessions: int, requests: int) -> None:
        """Opens sessions, has each send its share of the requests, and ends them."""
        shares = [requests // sessions + (at < requests % sessions) for at in range(sessions)]
        await asyncio.gather(*(self._live(at, share) for at, share in enumerate(shares)))

    async def figures(self, *, descriptors: int | None = None, seconds: float = 0.0) -> _Figures:
        """How the process stands, once no more than so many descriptors are open or that is not to be expected."""
        process = psutil.Process(self.control.state.process.pid)
        if descriptors is not None:
            await asyncio.to_thread(_wait, lambda: _descriptors(process) <= descriptors)
        return _Figures(process.memory_info().rss, _descriptors(process), process.num_threads(), seconds)

    async def _live(self, number: int, requests: int) -> None:
        route = self.routes[number % len(self.routes)]
        owners = [ProcessIdentity.current()]
        session = await asyncio.to_thread(self.control.open_session, route, owners=owners, project="/soak")
        headers = {"Authorization": f"Bearer {session.token}"}
        async with aiohttp.ClientSession(session.base_url, headers=headers) as client:
            for at in range(requests):
                async with self.streams:
                    await self._ask(client, _MIX[at % len(_MIX)], model=route.main.id)
        await asyncio.to_thread(self.control.close_session, session.id)

    async def _ask(self, client: aiohttp.ClientSession, kind: str, *, model: str) -> None:
        body = request(kind, model=model, tools=[_TOOL], stream=kind != "whole")
        path = "/v1/messages/count_tokens" if kind == "counted" else "/v1/messages?beta=true"
        async with client.post(path, json=body) as answer:
            if kind == _LEFT:
                await answer.content.readany()
                answer.close()
                return
            text = (await answer.read()).decode()
        is_right = {
            "stream": answer.status == 200 and "tool_use" in text and "event: message_stop" in text,
            "whole": answer.status == 200 and '"end_turn"' in text,
            "counted": answer.status == 200 and "input_tokens" in text,
            "refused": answer.status == 429 and "rate_limit_error" in text,
            "cut": answer.status == 200 and "event: error" in text and "message_stop" not in text,
        }
        if not is_right[kind]:
            self.wrong.append(f"{kind}: {answer.status} {text[-200:]}")


def main() -> int:
    """Runs the laps, prints the figures, and gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--streams", type=int, default=50, help="how many requests are in flight at once")
    parser.add_argument("--share", type=float, default=0.05, help="how much memory may grow from half to end")
    given = parser.parse_args()
    console = Console()
    moments, wrong = asyncio.run(_run(requests=given.requests, sessions=given.sessions, streams=given.streams))
    console.print(_table(moments, requests=given.requests))
    faults = [*wrong[:5], *_faults(moments, share=given.share)]
    for fault in faults:
        console.print(fault, style="red", markup=False)
    return 1 if faults else 0


async def _run(*, requests: int, sessions: int, streams: int) -> tuple[list[_Figures], list[str]]:
    async with AsyncExitStack() as stack:
        groq = await stack.enter_async_context(Groq(Scenario(default=_reply)))
        moonshot = await stack.enter_async_context(Moonshot(Scenario(default=_reply)))
        routes = chat_route(groq.base_url, groq.key), relay_route(moonshot.base_url, moonshot.key)
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak")))
        soak = _Soak(await _start(place), routes, asyncio.Semaphore(streams))
        stack.callback(kill, soak.control.state.process)
        idle = (await soak.figures()).descriptors
        await soak.lap(sessions=len(routes), requests=_WARM_UP)
        moments = [await soak.figures(descriptors=idle)]
        for at in range(_LAPS):
            for double in (groq, moonshot):
                double.requests.clear()  # what is kept of them is of no use here
            started = time.monotonic()
            await soak.lap(sessions=sessions // _LAPS, requests=requests // _LAPS)
            seconds = time.monotonic() - started
            limit = idle if at == _LAPS - 1 else None
            moments.append(await soak.figures(descriptors=limit, seconds=seconds))
        refusals = [str(refusal) for double in (groq, moonshot) for refusal in double.refusals]
        return moments, [*soak.wrong, *refusals, *await asyncio.to_thread(_stop, soak.control, place)]


async def _start(place: Path) -> Control:
    options = SpawnOptions(state_file=place / _RUN / "proxy.json", log_file=place / "proxy.log", port=0, grace=_GRACE)
    return Control(await asyncio.to_thread(spawn, options, environ=os.environ))


def _stop(control: Control, place: Path) -> list[str]:
    """Stops the proxy, and gives what it has left behind."""
    control.stop(force=True)
    _wait(lambda: not control.state.process.is_alive())
    return [f"{path} is left." for path in (place / _RUN).rglob("*")]


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.1)


def _reply(ask: Ask) -> Answer:
    return _REPLIES[ask.last_text]


def _descriptors(process: psutil.Process) -> int:
    return process.num_handles() if sys.platform == "win32" else process.num_fds()


def _table(moments: list[_Figures], *, requests: int) -> Table:
    table = Table("", "memory", "descriptors", "threads", "requests a second", box=None)
    for name, moment in zip(_MOMENTS, moments, strict=True):
        rate = f"{requests / _LAPS / moment.seconds:,.0f}" if moment.seconds else ""
        memory = f"{moment.memory / _MEGABYTE:.1f} MB"
        table.add_row(name, memory, str(moment.descriptors), str(moment.threads), rate)
    return table


def _faults(moments: list[_Figures], *, share: float) -> list[str]:
    start, half, end = moments[0], moments[_LAPS // 2], moments[-1]
    growth = end.memory / half.memory - 1
    faults = [f"Memory grew by {growth:.1%} in the second half."] if growth > share else []
    if end.descriptors > start.descriptors:
        faults.append(f"{end.descriptors - start.descriptors} descriptors are left.")
    if end.threads > start.threads:
        faults.append(f"{end.threads - start.threads} threads are left.")
    return faults


if __name__ == "__main__":
    sys.exit(main())
