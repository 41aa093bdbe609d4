"""The running proxy's state file: which process it is, where it listens, and the token that commands it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from kimi_cli.record import Record, field
from kimi_cli.store.files import ensure_private_dir, read_private, write_private
from kimi_cli.store.identity import ProcessIdentity, boot

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA: Final = 1
"""Raised when the form changes; a file of another form is no state of ours."""
_LIMIT: Final = 64 * 1024
"""Bytes; a state file has a few hundred."""
_PORTS: Final = range(1, 65536)
_OTHER: Final = "proxy-"


class ProxyState(Record):
    """One running proxy. `instance` is its own random name, which its `/health` repeats."""

    instance: str
    process: ProcessIdentity
    port: int
    version: str
    control_token: str = field(shown=False)

    @property
    def base_url(self) -> str:
        """The address to give to clients."""
        return address(self.port)

    def to_json(self) -> dict[str, object]:
        """What the state file holds."""
        return {
            "schema": _SCHEMA,
            "boot": boot(),
            "instance": self.instance,
            "process": self.process.to_json(),
            "port": self.port,
            "version": self.version,
            "control_token": self.control_token,
        }

    @staticmethod
    def from_json(data: object) -> ProxyState | None:
        """The state that `to_json` gave in this run of the machine; None where it is no such one."""
        try:
            return _parse(data)
        except (ValueError, KeyError, TypeError):
            return None


def address(port: int) -> str:
    """Where clients find the proxy that has a port."""
    return f"http://127.0.0.1:{port}"


def read_state(path: Path) -> ProxyState | None:
    """The state that a proxy of this user left at `path`.

    None where there is none, where it cannot be read, is cut short, is of another form, is older than the last start of
    the machine, or is not this user's alone: then no proxy can be trusted to run, and a new one may be started.
    """
    try:
        return ProxyState.from_json(json.loads(read_private(path, limit=_LIMIT)))
    except (OSError, ValueError, RecursionError):
        return None


def write_state(path: Path, state: ProxyState) -> None:
    """Writes `state` to `path` in one step, readable by this user alone; its directory is made private too.

    Raises:
        OSError: it cannot be written.
    """
    ensure_private_dir(path.parent)
    write_private(path, json.dumps(state.to_json()).encode())


def remove_state(path: Path, *, instance: str) -> None:
    """Removes the state file if it still names `instance`; that of a later proxy stays.

    One that is damaged is removed as well, since nobody else would, unless another version of ours may have written it
    for a proxy that runs.

    Raises:
        OSError: it cannot be removed.
    """
    if not is_anothers(path, instance=instance):
        path.unlink(missing_ok=True)


def is_anothers(path: Path, *, instance: str) -> bool:
    """Whether the state file names another proxy than `instance`, dead or alive, or may do so.

    One that another version of ours has written, in a form that we cannot read, may, if the process in it runs.
    """
    state = read_state(path)
    if state is not None:
        return state.instance != instance
    try:
        process = ProcessIdentity.from_json(json.loads(read_private(path, limit=_LIMIT))["process"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    return process != ProcessIdentity.current() and process.is_alive()


def other_state_file(directory: Path, port: int) -> Path:
    """Where a proxy beside the usual one has its state: it serves the sessions that know it by its port."""
    return directory / f"{_OTHER}{port}.json"


def other_states(directory: Path) -> tuple[ProxyState, ...]:
    """The proxies beside the usual one, as their state files say; they may be gone."""
    return tuple(state for file in _other_files(directory) if (state := read_state(file)) is not None)


def remove_dead_states(directory: Path) -> bool:
    """Removes the state files of proxies beside the usual one that are gone; whether any other is left.

    Raises:
        OSError: one cannot be removed.
    """
    is_any_left = False
    for file in _other_files(directory):
        state = read_state(file)
        if state is not None and state.process.is_alive():
            is_any_left = True
        else:
            file.unlink(missing_ok=True)
    return is_any_left


def _other_files(directory: Path) -> list[Path]:
    return sorted(directory.glob(f"{_OTHER}*.json"))


def _parse(data: object) -> ProxyState:
    if not isinstance(data, dict) or data["schema"] != _SCHEMA or data["boot"] != boot():
        raise ValueError("not a state of this form, or not of this time")
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
