"""When the process ends: asked to, by a signal, or because nobody has needed it for a while."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kimi_cli.proxy.leaving import Leaving
    from kimi_cli.proxy.sessions import Sessions
    from kimi_cli.store.state import ProxyState

FIRST_SESSION_SECONDS: Final = 2.0
"""The shortest wait for the first session, whatever the grace period: its launcher is on the way."""
LOCK_RETRY_SECONDS: Final = 0.1
LOCK_PATIENCE_SECONDS: Final = 60.0
"""How long an idle process waits for a launcher that holds the lock. It is longer than any launcher holds it, so the
launcher has died in a way that kept the lock, and waiting on would keep this process for good."""


class Lifetime:
    """Decides the end, once.

    An idle process ends only with the lock in hand: a launcher that has just found it holds that lock, and is about
    to open a session.
    """

    def __init__(self, sessions: Sessions, *, grace: float, leaving: Leaving) -> None:
        self._sessions, self._grace, self._leaving = sessions, grace, leaving
        self._asked = asyncio.Event()
        self._reason = ""
        self._ends: set[asyncio.Task[None]] = set()

    def end(self, reason: str) -> None:
        """Asks for the end. No new session is taken from here on; the first reason counts."""
        self._sessions.is_closing = True
        self._reason = self._reason or reason
        self._asked.set()

    def retire(self, state: ProxyState, *, only_answers: bool) -> None:
        """Makes room for another process: takes no new session from here on, and ends with the last one.

        With `only_answers` no new request either: then it ends as soon as those in flight are answered. It may be
        called again. The state of this process, `state`, moves to where launchers of new sessions do not look.

        Raises:
            OSError: the state cannot be moved; then nothing has changed.
        """
        self._leaving.move_aside(state)
        self._sessions.is_closing = True
        self._sessions.is_finishing = self._sessions.is_finishing or only_answers
        self._ends.add(asyncio.create_task(self._end_after_answers() if only_answers else self._end_after_sessions()))

    async def wait(self) -> str:
        """Returns, with the reason, when the process should end. Sessions may still be open then."""
        self._ends.add(asyncio.create_task(self._become_idle()))
        try:
            await self._asked.wait()
        finally:
            for task in self._ends:
                task.cancel()
            await asyncio.gather(*self._ends, return_exceptions=True)
        return self._reason

    async def _end_after_sessions(self) -> None:
        await self._sessions.wait_empty()
        self.end("its sessions ended, and another proxy takes new ones")

    async def _end_after_answers(self) -> None:
        await self._sessions.wait_idle()
        self.end("its answers ended, as was asked for")

    async def _become_idle(self) -> None:
        grace = max(self._grace, FIRST_SESSION_SECONDS)
        while True:
            await self._sessions.wait_empty()
            if not await self._is_needed_within(grace) and await self._claim_end():
                self.end("no session left")
                return
            grace = self._grace

    async def _claim_end(self) -> bool:
        """Waits for the lock; False when a session has been opened meanwhile."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + LOCK_PATIENCE_SECONDS
        while not len(self._sessions):
            if self._leaving.take() or clock() > deadline:
                return True
            if await self._is_needed_within(LOCK_RETRY_SECONDS):
                break
        return False

    async def _is_needed_within(self, seconds: float) -> bool:
        """Whether a session is opened in that time, be it for a moment."""
        try:
            async with asyncio.timeout(seconds):
                await self._sessions.wait_opened()
        except TimeoutError:
            return False
        return True
