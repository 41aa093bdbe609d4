"""Processes that own sessions, and their end."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from kimi_cli.proxy.owners import OwnerWatch
from kimi_cli.proxy.sessions import Sessions
from kimi_cli.store.identity import ProcessIdentity
from tests.proxy.gate import make_session


@pytest.fixture
def child():
    """A process that runs until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture(params=["told", "polled"])
async def sessions(request, tmp_path, monkeypatch):
    """Sessions whose owners are watched, with and without help of the system."""
    if request.param == "polled" and hasattr(os, "pidfd_open"):

        def refuse(*_):
            raise OSError(38, "no such system call")

        monkeypatch.setattr(os, "pidfd_open", refuse)
    return Sessions(files_dir=tmp_path)


@pytest.fixture
async def watch(sessions):
    watch = OwnerWatch(sessions)
    yield watch
    watch.close()


async def test_a_killed_owner_ends_its_session(sessions, watch, child):
    """The end of a process is noticed, even while nobody has collected it yet."""
    owner = ProcessIdentity.of(child.pid)
    sessions.open(make_session(owners={owner}))
    other, ended = make_session(), asyncio.Event()
    sessions.open(other)
    sessions.on_end.append(lambda _: ended.set())
    watch.watch(owner)
    child.kill()
    async with asyncio.timeout(10):
        await ended.wait()
    assert list(sessions) == [other]


async def test_an_owner_that_is_gone_already_is_noticed(sessions, watch, child):
    """A process that ended before it was watched ends its session all the same."""
    owner = ProcessIdentity.of(child.pid)
    child.kill()
    child.wait()
    sessions.open(make_session(owners={owner}))
    watch.watch(owner)
    async with asyncio.timeout(10):
        await sessions.wait_empty()


async def test_nothing_is_kept_for_sessions_that_have_ended(sessions, watch, child):
    """A long-lived process that opens and closes sessions costs nothing in between."""
    owner = ProcessIdentity.of(child.pid)
    first, second = make_session(owners={owner}), make_session(owners={owner})
    for session in (first, second):
        sessions.open(session)
        watch.watch(owner)
    sessions.end(first.id, reason="closed")
    assert owner in {*watch._descriptors, *watch._polled}
    sessions.end(second.id, reason="closed")
    assert not watch._descriptors
    assert not watch._polled
