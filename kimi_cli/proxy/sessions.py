"""The sessions: who is served, on which route, and for which processes."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kimi_cli.engine.memory import Memory
from kimi_cli.proxy.failover import Failover

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kimi_cli.providers.route import Route
    from kimi_cli.store.identity import ProcessIdentity
    from kimi_cli.tools.toolbox import LocalTools

_log = logging.getLogger(__name__)


SECRET_LENGTH: Final = 8
"""Characters of the shortest key that is kept out of texts. Local servers want to see words such as `none`, and those
stand in many a sentence."""
REOPENING_SECONDS: Final = 3.0
"""How long after its start a proxy waits for the sessions of its predecessor. Launchers take less than one."""


class ClosingError(Exception):
    """The process is about to end and takes no new session."""


@dataclass(slots=True, eq=False, kw_only=True)
class Session:
    """One client's session. It lives as long as one of `owners` does, or until it is closed.

    `opened_at` is in seconds since the epoch. The counters are kept by whoever answers messages: `requests` and the
    tokens count up, `streams` is how many are in flight.
    """

    id: str
    token: str = field(repr=False)
    route: Route
    project: str
    opened_at: float
    owners: set[ProcessIdentity]
    files: tuple[Path, ...] = ()
    record: bool = False
    """Whether the bodies of its requests and answers are recorded."""
    requests: int = 0
    streams: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: float | None = 0.0
    """US dollars; None once something was used whose price nobody knows."""
    left_out: dict[str, str] = field(default_factory=dict)
    """The tools that the host was not told of, and why; each is warned of once."""
    local_tools: LocalTools | None = field(default=None, repr=False)
    """What the proxy carries out for it, once that was wanted."""
    memory: Memory = field(default_factory=Memory, repr=False)
    """What was carried out for it beside calls of its client."""
    tasks: set[asyncio.Task[object]] = field(default_factory=set, repr=False)
    """What runs for this session; cancelled when it ends."""
    end_reason: str | None = None
    """Why it ended, set before its tasks are cancelled; a task cancelled without it has lost its client."""
    on_idle: Callable[[], None] | None = field(default=None, repr=False)
    """Called when the last of its tasks is done."""
    users: int = 0
    """How many of its requests are being answered, those for models and counts included."""
    used_at: float = field(default_factory=time.monotonic)
    """When the last of them was, on the clock of `time.monotonic`."""

    failover: Failover = field(init=False, repr=False)
    """Which of its hosts is asked."""

    def __post_init__(self) -> None:
        """Begin with the first host."""
        self.failover = Failover(self.route, session_id=self.id)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all of its hosts, and of its search engine."""
        return (self.route.key, *(route.key for route in self.route.fallbacks), self.route.search.key)

    def spend(self, cost: float | None) -> None:
        """Adds what an answer cost."""
        self.cost = None if self.cost is None or cost is None else self.cost + cost

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Ties the running task to the session: it is cancelled when the session ends."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be attached to a session")
        self.tasks.add(task)
        try:
            yield
        finally:
            self.tasks.discard(task)
            if not self.tasks and self.on_idle is not None:
                self.on_idle()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Counts what is done inside as a use of the session."""
        self.users += 1
        try:
            yield
        finally:
            self.users -= 1
            self.used_at = time.monotonic()

    @property
    def idle(self) -> float:
        """Seconds since a request was answered; none while one is."""
        return 0.0 if self.users else time.monotonic() - self.used_at

    def to_json(self) -> dict[str, object]:
        """The session as `status` shows it, without token and key."""
        return {
            "id": self.id,
            "project": self.project,
            "provider": self.route.provider,
            "model": self.route.main.id,
            "opened_at": self.opened_at,
            "idle": round(self.idle, 3),
            "requests": self.requests,
            "streams": self.streams,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "cost": None if self.cost is None else round(self.cost, 6),
            "fallback": self.failover.to_json(),
        }


class Sessions:
    """All sessions of this process. To be used from the event loop's thread alone.

    A session's files are removed with it where they lie in `files_dir`; any other path in its list is left alone.
    """

    def __init__(self, *, files_dir: Path, reopening: bool = False) -> None:
        self._files_dir = files_dir
        self._reopened_by = time.monotonic() + (REOPENING_SECONDS if reopening else 0.0)
        self._by_id: dict[str, Session] = {}
        self._opened, self._emptied, self._idle = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._emptied.set()
        self._arrival = asyncio.Event()
        self.is_closing = False
        """Whether no new session is taken any more."""
        self.is_finishing = False
        """Whether no new request is taken any more either."""
        self.on_end: list[Callable[[Session], None]] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._by_id.values()))

    def open(self, session: Session) -> None:
        """Takes a session in.

        Raises:
            ClosingError: the process is about to end.
        """
        if self.is_closing:
            raise ClosingError
        self._by_id[session.id] = session
        session.on_idle = self._idle.set
        self._emptied.clear()
        self._opened.set()
        self._arrival.set()
        self._arrival = asyncio.Event()
        _log.info("session opened", extra={"fields": session.to_json()})

    def by_id(self, session_id: str) -> Session | None:
        """The session of that id."""
        return self._by_id.get(session_id)

    def by_token(self, token: str) -> Session | None:
        """The session of that token. Every token is compared, each in constant time, so time tells nothing."""
        offered, found = token.encode("utf-8", "surrogateescape"), None
        for session in self._by_id.values():
            if hmac.compare_digest(session.token.encode(), offered):
                found = session
        return found

    async def reopened(self, tokens: Sequence[str]) -> Session | None:
        """The session of one of these tokens, which its launcher may be about to open again here.

        A client asks again as soon as its proxy is back, and one that is refused for its token gives up.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self._reopened_by - time.monotonic()):
                while True:
                    await self._arrival.wait()
                    for token in tokens:
                        if session := self.by_token(token):
                            return session
        return None

    def secrets(self) -> Iterator[str]:
        """Every token and key in use, longest first, for whoever must keep them out of a text."""
        texts = {text for session in self for text in (session.token, *session.keys) if len(text) >= SECRET_LENGTH}
        yield from sorted(texts, key=len, reverse=True)

    def end(self, session_id: str, *, reason: str) -> bool:
        """Ends a session: its tasks are cancelled and its files removed. False where there is none of that id."""
        session = self._by_id.pop(session_id, None)
        if session is None:
            return False
        session.end_reason = reason
        for task in tuple(session.tasks):
            task.cancel()
        self._remove_files(session)
        if not self._by_id:
            self._opened.clear()
            self._emptied.set()
        _log.info("session ended", extra={"fields": session.to_json() | {"reason": reason}})
        for listener in self.on_end:
            listener(session)
        return True

    def end_all(self, *, reason: str) -> None:
        """Ends every session and takes no new one."""
        self.is_closing = True
        for session in self:
            self.end(session.id, reason=reason)

    def drop_owner(self, owner: ProcessIdentity) -> None:
        """A process is gone: sessions that belonged to it alone end."""
        for session in self:
            if owner in session.owners:
                session.owners.discard(owner)
                if not session.owners:
                    self.end(session.id, reason="its processes ended")

    async def wait_empty(self) -> None:
        """Returns once there is no session."""
        await self._emptied.wait()

    async def wait_opened(self) -> None:
        """Returns once there is a session."""
        await self._opened.wait()

    async def wait_idle(self) -> None:
        """Returns once no request is being answered."""
        while any(session.tasks for session in self):
            self._idle.clear()
            await self._idle.wait()

    def _remove_files(self, session: Session) -> None:
        for file in session.files:
            with suppress(OSError):
                # The parent is resolved and not the file: a link in our directory is removed, never followed.
                if file.parent.resolve().is_relative_to(self._files_dir.resolve()):
                    file.unlink(missing_ok=True)
