"""The proxy's application served inside a test, in front of a double."""

from __future__ import annotations

import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import ClientSession

from kimi_cli.providers.model import Model, Thinking
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import Route
from kimi_cli.proxy.app import build_app
from kimi_cli.proxy.leaving import Leaving
from kimi_cli.proxy.lifetime import Lifetime
from kimi_cli.proxy.listen import listen
from kimi_cli.proxy.process import answering
from kimi_cli.proxy.recovery import Recovery
from kimi_cli.proxy.sessions import Session, Sessions
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import ProxyState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kimi_cli.proxy.admission import Admission
    from kimi_cli.proxy.record import Recorder
    from kimi_cli.store.ledger import Ledger

KIMI = Model(id="moonshotai/kimi-k2-instruct-0905", context_window=262_144, max_output=16_384)
K3 = Model(
    id="kimi-k3",
    context_window=1_048_576,
    max_output=131_072,
    thinking=Thinking.ALWAYS,
    efforts=("low", "high", "max"),
    vision=True,
)


def chat_route(base_url: str, key: str, *, dialect: str = "groq", model: Model = KIMI) -> Route:
    """A route to a host of OpenAI's format."""
    return Route(
        provider="groq", format=Format.OPENAI, base_url=base_url, dialect=dialect, models=(model,), key=key, name="Groq"
    )


def relay_route(base_url: str, key: str, *, model: Model = K3) -> Route:
    """A route to a host of Anthropic's format."""
    return Route(
        provider="moonshot",
        format=Format.ANTHROPIC,
        base_url=base_url,
        dialect="generic",
        models=(model,),
        key=key,
        name="Moonshot",
    )


@dataclass(slots=True)
class Served:
    """A running proxy with one session."""

    base_url: str
    session: Session
    client: ClientSession
    sessions: Sessions

    @property
    def headers(self) -> dict[str, str]:
        """What a client of the session sends."""
        return {"Authorization": f"Bearer {self.session.token}"}

    def post(self, body: object, *, path: str = "/v1/messages?beta=true"):
        """Ask as a client of the session would."""
        return self.client.post(self.base_url + path, json=body, headers=self.headers)


@asynccontextmanager
async def served(
    route: Route,
    directory: Path,
    *,
    recorder: Recorder | None = None,
    recovery: Recovery | None = None,
    admission: Admission | None = None,
    ledger: Ledger | None = None,
) -> AsyncIterator[Served]:
    """Serve the application with a session on `route`. Without `recovery`, failures are passed on as they come."""
    sessions = Sessions(files_dir=directory)
    leaving = Leaving(state_file=directory / "state", lock_file=None, sessions_dir=directory / "sessions")
    with listen(0, strict=False) as listener:
        state = ProxyState(
            instance="test",
            process=ProcessIdentity.current(),
            port=listener.getsockname()[1],
            version="0",
            control_token=secrets.token_urlsafe(32),
        )
        lifetime = Lifetime(sessions, grace=60, leaving=leaving)
        app = build_app(
            state,
            sessions=sessions,
            lifetime=lifetime,
            recorder=recorder,
            recovery=recovery or Recovery(budget=0),
            admission=admission,
            ledger=ledger,
        )
        session = Session(
            id="ses_test",
            token=secrets.token_urlsafe(32),
            route=route,
            project="",
            opened_at=time.time(),
            owners={ProcessIdentity.current()},
        )
        sessions.open(session)
        async with answering(app, listener=listener), ClientSession() as client:
            yield Served(state.base_url, session, client, sessions)


def request(text: str = "hello", **fields: object) -> dict[str, object]:
    """A small Anthropic request."""
    return {
        "model": KIMI.id,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": text}],
        "stream": True,
    } | fields
