"""Neither web pages nor other users of the machine get anything from the local port."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
import stat
import sys

import psutil
import pytest

from tests.daemon.conftest import world

__all__ = ["world"]

EVIL = "https://evil.example"
ASKS = {
    "a script reads": ("GET /v1/models", [f"Origin: {EVIL}"]),
    "a script posts": ("POST /v1/messages", [f"Origin: {EVIL}", "Content-Type: text/plain"]),
    "a form is sent": ("POST /v1/messages", ["Content-Type: application/x-www-form-urlencoded", "Origin: null"]),
    "a page looks like ours": ("POST /v1/messages", ["Origin: http://127.0.0.1.evil.example:{port}"]),
    "a page on another port": ("POST /v1/messages", ["Origin: http://127.0.0.1:3000"]),
    "an image is shown": ("GET /v1/models", ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: image"]),
    "a socket is opened": (
        "GET /v1/messages",
        ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA=="],
    ),
    "a name is bound anew": ("POST /v1/messages", ["Host: evil.example:{port}"]),
    "a name is bound anew, for the control API": ("POST /control/stop", ["Host: evil.example:{port}"]),
    "the control API is posted to": ("POST /control/stop", [f"Origin: {EVIL}"]),
    "a token in the address": ("GET /v1/models?token={token}", []),
    "the state is asked for": ("GET /control/status", []),
}
"""What a page can have a browser do, that has no token."""


@pytest.fixture
def proxy(world):
    """A real proxy with a session."""
    control = world.ensure()
    session = world.open(control)
    yield control, session
    control.stop(force=True)
    world.eventually(world.is_clean)


def said(port: int, line: str, lines: list[str]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to a request."""
    own_host = [] if any(one.startswith("Host:") for one in lines) else [f"Host: 127.0.0.1:{port}"]
    body = b'{"model": "x", "messages": [{"role": "user", "content": "hi"}]}' if line.startswith("POST") else b""
    head = "\r\n".join((f"{line} HTTP/1.1", *own_host, *lines, f"Content-Length: {len(body)}", "", ""))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link, link.makefile("rb") as answer:
        link.sendall(head.encode() + body)
        status = int(answer.readline().split()[1])
        headers = {}
        while (field := answer.readline().decode().strip()) != "":
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, answer.read(int(headers.get("content-length", 0)))


def test_field_25_a_page_gets_nothing(proxy):
    """Every way in which a page can ask is refused, nothing is granted to its scripts, and nothing happens."""
    control, session = proxy
    port, token = control.state.port, session.token
    for what, (line, lines) in ASKS.items():
        filled = [one.replace("{port}", str(port)) for one in lines]
        status, headers, body = said(port, line.replace("{token}", token), filled)
        assert status in {401, 403}, what
        assert json.loads(body)["type"] == "error"
        assert not [name for name in headers if name.startswith("access-control")], what
        assert token.encode() not in body
    (shown,) = control.status().sessions
    assert (shown.id, shown.requests) == (session.id, 0)


def test_field_25_a_preflight_grants_nothing(proxy):
    """A browser that asks beforehand is told nothing at all, also where the token would be right."""
    control, session = proxy
    asked = [
        f"Origin: {EVIL}",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: authorization",
        "Access-Control-Request-Private-Network: true",
        f"Authorization: Bearer {session.token}",
    ]
    for path in ("/v1/messages", "/control/stop", "/health"):
        status, headers, body = said(control.state.port, f"OPTIONS {path}", asked)
        assert (status, body) == (204, b"")
        assert not [name for name in headers if name.startswith("access-control")]


def test_field_25_the_token_is_not_enough_from_a_page(proxy):
    """Where a page has got hold of a session's token, its browser still says where the request comes from."""
    control, session = proxy
    status, _, _ = said(
        control.state.port, "GET /v1/models", [f"Authorization: Bearer {session.token}", f"Origin: {EVIL}"]
    )
    assert status == 403
    assert said(control.state.port, "GET /v1/models", [f"Authorization: Bearer {session.token}"])[0] == 200


def test_field_25_it_listens_on_this_machine_alone(proxy):
    """Every address that it is bound to is a loopback one."""
    control, _ = proxy
    connections = psutil.Process(control.state.process.pid).net_connections(kind="inet")
    bound = [one.laddr for one in connections if one.status == psutil.CONN_LISTEN]
    assert {one.port for one in bound} == {control.state.port}
    assert all(ipaddress.ip_address(one.ip).is_loopback for one in bound)


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX's")
def test_field_25_other_users_can_read_nothing(world, proxy):
    """Files are this user's alone, and neither token stands in a command line, which everybody can read."""
    control, session = proxy
    secrets = (control.state.control_token, session.token)
    places = [world.paths.runtime_dir, *world.paths.runtime_dir.rglob("*")]
    assert len(places) > 1
    for place in places:
        mode = place.stat()
        assert mode.st_uid == os.geteuid()
        assert stat.S_IMODE(mode.st_mode) & 0o077 == 0, place
    process = psutil.Process(control.state.process.pid)
    shown = " ".join(process.cmdline()) + str(process.environ())
    assert not [secret for secret in secrets if secret in shown]
    log = world.paths.log_file.read_text(encoding="utf-8")
    assert not [secret for secret in secrets if secret in log]
    assert not re.search(r"\b(gsk_|sk-)\w{16}", log)
