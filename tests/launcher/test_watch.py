"""The watch over a proxy: any end of it is noticed, and answered a bounded number of times."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kimi_cli.errors import ProxyError
from kimi_cli.launcher import watch as module
from kimi_cli.launcher.watch import RESTARTS, Watch
from kimi_cli.store.identity import ProcessIdentity
from tests.launcher.conftest import eventually

DESCRIPTORS = Path("/proc/self/fd")
SOON = 20.0
"""Seconds within which an end is answered."""


class Session:
    """A session whose proxy is any process; `restore` starts another one."""

    def __init__(self, *, lives: str = "import time; time.sleep(600)") -> None:
        self.lives, self.children, self.failures, self.ended, self.restored = lives, [], 0, False, []
        self.answers, self.questions = [], 0
        self.proxy = self.spawn()

    def spawn(self) -> ProcessIdentity:
        child = subprocess.Popen([sys.executable, "-c", self.lives])
        self.children.append(child)
        return ProcessIdentity.of(child.pid)

    def hangs(self) -> bool:
        self.questions += 1
        return not self.answers.pop(0) if self.answers else False

    def was_ended(self) -> bool:
        return self.ended

    def restore(self) -> None:
        if self.failures:
            self.failures -= 1
            raise ProxyError("Not now.")
        self.proxy = self.spawn()
        self.restored.append(time.monotonic())


@pytest.fixture
def session():
    """A session; its processes end with the test."""
    session = Session()
    yield session
    for child in session.children:
        child.kill()
        child.wait()


@pytest.fixture(params=["told by the system", "polled"])
def watching(request, session, monkeypatch):
    """A watch, where the system tells of a process's end, and where it does not."""
    if request.param == "polled":
        monkeypatch.setattr(module, "sys", type("Other", (), {"platform": "other"}))
    before = threading.active_count()
    watch = Watch(session)
    watch.start()
    yield watch
    watch.stop()
    eventually(lambda: threading.active_count() <= before)


def test_brought_back(session, watching):
    """Each time the proxy is killed there is another one, soon."""
    for times in (1, 2, 3):
        killed = time.monotonic()
        session.children[-1].kill()
        eventually(lambda times=times: len(session.restored) == times)
        assert time.monotonic() - killed < SOON


def test_one_that_hangs_is_replaced(session, watching, monkeypatch):
    """A proxy that leaves two questions in a row open is as good as gone."""
    monkeypatch.setattr(module, "_HEALTH", 0.05)
    session.answers = [True, False, True, False, False]
    eventually(lambda: len(session.restored) == 1)
    assert session.answers == []


def test_one_that_answers_in_the_end_stays(session, watching, monkeypatch):
    """A single question left open proves nothing."""
    monkeypatch.setattr(module, "_HEALTH", 0.05)
    session.answers = [False, True] * 3
    eventually(lambda: session.questions > 6)
    assert session.restored == []


def test_not_where_it_was_meant_to_end(session, watching):
    """A proxy that somebody stopped stays stopped."""
    session.ended = True
    session.children[-1].kill()
    eventually(lambda: not watching._thread.is_alive())
    assert session.restored == []


def test_tried_again(session, watching, monkeypatch):
    """Where it cannot be brought back at once it is tried again after a pause."""
    monkeypatch.setattr(module, "_PAUSE", 0.05)
    session.failures = 2
    session.children[-1].kill()
    eventually(lambda: len(session.restored) == 1)


def test_not_for_ever(session, watching, monkeypatch):
    """A proxy that dies over and over is brought back a few times, and then only when a minute has passed."""
    monkeypatch.setattr(module, "_WINDOW", 3.0)
    session.lives = "pass"
    session.children[-1].kill()
    eventually(lambda: len(session.restored) > RESTARTS)
    assert session.restored[RESTARTS] - session.restored[0] > 2.9


def test_stopped_at_once(session, watching):
    """Whether it waits for an end or for its next try, it can be stopped without delay, and then does nothing more."""
    started = time.monotonic()
    watching.stop()
    assert time.monotonic() - started < SOON
    session.children[-1].kill()
    session.children[-1].wait()
    assert session.restored == []
    assert not watching._thread.is_alive()


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors of processes are Linux's")
def test_no_descriptor_is_left(session):
    """Neither the watch nor what it brought back leaves an open descriptor."""
    before = len(list(DESCRIPTORS.iterdir()))
    watch = Watch(session)
    watch.start()
    session.children[-1].kill()
    eventually(lambda: len(session.restored) == 1)
    watch.stop()
    assert len(list(DESCRIPTORS.iterdir())) == before
