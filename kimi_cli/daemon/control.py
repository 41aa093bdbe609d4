"""The control API's client."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from socket import SHUT_RDWR
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

from kimi_cli.daemon.errors import (
    ProxyClosingError,
    ProxyGoneError,
    ProxyRefusedError,
    SessionsRunningError,
    SessionUnknownError,
)
from kimi_cli.daemon.status import ProxyStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from socket import socket

    from kimi_cli.providers.route import Route
    from kimi_cli.store.identity import ProcessIdentity
    from kimi_cli.store.state import ProxyState

CONTROL_SECONDS: Final = 5.0
"""How long a proxy may take to answer. It does in milliseconds; a machine under load or just awake takes longer."""
_LOOPBACK: Final = "127.0.0.1"
_ANSWER_LIMIT: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that runs: give `base_url` and `token` to the client."""

    id: str
    token: str = field(repr=False)
    base_url: str


class Control:
    """Talks to the proxy of a state file, and to nobody else who may have got its port.

    On every connection the proxy first proves that it knows the control token; only then does a request go out, on
    that same connection. So neither the token nor a key ever reaches a stranger.

    Every method raises `ProxyGoneError` where that proxy does not answer and `ProxyRefusedError` where it says no.
    """

    def __init__(self, state: ProxyState, *, timeout: float = CONTROL_SECONDS) -> None:
        self.state = state
        self._timeout = timeout

    def open_session(
        self,
        route: Route,
        *,
        owners: Sequence[ProcessIdentity],
        project: str,
        token: str | None = None,
        files: Sequence[Path] = (),
        record: bool = False,
    ) -> OpenSession:
        """Opens a session that lives as long as one of `owners`.

        `token` reopens one after a proxy died: the client goes on with the token that it has. `files` in the runtime
        directory are removed when the session ends; they need not exist yet. With `record` the bodies of its requests
        and answers are recorded beside the log.

        Raises:
            ProxyClosingError: the proxy is ending; ensure another one and ask again.
        """
        request = {
            "route": route.to_json(),
            "owners": [owner.to_json() for owner in owners],
            "project": project,
            "token": token,
            "files": [str(file) for file in files],
            "record": record,
        }
        answer = self._ask("POST", "/control/sessions", request)
        return OpenSession(id=str(answer["id"]), token=str(answer["token"]), base_url=self.state.base_url)

    def add_owner(self, session_id: str, owner: ProcessIdentity) -> None:
        """Lets a session live as long as one more process does.

        Raises:
            SessionUnknownError: it has ended.
        """
        self._ask("POST", f"/control/sessions/{session_id}/owners", owner.to_json())

    def close_session(self, session_id: str) -> None:
        """Ends a session and the answers it has in flight.

        Raises:
            SessionUnknownError: it has ended already.
        """
        self._ask("DELETE", f"/control/sessions/{session_id}")

    def status(self) -> ProxyStatus:
        """The proxy and its sessions."""
        answer = self._ask("GET", "/control/status")
        try:
            return ProxyStatus.from_json(answer)
        except (KeyError, ValueError, TypeError) as error:
            raise ProxyRefusedError(status=200, reason=f"its status cannot be read ({error!r})") from error

    def retire(self, *, only_answers: bool) -> int:
        """Has the proxy make room for another, and returns how many sessions it still serves.

        It takes no new session and ends with its last one; with `only_answers` it takes no new request either, and
        ends with the last answer. The caller holds the lock.
        """
        return int(self._ask("POST", "/control/retire", {"only_answers": only_answers})["sessions"])

    def stop(self, *, force: bool) -> None:
        """Asks the proxy to end, and does not wait for it.

        Raises:
            SessionsRunningError: sessions run, and `force` is not set.
        """
        self._ask("POST", "/control/stop", {"force": force})

    def prove(self) -> bool:
        """Asks for nothing but the proof; False where the proxy is ending.

        Raises:
            ProxyGoneError: this proxy does not answer here.
        """
        with closing(self._connect()) as connection:
            return self._prove(connection)

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        with closing(self._connect()) as connection:
            self._prove(connection)
            status, answer = self._exchange(connection, method, path, body)
        if 200 <= status < 300:
            return answer
        error = answer.get("error")
        reason = str(error.get("message", "")) if isinstance(error, dict) else f"HTTP {status}"
        match status:
            case 404:
                raise SessionUnknownError
            case 409:
                raise SessionsRunningError(reason=reason)
            case 503:
                raise ProxyClosingError
            case _:
                raise ProxyRefusedError(status=status, reason=reason)

    def _connect(self) -> HTTPConnection:
        connection = HTTPConnection(_LOOPBACK, self.state.port, timeout=self._timeout)
        try:
            connection.connect()
        except OSError as error:
            raise ProxyGoneError(reason=error.strerror or str(error)) from error
        connection.auto_open = False  # a connection made anew would be to somebody who has not proved anything
        return connection

    def _prove(self, connection: HTTPConnection) -> bool:
        challenge = secrets.token_hex(16)
        status, answer = self._exchange(connection, "GET", "/health", challenge=challenge)
        text = f"health {self.state.instance} {challenge}".encode()
        proof = hmac.new(self.state.control_token.encode(), text, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(str(answer.get("proof", "")).encode(), proof.encode()):
            raise ProxyGoneError(reason=f"port {self.state.port} belongs to another program now")
        return status == 200

    def _exchange(
        self, connection: HTTPConnection, method: str, path: str, body: object = None, *, challenge: str = ""
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/json"}
        if challenge:
            headers["x-kimi-challenge"] = challenge
        else:
            headers["Authorization"] = f"Bearer {self.state.control_token}"
        data = None if body is None else json.dumps(body).encode()
        try:
            with _within(connection.sock, seconds=self._timeout):
                connection.request(method, path, body=data, headers=headers)
                response = connection.getresponse()
                answer = json.loads(response.read(_ANSWER_LIMIT))
        except (OSError, HTTPException) as error:  # a timeout is an OSError
            raise ProxyGoneError(reason=str(error) or type(error).__name__) from error
        except (ValueError, RecursionError) as error:
            raise ProxyGoneError(reason=f"port {self.state.port} answers something else") from error
        return response.status, answer if isinstance(answer, dict) else {}


@contextmanager
def _within(connection: socket, *, seconds: float) -> Iterator[None]:
    """Breaks a connection off in time: its own timeout begins anew with every byte that a stranger sends."""

    def break_off() -> None:
        with suppress(OSError):
            connection.shutdown(SHUT_RDWR)

    timer = Timer(seconds, break_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
