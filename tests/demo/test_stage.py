"""What a run sets up is there, and what it takes down is gone; what was not its own stays."""

from __future__ import annotations

import shutil
import time

import pytest

from kimi_cli.daemon import Control, ensure_proxy, find_proxy, open_session
from kimi_cli.daemon.end import kill
from kimi_cli.demo.report import DemoError
from kimi_cli.demo.stage import PROVIDER, Stage
from kimi_cli.store.identity import ProcessIdentity


@pytest.fixture
def stage(paths, environ):
    stage = Stage(paths, environ)
    yield stage
    stage.clear()


def test_all_that_was_set_up_is_taken_down(stage, paths):
    """A proxy that the run has started goes with it, as do session, model and directory."""
    assert "not a language model" in stage.start_model()
    assert stage.open_session().startswith("started at")
    assert [session.provider for session in Control(find_proxy(paths)).status().sessions] == [PROVIDER]
    assert stage.clear() == "session closed, proxy ended, model ended, files removed"
    assert not stage.folder.exists()
    assert not stage.upstream.is_running
    assert not stage.hold.proxy.is_alive()
    assert not paths.state_file.exists()
    assert stage.upstream.key not in paths.log_file.read_text()


def test_nothing_set_up_is_nothing_to_take_down(stage):
    """Clearing a stage on which nothing was built does nothing."""
    assert stage.clear() == ""


def test_a_proxy_that_was_there_stays(stage, paths, environ):
    """A proxy that already served others is used and left alone."""
    control = ensure_proxy(paths, environ=environ)
    stage.start_model()
    assert stage.open_session().startswith("found running at")
    assert "proxy left running, as it was found" in stage.clear()
    assert find_proxy(paths) == control.state
    assert control.status().sessions == ()


def test_a_proxy_that_others_came_to_use_stays(stage, paths, environ):
    """A proxy that the run started, and that serves another session by its end, is left alone too."""
    stage.start_model()
    stage.open_session()
    control, other = open_session(
        paths, stage.route, environ=environ, owners=(ProcessIdentity.current(),), project="other"
    )
    assert "proxy left running, for another session has come" in stage.clear()
    assert [session.id for session in control.status().sessions] == [other.id]


def test_a_proxy_that_died_goes_too(stage):
    """Where the proxy was killed and brought back meanwhile, its successor is what goes."""
    stage.start_model()
    stage.open_session()
    first = stage.hold.proxy
    kill(first)
    deadline = time.monotonic() + 20
    while stage.hold.proxy == first:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert stage.clear() == "session closed, proxy ended, model ended, files removed"
    assert not stage.hold.proxy.is_alive()


def test_what_cannot_be_removed_is_told(stage, monkeypatch):
    """What is left is named, after everything else was taken down."""
    stage.start_model()
    monkeypatch.setattr(shutil, "rmtree", lambda *args, **more: None)
    with pytest.raises(DemoError, match=r"Something is left: .* cannot be removed"):
        stage.clear()
    assert not stage.upstream.is_running
    monkeypatch.undo()
