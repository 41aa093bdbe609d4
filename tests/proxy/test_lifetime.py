"""When a proxy ends."""

from __future__ import annotations

import asyncio

import pytest
from filelock import FileLock

from kimi_cli.proxy import lifetime
from kimi_cli.proxy.leaving import Leaving
from kimi_cli.proxy.lifetime import Lifetime
from kimi_cli.proxy.sessions import ClosingError, Sessions
from tests.proxy.gate import make_session


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """The first session is waited for no longer than the grace period says."""
    monkeypatch.setattr(lifetime, "FIRST_SESSION_SECONDS", 0.0)


@pytest.fixture
async def sessions(tmp_path):
    return Sessions(files_dir=tmp_path)


class Watched(Leaving):
    """The real thing, which tells when it has been tried for the lock three times."""

    def __init__(self, directory) -> None:
        super().__init__(
            state_file=directory / "state", lock_file=directory / "lock", sessions_dir=directory / "sessions"
        )
        self.tries, self.tried_often = 0, asyncio.Event()

    def take(self) -> bool:
        self.tries += 1
        if self.tries == 3:
            self.tried_often.set()
        return super().take()


@pytest.fixture
async def leaving(tmp_path):
    leaving = Watched(tmp_path)
    yield leaving
    leaving.remove_files(instance="none")


async def test_it_ends_when_it_is_asked(sessions, leaving):
    """The first reason counts, and no session is taken after it."""
    life = Lifetime(sessions, grace=60, leaving=leaving)
    waiting = asyncio.create_task(life.wait())
    life.end("stopped")
    life.end("signal SIGTERM")
    with pytest.raises(ClosingError):
        sessions.open(make_session())
    assert await waiting == "stopped"


async def test_it_ends_when_it_is_idle(sessions, leaving):
    """After the last session the grace period runs, and then the end is decided with the lock in hand."""
    life = Lifetime(sessions, grace=0.05, leaving=leaving)
    session = make_session()
    sessions.open(session)
    waiting = asyncio.create_task(life.wait())
    await asyncio.sleep(0.2)  # longer than the grace period, which does not run while there is a session
    assert not waiting.done()
    sessions.end(session.id, reason="closed")
    async with asyncio.timeout(10):
        assert await waiting == "no session left"
    assert sessions.is_closing


async def test_a_launcher_with_the_lock_keeps_it_alive(sessions, leaving, tmp_path):
    """While a launcher holds the lock it may be about to open a session, and then it finds the proxy open."""
    with FileLock(tmp_path / "lock"):
        waiting = asyncio.create_task(Lifetime(sessions, grace=0.01, leaving=leaving).wait())
        async with asyncio.timeout(10):
            await leaving.tried_often.wait()
        assert not waiting.done()
        session = make_session()
        sessions.open(session)
    assert not sessions.is_closing
    sessions.end(session.id, reason="closed")
    async with asyncio.timeout(10):
        await waiting


async def test_a_short_session_is_one_as_well(sessions, leaving, tmp_path):
    """Opened and ended between two tries for the lock, it has the grace period after it as any other has."""
    clock = asyncio.get_running_loop().time
    with FileLock(tmp_path / "lock"):
        waiting = asyncio.create_task(Lifetime(sessions, grace=0.5, leaving=leaving).wait())
        async with asyncio.timeout(10):
            await leaving.tried_often.wait()
        session, opened = make_session(), clock()
        sessions.open(session)
        sessions.end(session.id, reason="closed")
    async with asyncio.timeout(10):
        await waiting
    assert clock() - opened >= 0.5


async def test_a_lock_that_is_never_given_back_does_not_keep_it_for_good(sessions, leaving, tmp_path, monkeypatch):
    """A launcher that hangs with the lock in hand is outlived by nobody for long."""
    monkeypatch.setattr(lifetime, "LOCK_PATIENCE_SECONDS", 0.2)
    with FileLock(tmp_path / "lock"):
        async with asyncio.timeout(10):
            assert await Lifetime(sessions, grace=0.01, leaving=leaving).wait() == "no session left"
