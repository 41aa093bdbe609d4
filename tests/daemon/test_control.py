"""The control API, between a launcher and a real proxy."""

from __future__ import annotations

import socket
import threading

import pytest

from kimi_cli.daemon import Control, ProxyClosingError, ProxyGoneError, ProxyRefusedError, SessionUnknownError
from kimi_cli.record import replace
from kimi_cli.store.identity import ProcessIdentity
from tests.daemon.conftest import KEY


def test_status_tells_of_the_proxy_and_its_sessions(world):
    """What a proxy says of itself is what its state file says, and every session is in it."""
    control = world.ensure()
    session = world.open(control)
    status = control.status()
    assert (status.pid, status.port) == (control.state.process.pid, control.state.port)
    assert (status.base_url, status.instance) == (control.state.base_url, control.state.instance)
    assert status.uptime >= 0
    assert status.memory is None or status.memory > 1_000_000
    assert not status.is_closing
    (one,) = status.sessions
    assert (one.id, one.project, one.provider, one.model) == (session.id, "/project", "groq", "kimi-test")
    assert (one.requests, one.streams, one.input_tokens, one.output_tokens, one.cached_tokens) == (0, 0, 0, 0, 0)


def test_a_session_s_files_go_with_it(world, tmp_path):
    """Files in the runtime directory are removed when their session ends; a path elsewhere is never touched."""
    control = world.ensure()
    world.paths.sessions_dir.mkdir()
    inside, outside = world.paths.sessions_dir / "settings.json", tmp_path / "mine.json"
    sneaky = world.paths.sessions_dir / ".." / ".." / "mine.json"
    session = world.open(control, files=[inside, outside, sneaky])
    world.open(control)  # so that the proxy stays, and what is gone went with the session
    for file in (inside, outside, world.paths.runtime_dir.parent / "mine.json"):
        file.write_text("{}")
    control.close_session(session.id)
    assert not inside.exists()
    assert outside.exists()
    assert (world.paths.runtime_dir.parent / "mine.json").exists()


def test_a_token_in_use_names_its_session(world):
    """A launcher whose answer was lost asks again, and gets the same session with its further owners."""
    control, owner = world.ensure(), world.child()
    first = world.open(control, ProcessIdentity.of(owner.pid))
    again = world.open(control, token=first.token)
    assert again == first
    owner.kill()
    owner.wait()
    assert [one.id for one in control.status().sessions] == [first.id]


def test_a_session_for_nobody_is_refused(world):
    """A session whose processes are all gone would end at once, so it is not opened."""
    control = world.ensure()
    gone = replace(ProcessIdentity.current(), created=1.0)
    with pytest.raises(ProxyRefusedError, match="running"):
        world.open(control, gone)


@pytest.mark.parametrize("url", ["http://example.com/v1", "http://10.0.0.1/v1", "ftp://127.0.0.1/v1", "nonsense"])
def test_a_key_does_not_travel_in_the_open(world, url):
    """A base URL is https, or http to this machine."""
    control = world.ensure()
    with pytest.raises(ProxyRefusedError, match="https"):
        control.open_session(world.route(base_url=url), owners=[ProcessIdentity.current()], project="")


@pytest.mark.parametrize("token", ["short", "x" * 31, "x" * 300, "with spaces " * 4])
def test_a_weak_token_is_refused(world, token):
    """A launcher may bring a token, but not one that could be guessed or does not fit a header."""
    with pytest.raises(ProxyRefusedError, match="token"):
        world.open(world.ensure(), token=token)


def test_a_session_that_has_ended_is_unknown(world):
    """Closing twice, or extending what is closed, says so."""
    control = world.ensure()
    session = world.open(control)
    world.open(control)
    control.close_session(session.id)
    with pytest.raises(SessionUnknownError):
        control.close_session(session.id)
    with pytest.raises(SessionUnknownError):
        control.add_owner(session.id, ProcessIdentity.current())


def test_another_control_token_is_refused(world):
    """Whoever does not know the control token cannot even tell that this is the proxy."""
    state = replace(world.ensure().state, control_token="x" * 43)
    with pytest.raises(ProxyGoneError, match="another program"):
        Control(state).status()


def test_a_proxy_that_is_ending_takes_no_session(world):
    """A launcher that comes too late is told so, and can start another proxy."""
    control = world.ensure()
    control.stop(force=False)
    with pytest.raises((ProxyClosingError, ProxyGoneError)):
        world.open(control)


def test_a_stranger_on_the_proxy_s_port_gets_neither_token_nor_key(world):
    """Somebody who took the port after the proxy died cannot prove to be it, and is told nothing."""
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        state = replace(world.ensure().state, port=stranger.getsockname()[1])

        def pose() -> None:
            connection, _ = stranger.accept()
            with connection:
                received.extend(connection.recv(65536))
                body = b'{"status": "ok", "instance": "%s", "proof": "0"}' % state.instance.encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                while data := connection.recv(65536):
                    received.extend(data)

        posing = threading.Thread(target=pose)
        posing.start()
        with pytest.raises(ProxyGoneError, match="another program"):
            world.open(Control(state))
        posing.join()
    assert received
    assert state.control_token.encode() not in received
    assert KEY.encode() not in received
