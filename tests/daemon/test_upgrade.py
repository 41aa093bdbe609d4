"""A proxy of another version makes room: new sessions go to a new one, old ones finish where they are."""

from __future__ import annotations

import json
import socket
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import kimi_cli
from kimi_cli.daemon import (
    Control,
    PortTakenError,
    SessionsRunningError,
    ensure_proxy,
    open_session,
)
from kimi_cli.daemon.end import kill
from kimi_cli.daemon.stop import StopReport, Way, drain_proxies, stop_proxies
from kimi_cli.daemon.survey import survey
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import other_state_file, read_state
from tests.daemon.upstream import SlowHost


@pytest.fixture
def old(world, tmp_path) -> Control:
    """A proxy of an older version, started by that version."""
    (tmp_path / "sitecustomize.py").write_text("import kimi_cli\nkimi_cli.__version__ = '0.0.9'\n")
    control = ensure_proxy(world.paths, environ=world.environ | {"PYTHONPATH": str(tmp_path)})
    assert control.state.version == "0.0.9" != kimi_cli.__version__
    return control


@pytest.fixture
def host():
    host = SlowHost()
    yield host
    host.close()


def ask(control: Control, token: str) -> tuple[int, bytes]:
    """A message on a session, and how it is answered."""
    body = {"model": "kimi", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    request = Request(
        f"{control.state.base_url}/v1/messages",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def is_served(control: Control, token: str) -> bool:
    request = Request(f"{control.state.base_url}/v1/models", headers={"Authorization": f"Bearer {token}"})
    with urlopen(request, timeout=10) as answer:
        return bool(json.loads(answer.read())["data"])


def test_an_idle_proxy_of_another_version_is_replaced(world, old):
    """Without sessions it ends at once, and the new one takes its port."""
    world.environ.pop("KIMI_PROXY_PORT")
    new = world.ensure()
    assert (new.state.version, new.state.port) == (kimi_cli.__version__, old.state.port)
    assert not old.state.process.is_alive()
    world.eventually(lambda: '"replaces":"process' in world.paths.log_file.read_text())


def test_a_busy_one_finishes_its_sessions(world, old):
    """New sessions go to the new proxy, the old session goes on, and the old proxy ends with it."""
    session = world.open(old)
    new = world.ensure()
    assert (new.state.version, world.ensure().state) == (kimi_cli.__version__, new.state)
    assert new.state.port != old.state.port
    fresh = world.open(new)
    assert is_served(old, session.token)
    assert is_served(new, fresh.token)
    found = survey(world.paths)
    assert found.usual.instance == new.state.instance
    assert [(other.instance, other.is_closing, len(other.sessions)) for other in found.others] == [
        (old.state.instance, True, 1)
    ]
    old.close_session(session.id)
    world.eventually(lambda: not old.state.process.is_alive())
    assert survey(world.paths).others == ()
    new.close_session(fresh.id)
    world.eventually(world.is_clean)


def test_sessions_files_outlive_the_other_proxy(world, old):
    """The newer proxy ends first and leaves the files of the older one's sessions alone."""
    world.paths.sessions_dir.mkdir()
    file = world.paths.sessions_dir / "settings.json"
    file.write_text("{}")
    session = world.open(old, files=(file,))
    new = world.ensure()
    world.eventually(lambda: not new.state.process.is_alive())
    assert file.exists()
    old.close_session(session.id)
    world.eventually(world.is_clean)
    assert not file.exists()


def test_a_port_that_was_asked_for_is_waited_for_by_nobody(world, old):
    """With KIMI_PROXY_PORT there is one port for both, and the error says who still has it."""
    session = world.open(old)
    world.environ["KIMI_PROXY_PORT"] = str(old.state.port)
    with pytest.raises(
        PortTakenError, match=r"kimi 0\.0\.9 \(process \d+\), which finishes its sessions first"
    ) as caught:
        world.ensure()
    assert caught.value.fix == "unset KIMI_PROXY_PORT"
    assert is_served(old, session.token)
    old.close_session(session.id)
    world.eventually(lambda: not old.state.process.is_alive())
    assert world.ensure().state.port == old.state.port


def test_a_session_comes_back_to_its_port_beside_the_new_proxy(world, old):
    """When the proxy that makes room is killed, its sessions go on at the port that their clients know."""
    session = world.open(old)
    new = world.ensure()
    fresh = world.open(new)
    kill(old.state.process)
    world.eventually(lambda: not old.state.process.is_alive())
    facts = {"environ": world.environ, "owners": (ProcessIdentity.current(),), "project": "/p", "port": old.state.port}
    again, reopened = open_session(world.paths, world.route(), token=session.token, **facts)
    assert (again.state.port, reopened.token) == (old.state.port, session.token)
    assert open_session(world.paths, world.route(), token=session.token, **facts)[0].state == again.state
    assert read_state(world.paths.state_file) == new.state
    assert is_served(again, session.token)
    assert is_served(new, fresh.token)
    again.close_session(reopened.id)
    new.close_session(fresh.id)
    world.eventually(world.is_clean)


def test_what_a_killed_one_left_is_removed(world, old):
    """The state of a proxy that was killed while it made room does not stay for ever."""
    world.open(old)
    new = world.ensure()
    left = other_state_file(world.paths.runtime_dir, old.state.port)
    kill(old.state.process)
    assert left.exists()
    world.eventually(lambda: not new.state.process.is_alive())
    world.eventually(world.is_clean)


def test_stop_is_for_all(world, old):
    """Sessions on any proxy keep them all; with force all of them end."""
    world.open(old)
    new = world.ensure()
    with pytest.raises(SessionsRunningError):
        stop_proxies(world.paths, force=False)
    assert new.state.process.is_alive()
    assert stop_proxies(world.paths, force=True) == (
        StopReport(Way.ASKED, old.state.process.pid),
        StopReport(Way.ASKED, new.state.process.pid),
    )
    assert world.is_clean()


def test_a_drained_proxy_completes_its_answers(world, host):
    """The answer in flight is whole; no new one begins, no new session comes, and then the proxy ends."""
    control = world.ensure()
    session = control.open_session(
        world.route(base_url=host.base_url), owners=(ProcessIdentity.current(),), project="/project"
    )
    answers: list[tuple[int, bytes]] = []
    client = Thread(target=lambda: answers.append(ask(control, session.token)))
    client.start()
    assert host.asked.wait(20)
    seen: list[int] = []

    def waiting(count: int) -> None:
        if not seen:
            status, body = ask(control, session.token)
            assert (status, json.loads(body)["error"]["type"]) == (529, "overloaded_error")
            assert world.ensure().state.instance != control.state.instance
            host.release()
        seen.append(count)

    reports = drain_proxies(world.paths, waiting=waiting)
    client.join(20)
    assert seen[0] == 1
    assert reports == (StopReport(Way.DRAINED, control.state.process.pid),)
    assert [status for status, _ in answers] == [200]
    assert b"Done." in answers[0][1]
    assert answers[0][1].endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert not control.state.process.is_alive()
    world.eventually(world.is_clean)


def test_draining_nothing(world):
    """Without a proxy there is nothing to wait for."""
    assert drain_proxies(world.paths, waiting=pytest.fail) == ()
    assert not world.paths.runtime_dir.exists()


def test_a_client_that_comes_before_its_launcher_waits(world):
    """After a proxy died its client may be back first; it is let in when its session is, and not refused."""
    control = world.ensure()
    session = world.open(control)
    kill(control.state.process)
    world.eventually(lambda: not control.state.process.is_alive())
    again = world.ensure(port=control.state.port)
    with socket.create_connection(("127.0.0.1", again.state.port), timeout=30) as early:
        early.sendall(
            f"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:{again.state.port}\r\n"
            f"Authorization: Bearer {session.token}\r\nConnection: close\r\n\r\n".encode()
        )
        world.eventually(again.prove)  # by now the request before it has been seen
        world.open(again, token=session.token)
        assert early.recv(64).startswith(b"HTTP/1.1 200 ")


def test_a_token_that_nobody_brings_back_is_refused(world):
    """The wait is short, and at its end the answer is what it always was."""
    control = world.ensure()
    session = world.open(control)
    kill(control.state.process)
    world.eventually(lambda: not control.state.process.is_alive())
    again = world.ensure(port=control.state.port)
    status, body = ask(again, session.token)
    assert (status, json.loads(body)["error"]["type"]) == (401, "authentication_error")
