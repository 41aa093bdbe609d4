"""A session on the background proxy that belongs to a shell, and the variables that put programs on it.

No launcher stays behind to watch over it. What the shell's next `kimi env` has to know is in a receipt: a private file
beside the proxy's own that goes with the session. By it the same shell gets the same token again, and a proxy that has
died is brought back to the address that the shell's programs know.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from kimi_cli.daemon import Control, open_session
from kimi_cli.daemon.stop import tidy
from kimi_cli.errors import KimiError, ProxyError
from kimi_cli.launcher.client_settings import ClientSettings
from kimi_cli.launcher.environment import proxied_variables, session_variables
from kimi_cli.providers.model import Model
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import SLOTS, Route
from kimi_cli.store.files import ensure_private_dir, read_private, write_private
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.remedy import write_remedy
from kimi_cli.store.session_token import is_token
from kimi_cli.store.state import other_states, read_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kimi_cli.store.paths import Paths

_SCHEMA: Final = 1
_LIMIT: Final = 64 * 1024
"""Bytes of a receipt; it has a few hundred."""
_CLOSE_SECONDS: Final = 2.0
"""How long a proxy may take to end a session; one that does not answer sees for itself that the shell is gone."""


@dataclass(frozen=True, slots=True)
class ShellSession:
    """A session that a shell has. `variables` are to be set in it, `hidden` must not reach its programs."""

    id: str
    base_url: str
    token: str = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    hidden: tuple[str, ...]


def open_shell_session(
    paths: Paths, environ: Mapping[str, str], route: Route, *, owner: ProcessIdentity, project: Path
) -> ShellSession:
    """The session of `owner`: the one that it has, or another on the same token where it is to go elsewhere.

    It ends with `owner`, whatever way that ends.

    Raises:
        ProxyError: it could not be opened; nothing is left of it.
    """
    file = _file(paths, owner)
    former = _read_receipt(file, owner)
    port = former.port if former is not None else None
    if former is not None and former.route != _digest(route, former.token):
        _close(paths, former)
        port = None
    open_here = partial(
        open_session,
        *(paths, route),
        environ=environ,
        owners=(owner,),
        project=str(project),
        token=former.token if former else None,
        files=(file,),
    )
    try:
        control, session = open_here(port=port)
    except ProxyError:
        if port is None:
            raise
        control, session = open_here(port=None)  # somebody else has got the port meanwhile
    receipt = _Receipt(owner, session.token, _digest(route, session.token), session.id, control.state.port)
    try:
        receipt.write(file)
    except OSError as error:
        with suppress(KimiError):
            control.close_session(session.id)
        fix = write_remedy(file, error, variable="XDG_RUNTIME_DIR")
        raise ProxyError(f"{file.parent} cannot be written to: {error.strerror}.", fix=fix) from error
    if not owner.is_alive():  # else the proxy removes it, since it lies there by now
        with suppress(OSError):
            file.unlink(missing_ok=True)
    variables = session_variables(route, base_url=session.base_url, token=session.token)
    if _has_web_proxy(environ):
        variables |= proxied_variables(environ, ClientSettings())
    return ShellSession(
        session.id,
        session.base_url,
        session.token,
        {name: value for name, value in variables.items() if value},
        tuple(name for name, value in variables.items() if not value),
    )


def close_shell_session(paths: Paths, *, owner: ProcessIdentity) -> bool:
    """Ends the session of `owner`; whether it had one."""
    file = _file(paths, owner)
    receipt = _read_receipt(file, owner)
    if receipt is None:
        return False
    _close(paths, receipt)
    with suppress(OSError, ProxyError):  # where no proxy ran that would have done it
        file.unlink(missing_ok=True)
        tidy(paths)
    return True


def variable_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every variable that a session may set, whatever its route, and every one that it hides."""
    least = Model("least", context_window=1, max_output=1)
    slots = tuple((slot, least.id) for slot in SLOTS)
    route = Route("any", Format.OPENAI, "http://127.0.0.1", "generic", (least,), key="", slots=slots)
    variables = session_variables(route, base_url=route.base_url, token="any")  # noqa: S106 - it stands for any
    return tuple(name for name in variables if variables[name]), tuple(
        name for name in variables if not variables[name]
    )


@dataclass(frozen=True, slots=True)
class _Receipt:
    """What is known of a shell's session: where it goes, as a digest, its id, and the port of its proxy."""

    owner: ProcessIdentity
    token: str = field(repr=False)
    route: str
    session: str
    port: int

    def write(self, file: Path) -> None:
        """Writes it, readable by this user alone."""
        data = {
            "schema": _SCHEMA,
            "owner": self.owner.to_json(),
            "token": self.token,
            "route": self.route,
            "session": self.session,
            "port": self.port,
        }
        ensure_private_dir(file.parent)
        write_private(file, json.dumps(data).encode())


def _file(paths: Paths, owner: ProcessIdentity) -> Path:
    return paths.sessions_dir / f"shell-{owner.pid}.json"


def _read_receipt(file: Path, owner: ProcessIdentity) -> _Receipt | None:
    """The receipt in a file, where it is one, and of this very process; it may also be of one that had its number."""
    try:
        data = json.loads(read_private(file, limit=_LIMIT))
        if data["schema"] != _SCHEMA or not is_token(data["token"]):
            return None
        named = ProcessIdentity.from_json(data["owner"])
        if named.pid != owner.pid or not named.is_alive():
            return None
        return _Receipt(owner, data["token"], str(data["route"]), str(data["session"]), int(data["port"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _close(paths: Paths, receipt: _Receipt) -> None:
    """Ends its session, unless it has ended with its proxy."""
    usual = read_state(paths.state_file)
    for state in (*((usual,) if usual else ()), *other_states(paths.runtime_dir)):
        if state.port == receipt.port:
            with suppress(ProxyError):
                Control(state, timeout=_CLOSE_SECONDS).close_session(receipt.session)


def _digest(route: Route, token: str) -> str:
    """Tells one route from another without saying what it is: a key is in it."""
    return hmac.new(token.encode(), json.dumps(route.to_json()).encode(), hashlib.sha256).hexdigest()


def _has_web_proxy(environ: Mapping[str, str]) -> bool:
    names = (name.lower() for name, value in environ.items() if value)
    return any(name.endswith("_proxy") and name != "no_proxy" for name in names)
