"""The answers that need no token."""

from __future__ import annotations

import hashlib
import hmac

from aiohttp import web

from kimi_cli.proxy.keys import SESSIONS, STATE

CHALLENGE_HEADER = "x-kimi-challenge"
"""A random text from a launcher, to which only the holder of the control token has the right reply."""
_CHALLENGE_LIMIT = 128


def add_health_routes(app: web.Application) -> None:
    """Adds `/health`, and the two probes that clients send with `HEAD`."""
    app.router.add_get("/health", health)
    app.router.add_head("/", hello)
    app.router.add_head("/api/hello", hello)


async def health(request: web.Request) -> web.Response:
    """That this is our proxy and which one; 503 once it is ending.

    A launcher sends a challenge and gets a proof back, so that it hands a key to nobody who merely sits on the port.
    """
    state, is_closing = request.app[STATE], request.app[SESSIONS].is_closing
    fields = {
        "status": "closing" if is_closing else "ok",
        "service": "kimi-cli",
        "instance": state.instance,
        "version": state.version,
    }
    challenge = request.headers.get(CHALLENGE_HEADER, "")
    if 0 < len(challenge) <= _CHALLENGE_LIMIT:
        text = f"health {state.instance} {challenge}".encode("utf-8", "surrogateescape")
        fields["proof"] = hmac.new(state.control_token.encode(), text, hashlib.sha256).hexdigest()
    return web.json_response(fields, status=503 if is_closing else 200)


async def hello(_request: web.Request) -> web.Response:
    """Something answers here."""
    return web.Response()
