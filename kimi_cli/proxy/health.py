"""The answers that need no token."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from kimi_cli.providers.search import OFF
from kimi_cli.providers.tools import Level
from kimi_cli.proxy.intake import await_invitation
from kimi_cli.proxy.keys import SESSIONS, STATE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimi_cli.proxy.sessions import Session

CHALLENGE_HEADER = "x-kimi-challenge"
"""A random text from a launcher, to which only the holder of the control token has the right reply."""
_CHALLENGE_LIMIT = 128


def add_health_routes(app: web.Application) -> None:
    """Adds `/health`, and the two probes that clients send with `HEAD`."""
    app.router.add_get("/health", health, expect_handler=await_invitation)
    app.router.add_head("/", hello, expect_handler=await_invitation)
    app.router.add_head("/api/hello", hello, expect_handler=await_invitation)


async def health(request: web.Request) -> web.Response:
    """That this is our proxy and which one; 503 once it is ending.

    A launcher sends a challenge and gets a proof back, so that it hands a key to nobody who merely sits on the port.
    """
    state, sessions = request.app[STATE], request.app[SESSIONS]
    is_closing = sessions.is_closing
    fields = {
        "status": "closing" if is_closing else "ok",
        "service": "kimi-cli",
        "instance": state.instance,
        "version": state.version,
        "features": features(sessions),
    }
    challenge = request.headers.get(CHALLENGE_HEADER, "")
    if 0 < len(challenge) <= _CHALLENGE_LIMIT:
        text = f"health {state.instance} {challenge}".encode("utf-8", "surrogateescape")
        fields["proof"] = hmac.new(state.control_token.encode(), text, hashlib.sha256).hexdigest()
    return web.json_response(fields, status=503 if is_closing else 200)


def features(sessions: Iterable[Session]) -> list[str]:
    """What is on in any session, by name; whose it is, is nobody's business here."""
    found: set[str] = set()
    for session in sessions:
        route = session.route
        found |= {f"tools:{route.tools.level}"} if route.tools.level is not Level.OFF else set()
        found |= {f"progress:{route.tools.progress}"} if route.tools.level is not Level.OFF else set()
        found |= {"web_search"} if route.search.engine != OFF else set()
        found |= {"fallback"} if route.fallbacks else set()
        found |= {"usage_ledger"} if route.ledger else set()
        found |= {"debug_bodies"} if session.record else set()
    return sorted(found)


async def hello(_request: web.Request) -> web.Response:
    """Something answers here."""
    return web.Response()
