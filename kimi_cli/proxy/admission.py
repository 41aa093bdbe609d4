"""Who may ask a host now, and who has to wait because the account's allowance there is used up.

A host is asked freely until it has said what is left, in the headers of an answer or by a 429. From then on the
sessions share what that was, less what has been let through since and is not in any answer yet. Those who must wait
are held in the order in which they came, so that no large request starves behind small ones.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from kimi_cli.proxy.upstream import UpstreamError
from kimi_cli.wire.allowance import Allowance, Need, used_up
from kimi_cli.wire.failure import Failure
from kimi_cli.wire.failures.advice import Advice
from kimi_cli.wire.quota import TRUST_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from kimi_cli.providers.model import Model
    from kimi_cli.providers.route import Route
    from kimi_cli.wire.allowance import Asked

HOLD_SECONDS: Final = 30.0
"""How long a request is held before it is refused: half of a minute's allowance comes back in that time. A longer wait
is for the client to see, and for another host to save it from."""
KEEP_SECONDS: Final = 600.0
"""How long an allowance is remembered that nobody asks for."""
_TICK: Final = 0.001
"""Seconds that are not worth a timer, and by which a timer may be early."""


class Clock(Protocol):
    """The part of an event loop that is used here."""

    def time(self) -> float:
        """Seconds."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> asyncio.TimerHandle:
        """Call back once, after some seconds."""


class Lane(NamedTuple):
    """What an allowance is for: a model at a host, for a key."""

    host: str
    provider: str
    base_url: str
    model: str
    successor: str
    key_digest: bytes

    @classmethod
    def of(cls, route: Route, model: Model) -> Self:
        """The lane of a model on a route."""
        digest = hashlib.sha256(route.key.encode("utf-8", "surrogatepass")).digest()
        return cls(route.host, route.provider, route.base_url, model.id, model.successor or "", digest)

    @property
    def advice(self) -> Advice:
        """What is known of its requests."""
        return Advice(provider=self.provider, model=self.model, successor=self.successor, base_url=self.base_url)


class Ticket:
    """A request's place. Once it is let through, `output` is the longest answer that it may ask for, in tokens.

    Whoever then asks the host calls `heard` with the status and the headers of its answer, before anything else.
    """

    def __init__(self, bucket: _Bucket, need: Need, *, until: float) -> None:
        self._bucket = bucket
        self.need, self.until = need, until
        self.turn: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()

    @property
    def output(self) -> int:
        """Tokens; less than was wanted where more would not fit the allowance."""
        return self.need.output

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """The host has answered; `headers` must answer lower-case names."""
        self._bucket.heard(self, status, headers)


class Admission:
    """All allowances of this process. To be used from the event loop's thread alone; its loop is the default clock."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or asyncio.get_running_loop()
        self._buckets: dict[Lane, _Bucket] = {}

    @asynccontextmanager
    async def admitted(
        self, lane: Lane, *, prompt: int, output: int, patience: float = HOLD_SECONDS
    ) -> AsyncIterator[Ticket]:
        """Wait for a request's turn, `patience` seconds at most. Both sizes are in tokens, `prompt` an estimate.

        Raises:
            UpstreamError: it can never fit (400), or would have to wait for longer (429).
        """
        bucket = self._bucket(lane)
        ticket = Ticket(bucket, Need(prompt, output), until=self._clock.time() + patience)
        bucket.enter(ticket)
        try:
            if (failure := await ticket.turn) is not None:
                raise UpstreamError(failure)
            yield ticket
        finally:
            bucket.leave(ticket)

    def to_json(self) -> list[dict[str, object]]:
        """Every lane that has been used lately."""
        return [bucket.to_json() for bucket in self._buckets.values()]

    def _bucket(self, lane: Lane) -> _Bucket:
        if (bucket := self._buckets.get(lane)) is None:
            self._buckets = {lane: bucket for lane, bucket in self._buckets.items() if not bucket.is_forgotten()}
            bucket = self._buckets[lane] = _Bucket(lane, self._clock)
        return bucket


class _Bucket:
    """One lane: its allowance, who is asking, and who waits."""

    def __init__(self, lane: Lane, clock: Clock) -> None:
        self._lane, self._clock, self._advice = lane, clock, lane.advice
        self._allowance = Allowance()
        self._asking: dict[Ticket, tuple[Asked, float]] = {}
        """Those let through of whose answer nothing has been heard, and since when."""
        self._waiting: dict[Ticket, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._used_at = clock.time()

    def enter(self, ticket: Ticket) -> None:
        self._used_at = self._clock.time()
        fitted = self._allowance.fit(ticket.need, self._used_at, host=self._lane.host, advice=self._advice)
        if isinstance(fitted, Failure):
            ticket.turn.set_result(fitted)
            return
        ticket.need = fitted
        self._waiting[ticket] = None
        self._review()

    def leave(self, ticket: Ticket) -> None:
        if ticket in self._waiting or ticket in self._asking:
            self._waiting.pop(ticket, None)
            self._asking.pop(ticket, None)
            self._review()

    def heard(self, ticket: Ticket, status: int, headers: Mapping[str, str]) -> None:
        if (asking := self._asking.pop(ticket, None)) is not None:
            self._used_at = self._clock.time()
            self._allowance.heard(asking[0], status, headers, self._used_at)
            self._review()

    def is_forgotten(self) -> bool:
        """Whether nobody is here, and nobody has been for long."""
        return not self._asking and not self._waiting and self._clock.time() >= self._used_at + KEEP_SECONDS

    def to_json(self) -> dict[str, object]:
        known = self._allowance.to_json(self._clock.time())
        return {"host": self._lane.host, "model": self._lane.model, "waiting": len(self._waiting)} | known

    def _review(self) -> None:
        """Let through who may go, in order; refuse who would wait for too long; look again when that may change."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        now, allowance = self._clock.time(), self._allowance
        # One that has not been answered for so long has been counted in another minute.
        asking = [asked.need for asked, since in self._asking.values() if now < since + TRUST_SECONDS]
        count, tokens = len(asking), sum(map(allowance.counted, asking))
        ahead, ahead_tokens = 0, 0.0
        times = []
        for ticket in tuple(self._waiting):
            need = allowance.counted(ticket.need)
            wait = allowance.wait(tokens + ahead_tokens + need, count + ahead + 1, now)
            if wait < _TICK:  # which nobody's is before all those ahead of them are through
                self._asking[ticket] = allowance.ask(ticket.need, now), now
                self._settle(ticket, None)
                count, tokens = count + 1, tokens + need
            # What those who are asking were counted for may turn out to be less, and be given back.
            elif now + allowance.wait(ahead_tokens + need, ahead + 1, now) >= ticket.until - _TICK:
                self._settle(ticket, used_up(self._lane.host, wait))
            else:
                times += [ticket.until] if ahead else [ticket.until, now + wait]
                ahead, ahead_tokens = ahead + 1, ahead_tokens + need
        if times:
            self._timer = self._clock.call_later(min(times) - now, self._review)

    def _settle(self, ticket: Ticket, failure: Failure | None) -> None:
        del self._waiting[ticket]
        if not ticket.turn.done():  # it is cancelled together with the request that waits for it
            ticket.turn.set_result(failure)
