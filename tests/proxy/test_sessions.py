"""The sessions of one proxy."""

from __future__ import annotations

import asyncio

import pytest

from kimi_cli.proxy.sessions import ClosingError, Sessions
from kimi_cli.record import replace
from kimi_cli.store.identity import ProcessIdentity
from tests.proxy.gate import make_session

ONE = ProcessIdentity(pid=1, created=1.0)
TWO = replace(ONE, created=2.0)


@pytest.fixture
async def sessions(tmp_path):
    return Sessions(files_dir=tmp_path)


async def test_a_token_names_its_session(sessions):
    """Each token finds its own session, and nothing else finds any."""
    first, second = make_session(), make_session()
    sessions.open(first)
    sessions.open(second)
    assert sessions.by_token(first.token) is first
    assert sessions.by_token(second.token) is second
    for token in ("", first.token[:-1], first.token + "x", "ü", "\udcff"):
        assert sessions.by_token(token) is None


async def test_the_end_of_a_session_cancels_what_runs_for_it(sessions):
    """Attached tasks are cancelled, and can see why."""
    session, seen = make_session(), []

    async def run() -> None:
        with session.attached():
            try:
                await asyncio.Event().wait()
            finally:
                seen.append(session.end_reason)

    sessions.open(session)
    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    assert session.tasks == {task}
    assert sessions.end(session.id, reason="closed")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["closed"]
    assert not session.tasks
    assert sessions.by_token(session.token) is None
    assert not sessions.end(session.id, reason="closed")


async def test_a_session_ends_with_the_last_of_its_owners(sessions):
    """One owner gone is not the end; both are."""
    session = make_session(owners={ONE, TWO})
    sessions.open(session)
    sessions.drop_owner(ONE)
    assert len(sessions) == 1
    sessions.drop_owner(TWO)
    assert len(sessions) == 0
    assert session.end_reason == "its processes ended"


async def test_an_ending_proxy_takes_no_session(sessions):
    """After the end has begun there are no sessions, and no new ones."""
    session = make_session()
    sessions.open(session)
    sessions.end_all(reason="stopped")
    assert session.end_reason == "stopped"
    with pytest.raises(ClosingError):
        sessions.open(make_session())
    assert len(sessions) == 0


async def test_waiting_follows_what_happens(sessions):
    """One can wait for the first session, and for the end of the last."""
    await sessions.wait_empty()
    opened = asyncio.create_task(sessions.wait_opened())
    session = make_session()
    sessions.open(session)
    await opened
    emptied = asyncio.create_task(sessions.wait_empty())
    await asyncio.sleep(0)
    assert not emptied.done()
    sessions.end(session.id, reason="closed")
    await emptied


async def test_only_files_of_ours_are_removed(sessions, tmp_path):
    """A link in our directory is removed and not followed; a file elsewhere stays."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.write_text("mine")
    link, inside = tmp_path / "link", tmp_path / "inside"
    link.symlink_to(outside)
    inside.write_text("ours")
    session = make_session(files=(link, inside, outside, tmp_path / "never made"))
    sessions.open(session)
    sessions.end(session.id, reason="closed")
    assert outside.read_text() == "mine"
    assert list(tmp_path.iterdir()) == []


async def test_nothing_shown_holds_a_secret(sessions):
    """Neither `repr` nor the status of a session has its token or its key in it; `secrets` has both."""
    session = make_session()
    sessions.open(session)
    for text in (repr(session), str(session.to_json())):
        assert session.token not in text
        assert session.route.key not in text
    assert set(sessions.secrets()) == {session.token, session.route.key}
