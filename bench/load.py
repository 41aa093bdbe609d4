"""The load generator, in a process of its own: jobs come as lines of JSON, and so do their results.

Its connections stay open from job to job, as a client's do. The clock of a request starts before its first byte is
written, and its first token is there when the first read has come that has a text in it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import count
from typing import Any, Final, cast

from bench.conversation import Conversation
from bench.speech import END, MARK

_SECONDS: Final = 120.0
"""How long a round of requests may take."""
_OPENING: Final = 2_000
"""Bytes of an answer that are kept to see what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. `headers` are whole lines."""

    port: int
    path: str
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Every target in turn gets `at_once` requests, and that `rounds` times. `marks` is what each answer must have."""

    targets: tuple[Target, ...]
    conversation: Conversation
    marks: int
    at_once: int = 1
    rounds: int = 1


@dataclass(slots=True)
class Result:
    """What one target took, in seconds: for every request until the first text, and for every round until its end."""

    first: list[float] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)


class _Connection(asyncio.Protocol):
    """One connection, on which requests go one after the other."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[None] | None = None
        self._tail, self._opening = b"", b""
        self.marks = 0
        self.first_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(f"the connection was lost ({exc})")

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def ask(self, request: bytes) -> asyncio.Future[None]:
        if self._transport is None:
            raise ConnectionError("the connection was lost")
        self._tail, self._opening, self.marks, self.first_at = b"", b"", 0, 0.0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        marks = data.count(MARK)
        if marks and not self.marks:
            self.first_at = time.perf_counter()
        self.marks += marks
        if not self.marks and len(self._opening) < _OPENING:
            self._opening += data
        tail = data if len(data) >= len(END) else self._tail + data
        self._tail = tail[-len(END) :]
        if self._tail == END and self._answer is not None and not self._answer.done():
            self._answer.set_result(None)
        elif self._opening and not self._opening.startswith(b"HTTP/1.1 200"):
            self._fail(f"the answer is {self._opening!r}")

    def _fail(self, reason: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(reason))


class _Load:
    """All connections, by where they lead."""

    def __init__(self) -> None:
        self._idle: dict[int, list[_Connection]] = {}
        self._numbers = count(1)

    async def run(self, job: Job) -> list[Result]:
        results = [Result() for _ in job.targets]
        for _ in range(job.rounds):
            for target, result in zip(job.targets, results, strict=True):
                await self._round(target, job, result)
        return results

    async def _round(self, target: Target, job: Job, result: Result) -> None:
        connections = [await self._connection(target.port) for _ in range(job.at_once)]
        requests = [self._request(target, job.conversation) for _ in connections]
        started: list[float] = []
        answers: list[asyncio.Future[None]] = []
        for connection, request in zip(connections, requests, strict=True):
            started.append(time.perf_counter())
            answers.append(connection.ask(request))
        async with asyncio.timeout(_SECONDS):
            await asyncio.gather(*answers)
        result.rounds.append(time.perf_counter() - started[0])
        for connection, at in zip(connections, started, strict=True):
            if connection.marks != job.marks:
                raise ConnectionError(f"an answer has {connection.marks} texts and not {job.marks}")
            # All that were asked at once began to wait together.
            result.first.append(connection.first_at - (at if len(connections) == 1 else started[0]))
        self._idle.setdefault(target.port, []).extend(connections)

    async def _connection(self, port: int) -> _Connection:
        idle = self._idle.get(port, [])
        while idle:
            if (connection := idle.pop()).is_open:
                return connection
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(_Connection, "127.0.0.1", port))[1]

    def _request(self, target: Target, conversation: Conversation) -> bytes:
        before, after = _template(conversation)
        body = b"%b%08d%b" % (before, next(self._numbers), after)
        lines = (
            f"POST {target.path} HTTP/1.1",
            f"Host: 127.0.0.1:{target.port}",
            "Content-Type: application/json",
            "anthropic-version: 2023-06-01",
            *target.headers,
            f"Content-Length: {len(body)}",
        )
        return b"%b\r\n\r\n%b" % ("\r\n".join(lines).encode(), body)


@cache
def _template(conversation: Conversation) -> tuple[bytes, bytes]:
    return conversation.template()


def to_line(job: Job) -> bytes:
    """A job as it comes to this process."""
    return json.dumps(asdict(job)).encode() + b"\n"


def _from_line(line: bytes) -> Job:
    data: dict[str, Any] = json.loads(line)
    targets = tuple(Target(**target) for target in data.pop("targets"))
    return Job(targets=targets, conversation=Conversation(**data.pop("conversation")), **data)


async def _main() -> None:
    load = _Load()
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        try:
            job = _from_line(line)
            _template(job.conversation)
            gc.collect()
            gc.disable()
            said: object = [asdict(result) for result in await load.run(job)]
        except (OSError, TimeoutError) as error:
            said = {"error": f"{type(error).__name__}: {error}"}
            load = _Load()
        gc.enable()
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main())
