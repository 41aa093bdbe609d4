"""Sessions that a launcher hands over to a proxy that is just starting."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kimi_cli.daemon import Control, session_request
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.session_token import new_token
from kimi_cli.store.state import read_state
from tests.launcher.conftest import eventually, make_route, user

__all__ = ["user"]

KEY = make_route().key


@pytest.fixture
def proxy(user):
    """A proxy as `spawn` starts it, with a pipe to it."""
    state, log = user.paths.runtime_dir / "serve-1.json", user.paths.log_dir / "log"
    command = [sys.executable, "-m", "kimi_cli.proxy", "--state", str(state), "--log", str(log), "--grace", "0.2"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=user.environ, **pipes) as process:
        yield process
        process.kill()


def test_handed_over(user, proxy):
    """What makes sense is opened, however it is written, and asking for it again opens nothing twice."""
    token, owners = new_token(), [ProcessIdentity.current()]
    request = session_request(make_route(), token, owners=owners, project="/p")
    ended = session_request(make_route(), new_token(), owners=[ProcessIdentity(1, 0.0)], project="/p")
    lines = [b"{", b"[]", b"null", b"\xff", b'{"route": 1}', json.dumps(ended).encode(), json.dumps(request).encode()]
    for byte in b"\n".join(lines) + b"\n" + b'{"half":':
        proxy.stdin.write(bytes([byte]))
        proxy.stdin.flush()
    proxy.stdin.close()
    assert json.loads(proxy.stdout.readline())["ready"]
    control = Control(read_state(user.paths.runtime_dir / "serve-1.json"))
    eventually(lambda: control.status().sessions)
    (session,) = control.status().sessions
    opened = control.open(request)
    assert (opened.id, opened.token) == (session.id, token)
    assert len(control.status().sessions) == 1
    assert KEY not in user.paths.log_dir.joinpath("log").read_text()
    control.close_session(opened.id)
    assert proxy.wait(20) == 0
