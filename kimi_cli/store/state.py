"""The running proxy's state file: which process it is, where it listens, and the token that commands it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kimi_cli.store.files import ensure_private_dir, read_private, write_private
from kimi_cli.store.identity import ProcessIdentity

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA: Final = 1
"""Raised when the form changes; a file of another form is no state of ours."""
_LIMIT: Final = 64 * 1024
"""Bytes; a state file has a few hundred."""
_PORTS: Final = range(1, 65536)


@dataclass(frozen=True, slots=True)
class ProxyState:
    """One running proxy. `instance` is its own random name, which its `/health` repeats."""

    instance: str
    process: ProcessIdentity
    port: int
    version: str
    control_token: str = field(repr=False)

    @property
    def base_url(self) -> str:
        """The address to give to clients."""
        return f"http://127.0.0.1:{self.port}"


def read_state(path: Path) -> ProxyState | None:
    """The state that a proxy of this user left at `path`.

    None where there is none, where it cannot be read, is cut short, is of another form, or is not this user's alone:
    then no proxy can be trusted to run, and a new one may be started.
    """
    try:
        return _parse(json.loads(read_private(path, limit=_LIMIT)))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write_state(path: Path, state: ProxyState) -> None:
    """Writes `state` to `path` in one step, readable by this user alone; its directory is made private too.

    Raises:
        OSError: it cannot be written.
    """
    data = {
        "schema": _SCHEMA,
        "instance": state.instance,
        "process": state.process.to_json(),
        "port": state.port,
        "version": state.version,
        "control_token": state.control_token,
    }
    ensure_private_dir(path.parent)
    write_private(path, json.dumps(data).encode())


def remove_state(path: Path, *, instance: str) -> None:
    """Removes the state file if it still names `instance`; that of a later proxy stays.

    Raises:
        OSError: it cannot be removed.
    """
    state = read_state(path)
    if state is not None and state.instance == instance:
        path.unlink(missing_ok=True)


def _parse(data: object) -> ProxyState:
    if not isinstance(data, dict) or data["schema"] != _SCHEMA:
        raise ValueError("not a state of this form")
    port, process = data["port"], data["process"]
    if isinstance(port, bool) or not isinstance(port, int) or port not in _PORTS:
        raise ValueError("not a port")
    if not isinstance(process, dict):
        raise TypeError("not a process")
    return ProxyState(
        instance=_text(data["instance"]),
        process=ProcessIdentity.from_json(process),
        port=port,
        version=_text(data["version"]),
        control_token=_text(data["control_token"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value
