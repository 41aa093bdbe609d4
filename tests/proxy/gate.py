"""The application as its process serves it, inside a test, without a host behind it."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import ClientSession

from kimi_cli.providers.model import Model
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import Route
from kimi_cli.proxy.app import build_app
from kimi_cli.proxy.leaving import Leaving
from kimi_cli.proxy.lifetime import Lifetime
from kimi_cli.proxy.listen import listen
from kimi_cli.proxy.process import answering
from kimi_cli.proxy.sessions import Session, Sessions
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import ProxyState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aiohttp import web

MODELS = (
    Model(id="kimi-k3", name="Kimi K3", context_window=1_048_576, max_output=131_072),
    Model(id="moonshotai/kimi-k2.6", context_window=262_144, max_output=16_384),
    Model(id="kimi-small", context_window=1000, max_output=100),
)


@dataclass(slots=True)
class Gate:
    """A proxy that serves; requests go out as they are given, with no header that a test did not ask for."""

    state: ProxyState
    sessions: Sessions
    lifetime: Lifetime
    client: ClientSession

    @property
    def authority(self) -> str:
        """What a `Host` header should say."""
        return f"127.0.0.1:{self.state.port}"

    def open(self, **changes) -> Session:
        """A session of this process."""
        session = make_session(**changes)
        self.sessions.open(session)
        return session

    def request(self, method: str, path: str, *, token: str | None = None, **given):
        """A request, with a bearer token where one is given."""
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **given.pop("headers", {})}
        return self.client.request(method, self.state.base_url + path, headers=headers, **given)

    async def raw(self, data: bytes) -> bytes:
        """Bytes in, and everything that comes back until the proxy closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.state.port)
        try:
            writer.write(data)
            await writer.drain()
            async with asyncio.timeout(10):
                return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def gate(directory: Path, *, extend: Callable[[web.Application], object] | None = None) -> AsyncIterator[Gate]:
    """Serves the application; `extend` may add routes to it first."""
    sessions = Sessions(files_dir=directory)
    leaving = Leaving(state_file=directory / "state", lock_file=None, sessions_dir=directory / "sessions")
    lifetime = Lifetime(sessions, grace=60, leaving=leaving)
    with listen(0, strict=True) as listener:
        state = ProxyState(
            instance="0123abcd",
            process=ProcessIdentity.current(),
            port=listener.getsockname()[1],
            version="1.2.3",
            control_token=secrets.token_urlsafe(32),
        )
        app = build_app(state, sessions=sessions, lifetime=lifetime)
        if extend is not None:
            extend(app)
        async with answering(app, listener=listener), ClientSession() as client:
            yield Gate(state, sessions, lifetime, client)


def make_session(**changes) -> Session:
    """A session of this process."""
    route = Route(
        provider="custom",
        format=Format.OPENAI,
        base_url="http://127.0.0.1:9",
        dialect="generic",
        models=MODELS,
        key="sk-0123456789",
    )
    facts = {
        "id": f"ses_{secrets.token_hex(4)}",
        "token": secrets.token_urlsafe(32),
        "route": route,
        "project": "/project",
        "opened_at": time.time(),
        "owners": {ProcessIdentity.current()},
    }
    return Session(**(facts | changes))
