"""Who may come in."""

from __future__ import annotations

import pytest

from kimi_cli.proxy.intake import BODY_LIMIT
from tests.proxy.gate import Gate, gate

CONTROL = [("GET", "/control/status"), ("POST", "/control/sessions"), ("POST", "/control/stop")]
MINE = [("POST", "/v1/messages"), ("POST", "/messages"), ("POST", "/v1/messages/count_tokens"), ("GET", "/v1/models")]


@pytest.fixture
async def proxy(tmp_path):
    async with gate(tmp_path) as proxy:
        yield proxy


async def refusal(answer) -> tuple[int, str]:
    """Status and error type of an answer that must be an error in Anthropic's form."""
    body = await answer.json()
    assert body["type"] == "error"
    assert body["error"]["message"]
    assert body["request_id"] == answer.headers["request-id"]
    assert body["request_id"].startswith("req_")
    return answer.status, body["error"]["type"]


def parse(raw: bytes) -> tuple[int, bytes]:
    """Status and body of an answer read off the wire."""
    head, _, body = raw.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    ("method", "path"), [*CONTROL, *MINE, ("GET", "/"), ("GET", "/api/hello"), ("GET", "/nothing")]
)
async def test_without_a_token_there_is_nothing(proxy: Gate, method, path):
    """Everything but the open endpoints needs a token, and a client is told not to try again."""
    for token in (None, "", "x" * 43, "\udcff\udcfe"):
        async with proxy.request(method, path, token=token) as answer:
            assert await refusal(answer) == (401, "authentication_error")
            assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(("method", "path"), CONTROL)
async def test_a_session_s_token_commands_nothing(proxy: Gate, method, path):
    """A client cannot reach the control API with the token of its session."""
    session = proxy.open()
    async with proxy.request(method, path, token=session.token) as answer:
        assert await refusal(answer) == (401, "authentication_error")


@pytest.mark.parametrize(("method", "path"), MINE)
async def test_the_control_token_is_no_session(proxy: Gate, method, path):
    """The control token opens no message endpoint."""
    proxy.open()
    async with proxy.request(method, path, token=proxy.state.control_token) as answer:
        assert await refusal(answer) == (401, "authentication_error")


async def test_a_session_may_not_touch_another(proxy: Gate):
    """One session's token closes no other session."""
    mine, other = proxy.open(), proxy.open()
    async with proxy.request("DELETE", f"/control/sessions/{other.id}", token=mine.token) as answer:
        assert answer.status == 401
    assert len(proxy.sessions) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {}"},
        {"Authorization": "bearer {}"},
        {"x-api-key": "{}"},
        {"Authorization": "Bearer {}", "x-api-key": "sk-ant-stray"},
        {"Authorization": "Bearer sk-stray", "x-api-key": "{}"},
    ],
)
async def test_a_token_may_come_in_either_header(proxy: Gate, headers):
    """Clients send the token as bearer or as key, some with a stray one of their own beside it."""
    token = proxy.open().token
    given = {name: value.format(token) for name, value in headers.items()}
    async with proxy.request("GET", "/v1/models", headers=given) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LocalHost"])
async def test_loopback_names_are_ours(proxy: Gate, name):
    """Every name of this machine is taken, with our port."""
    async with proxy.request("GET", "/health", headers={"Host": f"{name}:{proxy.state.port}"}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}@evil.example",
        "0.0.0.0:{port}",
        "::1:{port}",
        "[::1",
        "",
        " ",
    ],
)
@pytest.mark.parametrize("path", ["/health", "/v1/models"])
async def test_a_foreign_host_is_refused(proxy: Gate, host, path):
    """A page whose name was rebound to this machine brings its own name, and gets nothing, not even the health."""
    headers = {"Host": host.format(port=proxy.state.port)}
    async with proxy.request("GET", path, token=proxy.open().token, headers=headers) as answer:
        assert answer.status in {400, 403}
        assert "0123abcd" not in await answer.text()


@pytest.mark.parametrize(
    "lines",
    [
        b"GET /health HTTP/1.0\r\n",
        b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n",
        b"GET http://evil.example/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n",
    ],
)
async def test_a_host_that_is_missing_doubled_or_contradicted_is_refused(proxy: Gate, lines):
    """There is one host, and it is ours."""
    data = lines.replace(b"{port}", str(proxy.state.port).encode())
    status, body = parse(await proxy.raw(data + b"Connection: close\r\n\r\n"))
    assert status in {400, 403}
    assert b'"type":"error"' in body


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", "file://"]
)
async def test_a_foreign_origin_is_refused(proxy: Gate, origin):
    """A web page cannot use the proxy, even if it got hold of a token."""
    for path in ("/health", "/v1/models"):
        async with proxy.request("GET", path, token=proxy.open().token, headers={"Origin": origin}) as answer:
            assert await refusal(answer) == (403, "permission_error")
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_our_own_origin_is_no_stranger(proxy: Gate):
    """A client on the proxy's own address may say so."""
    async with proxy.request("GET", "/health", headers={"Origin": f"http://{proxy.authority}"}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", ["/v1/messages", "/control/sessions", "/nothing", "/health"])
async def test_a_preflight_is_granted_nothing(proxy: Gate, path):
    """A preflight gets an answer that lets the browser do nothing."""
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with proxy.request("OPTIONS", path, headers=headers) as answer:
        assert answer.status == 204
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_options_for_everything(proxy: Gate):
    """`OPTIONS *` is answered too."""
    request = f"OPTIONS * HTTP/1.1\r\nHost: {proxy.authority}\r\nConnection: close\r\n\r\n"
    assert parse(await proxy.raw(request.encode()))[0] == 204


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/"), ("HEAD", "/api/hello"), ("HEAD", "/health")])
async def test_probes_need_no_token(proxy: Gate, method, path):
    """A client that looks whether anything is here gets a bare yes."""
    async with proxy.request(method, path) as answer:
        assert answer.status == 200
        assert await answer.read() == b""


async def test_a_body_that_announces_too_much_is_refused_unread(proxy: Gate):
    """The announced length is enough; no byte of the body has to come."""
    request = (
        f"POST /v1/messages HTTP/1.1\r\nHost: {proxy.authority}\r\nAuthorization: Bearer {proxy.open().token}\r\n"
        f"Content-Length: {BODY_LIMIT + 1}\r\nConnection: close\r\n\r\n"
    )
    status, body = parse(await proxy.raw(request.encode()))
    assert status == 413
    assert b"request_too_large" in body


@pytest.mark.parametrize(
    "path",
    ["/v1/../control/status", "/%63ontrol/status", "//control/status", "/control//status", "/CONTROL/status",
     "/control/status/", "/control%2fstatus", "/./control/status", "/health/../control/status", "/health%00"],
)  # fmt: skip
async def test_no_spelling_of_a_path_opens_it(proxy: Gate, path):
    """However a path is spelled, a session's token does not reach the control API, and no token reaches nothing."""
    for token in (proxy.open().token, ""):
        lines = f"GET {path} HTTP/1.1\r\nHost: {proxy.authority}\r\nAuthorization: Bearer {token}\r\n"
        status, body = parse(await proxy.raw(f"{lines}Connection: close\r\n\r\n".encode()))
        assert status in {400, 401, 404}
        assert b"sessions" not in body
