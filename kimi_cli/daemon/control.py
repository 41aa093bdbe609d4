"""The control API's client."""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING, Any, Final

from kimi_cli.daemon.connection import Connection, NotOursError
from kimi_cli.daemon.errors import (
    ProxyClosingError,
    ProxyGoneError,
    ProxyRefusedError,
    SessionsRunningError,
    SessionUnknownError,
)
from kimi_cli.record import Record, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kimi_cli.daemon.status import ProxyStatus
    from kimi_cli.providers.route import Route
    from kimi_cli.store.identity import ProcessIdentity
    from kimi_cli.store.state import ProxyState

CONTROL_SECONDS: Final = 5.0
"""How long a proxy may take to answer. It does in milliseconds; a machine under load or just awake takes longer."""
_CHALLENGE_BYTES: Final = 16


class OpenSession(Record):
    """A session that runs: give `base_url` and `token` to the client."""

    id: str
    token: str = field(shown=False)
    base_url: str


def session_request(
    route: Route,
    token: str | None = None,
    *,
    owners: Sequence[ProcessIdentity],
    project: str,
    files: Sequence[Path] = (),
    record: bool = False,
) -> dict[str, Any]:
    """What asks for a session that lives as long as one of `owners`.

    `token` is one that its client has already. `files` in the runtime directory are removed when the session ends;
    they need not exist yet. With `record` the bodies of its requests and answers are recorded beside the log.
    """
    return {
        "route": route.to_json(),
        "owners": [owner.to_json() for owner in owners],
        "project": project,
        "token": token,
        "files": [str(file) for file in files],
        "record": record,
    }


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
        """Opens a session; arguments as of `session_request`, raises as `open` does."""
        return self.open(session_request(route, token, owners=owners, project=project, files=files, record=record))

    def open(self, request: Mapping[str, object]) -> OpenSession:
        """Opens the session that a `session_request` asks for; one that is open already gets its owners.

        Raises:
            ProxyClosingError: the proxy is ending; ensure another one and ask again.
        """
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
        from kimi_cli.daemon.status import ProxyStatus

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
        with self._connect() as connection:
            return self._prove(connection)

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        token = {"Authorization": f"Bearer {self.state.control_token}"}
        with self._connect() as connection:
            self._prove(connection)
            status, answer = self._exchange(connection, method, path, token, body)
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

    def _connect(self) -> Connection:
        try:
            return Connection(self.state.port, seconds=self._timeout)
        except OSError as error:
            raise ProxyGoneError(reason=error.strerror or str(error)) from error

    def _prove(self, connection: Connection) -> bool:
        challenge = os.urandom(_CHALLENGE_BYTES).hex()
        status, answer = self._exchange(connection, "GET", "/health", {"x-kimi-challenge": challenge})
        text = f"health {self.state.instance} {challenge}".encode()
        proof = hmac.digest(self.state.control_token.encode(), text, "sha256").hex()
        if not hmac.compare_digest(str(answer.get("proof", "")).encode(), proof.encode()):
            raise ProxyGoneError(reason=f"port {self.state.port} belongs to another program now")
        return status == 200

    def _exchange(
        self, connection: Connection, method: str, path: str, headers: Mapping[str, str], body: object = None
    ) -> tuple[int, dict[str, Any]]:
        try:
            return connection.ask(method, path, headers=headers, body=body)
        except OSError as error:  # a timeout is one
            raise ProxyGoneError(reason=str(error) or type(error).__name__) from error
        except NotOursError as error:
            raise ProxyGoneError(reason=f"port {self.state.port} answers something else") from error
