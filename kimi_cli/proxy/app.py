"""The application: what a request passes through, where it can go, and the client for upstream."""

from __future__ import annotations

import asyncio
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web

from kimi_cli.media.preparation import Media
from kimi_cli.proxy.admission import Admission
from kimi_cli.proxy.control import add_control_routes
from kimi_cli.proxy.estimates import Estimates
from kimi_cli.proxy.guard import admit
from kimi_cli.proxy.health import add_health_routes
from kimi_cli.proxy.intake import BODY_LIMIT
from kimi_cli.proxy.keys import (
    ESTIMATES,
    LEDGER,
    LIFETIME,
    MEDIA,
    OWNERS,
    RECORDER,
    RECOVERY,
    SESSIONS,
    STARTED_AT,
    STATE,
    TRANSCRIPTS,
    UPSTREAM,
    WEB,
)
from kimi_cli.proxy.messages import add_message_routes
from kimi_cli.proxy.models import add_model_routes
from kimi_cli.proxy.owners import OwnerWatch
from kimi_cli.proxy.recovery import Recovery
from kimi_cli.proxy.refusal import refuse_in_form
from kimi_cli.proxy.upstream import Upstream
from kimi_cli.proxy.web import Web
from kimi_cli.wire.transcripts import Transcripts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kimi_cli.proxy.lifetime import Lifetime
    from kimi_cli.proxy.record import Recorder
    from kimi_cli.proxy.sessions import Sessions
    from kimi_cli.store.ledger import Ledger
    from kimi_cli.store.state import ProxyState

CONNECT_SECONDS: Final = 20.0
"""How long a host may take to accept a connection. How long it may take to answer is for whoever asks it to say."""
READ_AHEAD_BYTES: Final = 64 * 1024
"""How far a host is read ahead of a client that reads more slowly; where twice as much waits, it is read no further."""

_MARK_BYTES: Final = 15


def build_app(
    state: ProxyState,
    *,
    sessions: Sessions,
    lifetime: Lifetime,
    recorder: Recorder | None = None,
    recovery: Recovery | None = None,
    ledger: Ledger | None = None,
    estimates: Estimates | None = None,
    admission: Admission | None = None,
) -> web.Application:
    """The whole proxy, to be run on `state.port`. Build it in the running event loop.

    Without `recorder` no session's bodies are recorded, without `ledger` no usage, and what is learned in `estimates`
    that are not given is forgotten. Without `recovery` and `admission` the usual ones are used.
    """
    app = web.Application(middlewares=[refuse_in_form, admit], client_max_size=BODY_LIMIT)
    app[STATE] = state
    app[STARTED_AT] = time.monotonic()
    app[SESSIONS], app[LIFETIME] = sessions, lifetime
    app[OWNERS] = OwnerWatch(sessions)
    app[TRANSCRIPTS] = transcripts = Transcripts(mark=secrets.token_hex(_MARK_BYTES))
    sessions.on_end.append(lambda session: transcripts.forget(session.id))
    app[RECOVERY] = recovery or Recovery()
    if recorder is not None:
        app[RECORDER] = recorder
    app.on_response_prepare.append(_leave_versions_out)
    app[ESTIMATES] = estimates or Estimates()
    app.cleanup_ctx.extend([partial(_upstream, admission=admission), _media, _owners, _estimates])
    if ledger is not None:
        app[LEDGER] = ledger
        app.cleanup_ctx.append(_ledger)
    add_health_routes(app)
    add_control_routes(app)
    add_model_routes(app)
    add_message_routes(app)
    return app


async def _leave_versions_out(_request: web.Request, response: web.StreamResponse) -> None:
    """The framework names itself and Python in every answer, with their versions, and whether a token came or not."""
    response.headers.pop("Server", None)


async def _upstream(app: web.Application, *, admission: Admission | None) -> AsyncIterator[None]:
    """One client for the life of the process, so that connections to hosts stay warm between requests."""
    async with ClientSession(
        connector=TCPConnector(limit=0),  # as many as there are requests; the clients limit themselves
        cookie_jar=DummyCookieJar(),  # one host's cookies must not travel with another session's key
        timeout=ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        read_bufsize=READ_AHEAD_BYTES,
        trust_env=False,  # it would look into ~/.netrc, too; web proxies are found for each request
    ) as client:
        app[UPSTREAM] = upstream = Upstream(client, admission=admission or Admission())
        app[WEB] = Web(client)
        yield
        await upstream.close()


async def _ledger(app: web.Application) -> AsyncIterator[None]:
    """The ledger is written once a second, and once more when the last answer has ended."""
    ledger = app[LEDGER]
    writing = asyncio.create_task(ledger.run())
    yield
    await ledger.close()
    await writing


async def _estimates(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[ESTIMATES].close()


async def _media(app: web.Application) -> AsyncIterator[None]:
    """Whatever still reads a document ends with the process."""
    app[MEDIA] = media = Media()
    yield
    await media.close()


async def _owners(app: web.Application) -> AsyncIterator[None]:
    yield
    app[OWNERS].close()
