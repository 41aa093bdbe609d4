"""The application: what a request passes through, where it can go, and the client for upstream."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web

from kimi_cli.proxy.control import add_control_routes
from kimi_cli.proxy.guard import admit
from kimi_cli.proxy.health import add_health_routes
from kimi_cli.proxy.intake import BODY_LIMIT
from kimi_cli.proxy.keys import LIFETIME, OWNERS, RECORDER, SESSIONS, STARTED_AT, STATE, UPSTREAM
from kimi_cli.proxy.messages import add_message_routes
from kimi_cli.proxy.models import add_model_routes
from kimi_cli.proxy.owners import OwnerWatch
from kimi_cli.proxy.refusal import refuse_in_form
from kimi_cli.proxy.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kimi_cli.proxy.lifetime import Lifetime
    from kimi_cli.proxy.record import Recorder
    from kimi_cli.proxy.sessions import Sessions
    from kimi_cli.store.state import ProxyState

CONNECT_SECONDS: Final = 20.0
"""How long a host may take to accept a connection. How long it may take to answer is for whoever asks it to say."""


def build_app(
    state: ProxyState, *, sessions: Sessions, lifetime: Lifetime, recorder: Recorder | None = None
) -> web.Application:
    """The whole proxy, to be run on `state.port`. Build it in the running event loop.

    Without `recorder` no session's bodies are recorded.
    """
    app = web.Application(middlewares=[refuse_in_form, admit], client_max_size=BODY_LIMIT)
    app[STATE] = state
    app[STARTED_AT] = time.monotonic()
    app[SESSIONS], app[LIFETIME] = sessions, lifetime
    app[OWNERS] = OwnerWatch(sessions)
    if recorder is not None:
        app[RECORDER] = recorder
    app.cleanup_ctx.extend([_upstream, _owners])
    add_health_routes(app)
    add_control_routes(app)
    add_model_routes(app)
    add_message_routes(app)
    return app


async def _upstream(app: web.Application) -> AsyncIterator[None]:
    """One client for the life of the process, so that connections to hosts stay warm between requests."""
    async with ClientSession(
        connector=TCPConnector(limit=0),  # as many as there are requests; the clients limit themselves
        cookie_jar=DummyCookieJar(),  # one host's cookies must not travel with another session's key
        timeout=ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        trust_env=False,  # it would look into ~/.netrc, too; web proxies are found for each request
    ) as client:
        app[UPSTREAM] = upstream = Upstream(client)
        yield
        await upstream.close()


async def _owners(app: web.Application) -> AsyncIterator[None]:
    yield
    app[OWNERS].close()
