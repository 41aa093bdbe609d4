"""How asking a host can fail. No text here ever holds a key."""

from __future__ import annotations

from kimi_cli.errors import HostError


class KeyRefusedError(HostError):
    """The host does not take the key; `said` is its own reason, on one line, or empty."""

    def __init__(self, host: str, *, status: int, said: str = "", fix: str | None = None) -> None:
        super().__init__(f"{host} refused the key ({status}){f': {said}' if said else ''}.", fix=fix)
        self.host, self.status, self.said = host, status, said


class HostUnreachableError(HostError):
    """No answer came: the host is down, the network is, or something stands in between."""

    def __init__(self, host: str, *, reason: str) -> None:
        super().__init__(f"{host} could not be reached: {reason}.")
        self.host, self.reason = host, reason


class HostAnswerError(HostError):
    """An answer came, and it is no list of models; `status` is its HTTP status."""

    def __init__(self, host: str, *, status: int, reason: str) -> None:
        super().__init__(f"{host} gave no list of models: {reason}.")
        self.host, self.status, self.reason = host, status, reason
