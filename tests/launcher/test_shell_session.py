"""Sessions of shells, on real proxies; `read` stands for the shell."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kimi_cli.daemon import Control, find_proxy
from kimi_cli.daemon.end import kill, wait_for_end
from kimi_cli.daemon.stop import stop_proxy
from kimi_cli.errors import ProxyError
from kimi_cli.launcher.environment import session_variables
from kimi_cli.launcher.shell_session import close_shell_session, open_shell_session, variable_names
from kimi_cli.providers.model import Model
from kimi_cli.setup.footprint import footprint
from kimi_cli.store.identity import ProcessIdentity
from tests.launcher.conftest import KEY, MAIN, eventually, make_route

PROJECT = Path("/project")


@pytest.fixture
def shell(user):
    """A process that lives until the test ends it."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"],
        env=user.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def opened(user, shell):
    """Opens the shell's session."""
    owner = ProcessIdentity.of(shell.pid)

    def open_(**changes):
        return open_shell_session(user.paths, user.environ, make_route(**changes), owner=owner, project=PROJECT)

    return open_


def sessions(user) -> list[tuple[str, str]]:
    """Every session, as its id and its model; without a proxy there is none."""
    state = find_proxy(user.paths)
    return [] if state is None else [(session.id, session.model) for session in Control(state).status().sessions]


def receipts(user) -> list[Path]:
    """The receipts that lie there."""
    return sorted(user.paths.sessions_dir.glob("*"))


def test_it_ends_with_the_shell(user, shell, opened):
    """The session is there, belongs to the shell's directory, and nothing is left once the shell is killed."""
    session = opened()
    status = Control(find_proxy(user.paths)).status()
    assert [(one.id, one.project) for one in status.sessions] == [(session.id, str(PROJECT))]
    assert session.base_url == status.base_url
    shell.kill()
    shell.wait()
    user.sandbox.assert_nothing_left()


def test_variables(opened):
    """What a launch sets is set, and what it clears is hidden, whether it was set or not."""
    session = opened()
    launched = session_variables(make_route(), base_url=session.base_url, token=session.token)
    assert dict(session.variables) | dict.fromkeys(session.hidden, "") == launched
    assert session.variables["ANTHROPIC_BASE_URL"] == session.base_url
    assert session.variables["ANTHROPIC_AUTH_TOKEN"] == session.token
    assert session.variables["ANTHROPIC_MODEL"] == MAIN.id
    assert "ANTHROPIC_API_KEY" in session.hidden
    assert KEY not in str(session.variables)
    assert session.token not in repr(session)


def test_a_web_proxy(user, shell, opened):
    """Where a web proxy is set this machine is excepted from it, and otherwise nothing is said about that."""
    assert "NO_PROXY" not in opened().variables
    user.environ.update(https_proxy="http://proxy:3128", NO_PROXY="intern")
    assert opened().variables["NO_PROXY"] == "intern,127.0.0.1,localhost,::1"


def test_again(user, opened):
    """A shell that asks again gets the session that it has."""
    first = opened()
    assert opened() == first
    assert len(sessions(user)) == 1
    assert len(receipts(user)) == 1


def test_again_for_something_else(user, opened):
    """With another model, host or key the shell's session goes there, and its programs keep their token."""
    first = opened()
    model = Model("other", context_window=1000, max_output=100)
    for changes in ({"models": (model,), "slots": ()}, {"key": "gsk_another0123456789"}):
        session = opened(**changes)
        assert (session.token, session.base_url) == (first.token, first.base_url)
        assert session.id != first.id
        assert [one[0] for one in sessions(user)] == [session.id]
        assert len(receipts(user)) == 1


def test_two_shells(user, opened):
    """Each shell has its own."""
    first = opened()
    other = open_shell_session(user.paths, user.environ, make_route(), owner=ProcessIdentity.current(), project=PROJECT)
    assert other.token != first.token
    assert len(sessions(user)) == 2
    assert close_shell_session(user.paths, owner=ProcessIdentity.current())
    assert [one[0] for one in sessions(user)] == [first.id]


def test_closed(user, shell, opened):
    """A session can be ended before its shell, once; then nothing is left."""
    opened()
    owner = ProcessIdentity.of(shell.pid)
    assert close_shell_session(user.paths, owner=owner)
    assert not close_shell_session(user.paths, owner=owner)
    eventually(lambda: [process.pid for process in user.sandbox.processes()] == [shell.pid])
    assert user.sandbox.runtime_files() == []


def test_a_proxy_that_died(user, shell, opened):
    """The next time brings the proxy back to the address and the token that the shell's programs know."""
    first = opened()
    proxy = find_proxy(user.paths).process
    kill(proxy)
    assert wait_for_end(proxy, seconds=10)
    again = opened()
    assert (again.base_url, again.token) == (first.base_url, first.token)
    assert len(sessions(user)) == 1
    assert close_shell_session(user.paths, owner=ProcessIdentity.of(shell.pid))


def test_closed_after_the_proxy_died(user, shell, opened):
    """Where no proxy runs any more there is nothing to end but the receipt."""
    opened()
    proxy = find_proxy(user.paths).process
    kill(proxy)
    assert wait_for_end(proxy, seconds=10)
    assert close_shell_session(user.paths, owner=ProcessIdentity.of(shell.pid))
    assert user.sandbox.runtime_files() == []


def test_a_stopped_proxy(user, opened):
    """`kimi stop --force` ends it, and the next time there is another, with a token of its own."""
    first = opened()
    stop_proxy(user.paths, force=True)
    assert user.sandbox.runtime_files() == []
    assert opened().token != first.token


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_the_receipt_is_private(user, opened):
    """The token lies in a file that only this user can read; the key lies nowhere."""
    session = opened()
    (receipt,) = receipts(user)
    assert stat.S_IMODE(receipt.stat().st_mode) == 0o600
    assert session.token in receipt.read_text()
    assert receipt in footprint(user.paths).files
    for file in user.sandbox.root.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"owner": {"pid": 1, "created": 1.0}},
        {"owner": {"pid": -1}},
        {"token": "short"},
        {"token": None},
        {"schema": 2},
        {"port": None},
    ],
)
def test_a_receipt_that_is_none(user, shell, opened, change):
    """What is somebody else's, of a number that was given out again, or garbage, is not gone by."""
    first = opened()
    (receipt,) = receipts(user)
    receipt.write_text(json.dumps(json.loads(receipt.read_text()) | change))
    assert opened().token != first.token
    assert close_shell_session(user.paths, owner=ProcessIdentity.of(shell.pid))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null"])
def test_a_receipt_of_garbage(user, shell, opened, content):
    """A file that was cut short or filled with something else counts as none."""
    opened()
    receipts(user)[0].write_bytes(content)
    assert not close_shell_session(user.paths, owner=ProcessIdentity.of(shell.pid))


@pytest.mark.skipif(sys.platform == "win32", reason="a directory in the file's place cannot be made there")
def test_a_receipt_that_cannot_be_written(user, shell, opened):
    """Without a receipt there is no session: nobody could end it before the shell."""
    file = user.paths.sessions_dir / f"shell-{shell.pid}.json"
    file.mkdir(parents=True, mode=0o700)
    with pytest.raises(ProxyError, match="cannot be written to"):
        opened()
    assert sessions(user) == []
    file.rmdir()


def test_a_shell_that_is_gone(user, shell, opened):
    """A shell that ends while its session is being opened leaves nothing."""
    program = """
import os, signal, sys
from pathlib import Path
from kimi_cli.launcher.shell_session import open_shell_session
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.paths import Paths
from tests.launcher.conftest import make_route
owner = ProcessIdentity.of(int(sys.argv[1]))
os.kill(owner.pid, signal.SIGTERM)
open_shell_session(Paths.find(os.environ), os.environ, make_route(), owner=owner, project=Path("/p"))
"""
    subprocess.run(
        [sys.executable, "-c", program, str(shell.pid)],
        env={**user.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    shell.wait(10)
    user.sandbox.assert_nothing_left()


def test_names():
    """The names are those of every route's variables: nothing that a session sets stays when it is undone."""
    ours, hidden = variable_names()
    for model in (MAIN, Model("tiny", context_window=1000, max_output=100)):
        for slots in ((), (("subagent", model.id),)):
            variables = session_variables(make_route(models=(model,), slots=slots), base_url="b", token="t")
            assert {name for name, value in variables.items() if value} <= set(ours)
            assert set(variables) <= {*ours, *hidden}
    assert not set(ours) & set(hidden)


def test_kill_is_enough(user, shell, opened):
    """Nothing has to be asked of the shell: it is killed together with the proxy, and the next one clears up."""
    opened()
    proxy = find_proxy(user.paths).process
    os.kill(shell.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    kill(proxy)
    assert wait_for_end(proxy, seconds=10)
    other = open_shell_session(user.paths, user.environ, make_route(), owner=ProcessIdentity.current(), project=PROJECT)
    assert [one[0] for one in sessions(user)] == [other.id]
    assert close_shell_session(user.paths, owner=ProcessIdentity.current())
    shell.wait(10)
    user.sandbox.assert_nothing_left()


def test_a_port_that_was_taken(user, shell, opened):
    """Where somebody has got the port of a proxy that died, the session is on another one, with the same token."""
    first = opened()
    proxy = find_proxy(user.paths)
    kill(proxy.process)
    assert wait_for_end(proxy.process, seconds=10)
    with socket.create_server(("127.0.0.1", proxy.port)):
        again = opened()
    assert again.token == first.token
    assert again.base_url != first.base_url
    assert close_shell_session(user.paths, owner=ProcessIdentity.of(shell.pid))
