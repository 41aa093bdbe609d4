"""What a proxy says of itself, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


@dataclass(frozen=True, slots=True)
class FallbackStatus:
    """The host that stands in for a session's own one: since when, in seconds since the epoch, and why."""

    provider: str
    model: str
    since: float
    reason: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Reads a session's `fallback`."""
        return cls(str(data["provider"]), str(data["model"]), float(data["since"]), str(data["reason"]))


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One session.

    `opened_at` is in seconds since the epoch, `idle` in seconds since its last request was answered, and 0 while one
    is; `streams` counts the answers in flight.
    """

    id: str
    project: str
    provider: str
    model: str
    opened_at: float
    requests: int
    streams: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    idle: float = 0.0
    fallback: FallbackStatus | None = None
    cost: float | None = None
    """US dollars; None where nobody knows."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Reads one entry of the control API's `sessions`; what an older proxy does not count is zero."""
        return cls(
            id=str(data["id"]),
            project=str(data["project"]),
            provider=str(data["provider"]),
            model=str(data["model"]),
            opened_at=float(data["opened_at"]),
            requests=int(data.get("requests", 0)),
            streams=int(data.get("streams", 0)),
            input_tokens=int(data.get("input_tokens", 0)),
            output_tokens=int(data.get("output_tokens", 0)),
            cached_tokens=int(data.get("cached_tokens", 0)),
            idle=float(data.get("idle", 0.0)),
            fallback=FallbackStatus.from_json(data["fallback"]) if data.get("fallback") else None,
            cost=None if data.get("cost") is None else float(data["cost"]),
        )


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    """One running proxy. `uptime` is in seconds, `memory` in bytes or None where it cannot be told."""

    pid: int
    port: int
    base_url: str
    version: str
    instance: str
    uptime: float
    memory: int | None
    is_closing: bool
    sessions: tuple[SessionStatus, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Reads the control API's status.

        Raises:
            KeyError, ValueError, TypeError: it is no status.
        """
        memory = data.get("memory")
        return cls(
            pid=int(data["pid"]),
            port=int(data["port"]),
            base_url=str(data["base_url"]),
            version=str(data["version"]),
            instance=str(data["instance"]),
            uptime=float(data["uptime"]),
            memory=None if memory is None else int(memory),
            is_closing=bool(data.get("closing", False)),
            sessions=tuple(SessionStatus.from_json(session) for session in data["sessions"]),
        )
