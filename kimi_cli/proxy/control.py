"""What launchers ask of this process, with the control token: sessions, status, stop."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from kimi_cli.providers.route import Route
from kimi_cli.proxy.intake import await_invitation, read_body
from kimi_cli.proxy.keys import LIFETIME, OWNERS, SESSIONS, STARTED_AT, STATE, UPSTREAM
from kimi_cli.proxy.refusal import kind_of
from kimi_cli.proxy.refused import RefusedError
from kimi_cli.proxy.sessions import ClosingError, Session
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.session_token import FORM_IN_WORDS, is_token, new_token
from kimi_cli.wire.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_T = TypeVar("_T")

CONTROL_BODY_LIMIT: Final = 1024 * 1024
"""Bytes; a route with every model of a host has a few thousand."""
_PROJECT_LIMIT: Final = 4096


def add_control_routes(app: web.Application) -> None:
    """Adds `/control/...`; the guard has checked the control token before any of these runs."""
    app.router.add_post("/control/sessions", open_session, expect_handler=await_invitation)
    app.router.add_post("/control/sessions/{id}/owners", add_owner, expect_handler=await_invitation)
    app.router.add_delete("/control/sessions/{id}", close_session, expect_handler=await_invitation)
    app.router.add_get("/control/status", status, expect_handler=await_invitation)
    app.router.add_post("/control/retire", retire, expect_handler=await_invitation)
    app.router.add_post("/control/stop", stop, expect_handler=await_invitation)


async def open_session(request: web.Request) -> web.Response:
    """Opens a session for processes that are alive.

    A token that is in use already names its session, which gets the further owners: a launcher whose answer was lost
    may ask again.
    """
    opening = await _read(request, Opening.from_json)
    try:
        session = opened(request.app, opening)
    except NobodyError:
        raise _refused(400, "None of the session's processes is running.") from None
    except ClosingError:
        raise _refused(503, "The proxy is ending.") from None
    return web.json_response({"id": session.id, "token": session.token})


def opened(app: web.Application, opening: Opening) -> Session:
    """The session that is asked for.

    Raises:
        NobodyError: none of its processes is running.
        ClosingError: this process is about to end.
    """
    sessions = app[SESSIONS]
    alive = {owner for owner in opening.owners if owner.is_alive()}
    if not alive:
        raise NobodyError
    session = sessions.by_token(opening.token) if opening.token else None
    if session is None:
        token = opening.token or new_token()
        session = Session(
            id=_id_of(token, opening.route),
            token=token,
            route=opening.route,
            project=opening.project,
            opened_at=time.time(),
            owners=alive,
            files=opening.files,
            record=opening.record,
        )
        sessions.open(session)
    else:
        session.owners |= alive
    for owner in alive:
        app[OWNERS].watch(owner)
    return session


def _id_of(token: str, route: Route) -> str:
    """A session's id, which tells nothing of its token, and is the same again where a replaced proxy gets it back."""
    return f"ses_{hashlib.sha256(f'{token} {json.dumps(route.to_json())}'.encode()).hexdigest()[:16]}"


async def add_owner(request: web.Request) -> web.Response:
    """Lets a session live as long as one more process does."""
    owner = await _read(request, ProcessIdentity.from_json)
    session = _session(request)
    if not owner.is_alive():
        raise _refused(400, "That process is not running.")
    session.owners.add(owner)
    request.app[OWNERS].watch(owner)
    return web.json_response({"id": session.id})


async def close_session(request: web.Request) -> web.Response:
    """Ends a session and what runs for it."""
    session = _session(request)
    request.app[SESSIONS].end(session.id, reason="closed")
    return web.json_response({"id": session.id})


async def status(request: web.Request) -> web.Response:
    """This process and its sessions; `uptime` in seconds, `memory` in bytes where it can be told."""
    state, sessions = request.app[STATE], request.app[SESSIONS]
    return web.json_response(
        {
            "pid": state.process.pid,
            "port": state.port,
            "base_url": state.base_url,
            "version": state.version,
            "instance": state.instance,
            "uptime": time.monotonic() - request.app[STARTED_AT],
            "memory": _memory(),
            "closing": sessions.is_closing,
            "sessions": [session.to_json() for session in sessions],
            "allowances": request.app[UPSTREAM].admission.to_json(),
        }
    )


async def retire(request: web.Request) -> web.Response:
    """Makes room for another proxy: ends with its last session, or with its last answer if `only_answers`."""
    only_answers = await _read(request, lambda data: bool(data.get("only_answers", False)))
    try:
        request.app[LIFETIME].retire(request.app[STATE], only_answers=only_answers)
    except OSError as error:
        raise _refused(500, f"The state file cannot be moved: {error.strerror or error}.") from error
    sessions = request.app[SESSIONS]
    return web.json_response({"sessions": len(sessions), "streams": sum(session.streams for session in sessions)})


async def stop(request: web.Request) -> web.Response:
    """Ends the process; while sessions run only with `force`."""
    force = await _read(request, lambda data: bool(data.get("force", False)))
    count = len(request.app[SESSIONS])
    if count and not force:
        raise _refused(409, f"{count} {'session is' if count == 1 else 'sessions are'} running.")
    request.app[LIFETIME].end("stopped")
    return web.json_response({"stopping": True, "sessions": count})


class NobodyError(Exception):
    """A session is asked for by processes that have ended."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a launcher asks for: a session."""

    route: Route
    owners: tuple[ProcessIdentity, ...]
    project: str
    token: str | None = field(repr=False)
    files: tuple[Path, ...]
    record: bool

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Opening:
        """Reads it.

        Raises:
            KeyError, ValueError, TypeError: it makes no sense.
        """
        token = data.get("token")
        if token is not None and not (isinstance(token, str) and is_token(token)):
            raise ValueError(f"a token has {FORM_IN_WORDS}")
        route = Route.from_json(data["route"])
        _check_base_url(route.base_url)
        return cls(
            route=route,
            owners=tuple(ProcessIdentity.from_json(owner) for owner in data["owners"]),
            project=str(data.get("project", ""))[:_PROJECT_LIMIT],
            token=token,
            files=tuple(Path(file) for file in data.get("files", ())),
            record=bool(data.get("record", False)),
        )


def _session(request: web.Request) -> Session:
    session = request.app[SESSIONS].by_id(request.match_info["id"])
    if session is None:
        raise _refused(404, "There is no such session.")
    return session


async def _read(request: web.Request, parse: Callable[[dict[str, Any]], _T]) -> _T:
    """The request's JSON, parsed; whatever is wrong with it is the caller's fault."""
    body = await read_body(request, limit=CONTROL_BODY_LIMIT)
    try:
        data = json.loads(body)
        if not isinstance(data, dict):
            raise TypeError("not an object")  # noqa: TRY301 - one way out for everything that is wrong with a body
        return parse(data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused(400, f"The request cannot be understood ({type(error).__name__}: {error}).") from error


def _check_base_url(url: str) -> None:
    """A key leaves this machine encrypted or not at all."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname and _is_loopback(parts.hostname):
        return
    raise ValueError("the base URL must be https, or http to this machine")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _memory() -> int | None:
    import psutil

    try:
        return int(psutil.Process(os.getpid()).memory_info().rss)
    except psutil.Error:
        return None


def _refused(status: int, message: str) -> RefusedError:
    return RefusedError(Failure(status, kind_of(status), message))
