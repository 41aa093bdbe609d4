"""Hosts, origins, targets, paths and methods that are not what they should be."""

from __future__ import annotations

from itertools import product

import pytest

from tests.security.conftest import statuses

CLOSE = "Connection: close"
SPELLINGS = [
    "/{}", "//{}", "/./{}", "/x/../{}", "/v1/../{}", "/%2e/{}", "/v1/%2e%2e/{}", "/v1/%2E%2E/{}", "/%2e%2e/{}",
    "/..%2f{}", "/v1/..%2f{}", "/%2f{}", "/v1%2f..%2f{}", "/v1/..;/{}", "/;/{}", "/\\{}", "/%5c{}", "/%00{}",
    "/{}/", "/{}//", "/{}/.", "/{};x=y", "/{}%20", "/{}%00", "/{}%0d%0aX: y", "/{}%2f", "/{}.json", "/{}~", "/{}?",
    "/{}#x",
    "/health/../{}", "/health%2f..%2f{}", "/api/hello/../../{}", "/{}?x=/health", "/v1/models/../../{}",
    "/%252e%252e/{}", "/%c0%ae%c0%ae/{}", "/%u002e/{}", "http://{{authority}}/{}", "HTTP://{{authority}}//{}",
]  # fmt: skip
COMMANDS = ["control/status", "control/sessions", "control/stop", "control/retire"]


def respelled(path: str) -> list[str]:
    """A path in capitals, and with letters or slashes that are spelled in another way."""
    slashes = [path.replace("/", other) for other in ("%2f", "//", "/./", "\\")]
    return [path, path.upper(), path.title(), path.replace("o", "%6f"), path.replace("o", "%6F"), *slashes]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_leads_to_the_control_api(target, spelling):
    """With a session's token, whatever the path looks like, nothing of the control API is reached; without, nothing."""
    for command, method in product(COMMANDS, ("GET", "POST", "DELETE", "HEAD")):
        for path in respelled(command):
            line = f"{method} {spelling.format(path).format(authority=target.gate.authority)} HTTP/1.1"
            for token in (target.own.token, None):
                (status,) = await target.statuses(target.head(line, "Content-Length: 0", CLOSE, token=token))
                assert status in ({400, 401, 404, 405} if token else {400, 401}), line
    target.assert_untouched()


@pytest.mark.parametrize(
    "path",
    ["/v1/messages/", "//v1/messages", "/v1//messages", "/V1/MESSAGES", "/v1/messages%2f", "/v1%2fmessages",
     "/v1/messages/../messages/x", "/v1/messages;x", "/v1/messages%00", "/messages/", "/v2/messages",
     "/v1/messages.json"],
)  # fmt: skip
async def test_an_endpoint_has_its_own_path_alone(target, path):
    """What is spelled otherwise is not found, and says so in form."""
    (status,) = await target.statuses(
        target.head(f"POST {path} HTTP/1.1", "Content-Length: 2", CLOSE, token=target.own.token) + b"{}"
    )
    assert status == 404


@pytest.mark.parametrize(
    "path", ["/v1/messages?x=/control/stop", "/v1/%6dessages", "/v1/./messages", "/x/../v1/messages"]
)
async def test_the_same_path_is_the_same_endpoint(target, path):
    """Where a path means the endpoint by the rules of addresses it is that, with its token and not without."""
    for token, expected in ((target.own.token, {400, 404}), (None, {401})):
        data = target.head(f"POST {path} HTTP/1.1", "Content-Length: 2", CLOSE, token=token) + b"{}"
        assert set(await target.statuses(data)) <= expected


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "POST", "PROPFIND", "LOCK"])
@pytest.mark.parametrize("path", ["/v1/models", "/health", "/"])
async def test_a_method_that_is_not_served_is_refused(target, method, path):
    """Nothing is done by a method that nobody serves, and nothing of the request is sent back."""
    data = target.head(
        f"{method} {path} HTTP/1.1", "X-Echo: echoed", "Content-Length: 0", CLOSE, token=target.own.token
    )
    raw = await target.gate.raw(data)
    assert statuses(raw) == [405]
    assert b"echoed" not in raw
    assert target.own.token.encode() not in raw


@pytest.mark.parametrize(
    "line",
    ["BREW /v1/models HTTP/1.1", "get /v1/models HTTP/1.1", "GET /v1/models HTTP/3.0", "GET /v1/mod els HTTP/1.1",
     "PRI * HTTP/2.0", "GET v1/models HTTP/1.1", "GET \\v1\\models HTTP/1.1", "GET /v1/models\x00 HTTP/1.1",
     "GET /v1/m\xf6dels HTTP/1.1", "GET * HTTP/1.1"],
)  # fmt: skip
async def test_a_line_that_is_none_is_refused(target, line):
    """A request line that is out of order is not guessed at."""
    assert await target.statuses(target.head(line, CLOSE, token=target.own.token)) in ([400], [404], [405])


@pytest.mark.parametrize(
    "form",
    ["http://evil.example", "http://127.0.0.1", "http://127.0.0.1:1", "http://user@{}", "http://evil.example@{}",
     "http://{}@evil.example", "http://{}.evil.example", "ftp://evil.example", "http://[::1", "//evil.example"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/health", "/v1/models", "/control/status"])
async def test_a_target_that_names_another_host_is_refused(target, form, path):
    """A whole address in the request line must be ours in every part, whatever the header says."""
    line = f"GET {form.format(target.gate.authority)}{path} HTTP/1.1"
    (status,) = await target.statuses(target.head(line, CLOSE, token=target.own.token))
    assert status in {400, 403, 404}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
async def test_a_target_that_names_us_is_served(target, name):
    """A client that sends the whole address is served like any other."""
    line = f"GET http://{name}:{target.gate.state.port}/v1/models HTTP/1.1"
    assert await target.statuses(target.head(line, CLOSE, token=target.own.token)) == [200]


@pytest.mark.parametrize("line", ["CONNECT {} HTTP/1.1", "CONNECT evil.example:443 HTTP/1.1"])
async def test_no_tunnel_is_opened(target, line):
    """The proxy is none of the kind that connects to where it is told to."""
    data = target.head(line.format(target.gate.authority), CLOSE, token=target.own.token)
    (status,) = await target.statuses(data)
    assert status in {400, 403, 404, 405}


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.nip.io:{}", "localhost.evil.example:{}", "127.1:{}", "2130706433:{}", "0x7f.1:{}",
     "0177.0.0.1:{}", "0:{}", "[::ffff:127.0.0.1]:{}", "[0:0:0:0:0:0:0:1]:{}", "localhost:0{}", "localhost:{}0",
     "localhost:", "localhost", "127.0.0.1:{} ", "127.0.0.1:{},evil.example", "127.0.0.1:{}/", "127.0.0.1:{}#",
     "evil.example:{}", "\u0131localhost:{}", "localhost%00:{}", "", "*"],
)  # fmt: skip
@pytest.mark.parametrize("line", ["GET /health HTTP/1.1", "GET /v1/models HTTP/1.1", "OPTIONS /v1/messages HTTP/1.1"])
async def test_a_name_that_is_not_ours_is_refused(target, host, line):
    """However close it comes, and whatever it resolves to, a name that is not ours is answered nothing."""
    given = host.format(target.gate.state.port).encode().decode("latin-1")
    for one in (line, line.replace("GET", "HEAD")):
        raw = await target.gate.raw(target.head(one, CLOSE, token=target.own.token, host=given))
        if host.endswith(" "):  # the blank is no part of the name
            continue
        assert statuses(raw) in ([400], [403])
        assert target.gate.state.instance.encode() not in raw


@pytest.mark.parametrize("origin", ["null", "NULL", "", "http://evil.example", "http://localhost", "http://127.0.0.1:1",
                                    "https://127.0.0.1:{}", "http://127.0.0.1:{}.evil.example", "http://127.0.0.1:{}/",
                                    "http://127.0.0.1:{} http://evil.example", "chrome-extension://abc", "file://",
                                    "vscode-webview://abc", "http://evil.example:{}"])  # fmt: skip
@pytest.mark.parametrize("path", ["/health", "/v1/models", "/control/status"])
async def test_a_page_is_served_nothing(target, origin, path):
    """A page from elsewhere gets nothing, even with a token, and is not let read the refusal either."""
    given = f"Origin: {origin.format(target.gate.state.port)}"
    for token in (target.own.token, target.gate.state.control_token, None):
        raw = await target.gate.raw(target.head(f"GET {path} HTTP/1.1", given, CLOSE, token=token))
        assert statuses(raw) == [403]
        assert b"access-control" not in raw.lower()
        assert b"instance" not in raw


async def test_two_origins_are_one_too_many(target):
    """A foreign origin is not hidden behind our own."""
    ours = f"Origin: http://{target.gate.authority}"
    for lines in ((ours, "Origin: http://evil.example"), ("Origin: http://evil.example", ours)):
        data = target.head("GET /v1/models HTTP/1.1", *lines, CLOSE, token=target.own.token)
        assert await target.statuses(data) in ([400], [403])


async def test_one_header_more_than_there_is_room_for(target):
    """Headers are limited in number and each in size, and a request within the limits is served."""
    for count, size, expected in ((100, 100, [200]), (127, 1, [400]), (5, 20_000, [400]), (10_000, 1, [400])):
        lines = [f"X{at}: {'x' * size}" for at in range(count)]
        data = target.head("GET /v1/models HTTP/1.1", CLOSE, *lines, token=target.own.token)
        assert await target.statuses(data) == expected, (count, size)
    name = "x" * 20_000
    assert await target.statuses(target.head("GET /v1/models HTTP/1.1", f"{name}: 1", token=target.own.token)) == [400]
