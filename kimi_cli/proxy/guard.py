"""Who may come in: a loopback name in `Host`, no foreign `Origin`, a body of bearable size, and a token.

The checks stand in that order, so that a page in a browser learns nothing from the later ones. DNS rebinding brings a
foreign `Host`; a page that posts here brings a foreign `Origin`; another user of the machine has no token.
"""

from __future__ import annotations

import hmac
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web

from kimi_cli.proxy.connection import Connection
from kimi_cli.proxy.intake import BODY_LIMIT
from kimi_cli.proxy.keys import SESSION, SESSIONS, STATE
from kimi_cli.proxy.refused import RefusedError
from kimi_cli.wire.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp.typedefs import Handler

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
OPEN: Final = frozenset({("GET", "/health"), ("HEAD", "/health"), ("HEAD", "/"), ("HEAD", "/api/hello")})
"""What is answered without a token. None of it tells more than that a proxy is here."""
CONTROL: Final = "/control/"
"""Routes below this take the control token, and only that."""
UNAUTHENTICATED: Final = Failure(
    401, "authentication_error", "This proxy needs the token of a running session.", should_retry=False
)
"""What is said to whoever has no session, or none any more."""


@web.middleware
async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets a request through to its handler, with its session in `request[SESSION]`, or refuses it."""
    _check_host(request)
    if request.method == "OPTIONS":
        # A preflight gets an answer, and without any Access-Control header in it the browser stops there.
        return web.Response(status=204)
    _check_origin(request)
    _check_size(request)
    # The matched route decides and not the path's text, which can be spelled in more ways than one.
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else ""
    if (request.method, path) in OPEN:
        return await handler(request)
    if path.startswith(CONTROL):
        _check_control_token(request)
        _make_known(request)
        _check_expectation(request)
        return await handler(request)
    sessions, tokens = request.app[SESSIONS], tuple(_tokens(request))
    session = next(filter(None, map(sessions.by_token, tokens)), None) or await sessions.reopened(tokens)
    if session is None:
        raise RefusedError(UNAUTHENTICATED)
    request[SESSION] = session
    _make_known(request)
    _check_expectation(request)
    with session.used():
        return await handler(request)


_FOREIGN_HOST: Final = Failure(403, "permission_error", "This proxy serves this machine alone.", should_retry=False)
_FOREIGN_ORIGIN: Final = Failure(403, "permission_error", "This proxy serves no web pages.", should_retry=False)


def _check_host(request: web.Request) -> None:
    named = request.headers.getall("Host", [])
    ours = _authorities(request.app[STATE].port)
    if len(named) != 1 or named[0].lower() not in ours:
        raise RefusedError(_FOREIGN_HOST)
    # An absolute request target names a host of its own, which outranks the header.
    target = request.raw_path
    if not target.startswith("/") and target != "*" and _authority(target) not in ours:
        raise RefusedError(_FOREIGN_HOST)


def _check_origin(request: web.Request) -> None:
    ours = _authorities(request.app[STATE].port)
    for origin in request.headers.getall("Origin", []):
        scheme, _, authority = origin.lower().partition("://")
        if scheme != "http" or authority not in ours:
            raise RefusedError(_FOREIGN_ORIGIN)


def _check_size(request: web.Request) -> None:
    """Refuses by the announced length, before anything is read; a body that announces none is counted as it comes."""
    if (request.content_length or 0) > BODY_LIMIT:
        raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, request.content_length or 0)


def _check_expectation(request: web.Request) -> None:
    """Refuses what waits for something that nobody knows. Whoever waits for an invitation gets it with the body."""
    if request.version >= HttpVersion11 and request.headers.get("Expect", "100-continue").lower() != "100-continue":
        raise web.HTTPExpectationFailed


def _check_control_token(request: web.Request) -> None:
    expected = request.app[STATE].control_token.encode()
    offered = [token.encode("utf-8", "surrogateescape") for token in _tokens(request)]
    if not any([hmac.compare_digest(expected, token) for token in offered]):  # noqa: C419 - all, in constant time
        raise RefusedError(UNAUTHENTICATED)


def _make_known(request: web.Request) -> None:
    if isinstance(request.protocol, Connection):
        request.protocol.is_known = True


def _authority(target: str) -> str:
    try:
        return urlsplit(target).netloc.lower()
    except ValueError:
        return ""


@cache
def _authorities(port: int) -> frozenset[str]:
    """What names this proxy in `Host`; a client leaves the default port out."""
    return frozenset(f"{name}:{port}" for name in LOOPBACK_NAMES) | frozenset(LOOPBACK_NAMES if port == 80 else ())


def _tokens(request: web.Request) -> Iterator[str]:
    """Every token that the request offers; a client with a stray key of its own may send one of each kind."""
    for value in request.headers.getall("Authorization", []):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            yield token.strip()
    yield from request.headers.getall("x-api-key", [])
