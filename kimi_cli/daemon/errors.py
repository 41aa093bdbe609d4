"""What can go wrong with the background proxy, as errors that hold their data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_cli.errors import ProxyError

if TYPE_CHECKING:
    from pathlib import Path


class ProxyStartError(ProxyError):
    """A proxy was started and did not become ready."""

    def __init__(self, *, reason: str, log_file: Path | None = None, fix: str | None = None) -> None:
        place = f"; its log is {log_file}" if log_file else ""
        super().__init__(f"The proxy could not be started: {reason}{place}.", fix=fix)
        self.reason, self.log_file = reason, log_file


class PortTakenError(ProxyError):
    """The port that was asked for belongs to somebody else. `holder` names that process where it can be seen."""

    def __init__(self, port: int, *, holder: str | None) -> None:
        by = f"in use by {holder}" if holder else "in use by another program"
        super().__init__(f"Port {port} is {by}.", fix="unset KIMI_PROXY_PORT")
        self.port, self.holder = port, holder


class ProxyGoneError(ProxyError):
    """Nobody answers for this proxy: it has ended, hangs, or somebody else has its port."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"The proxy does not answer: {reason}.")
        self.reason = reason


class ProxyClosingError(ProxyError):
    """The proxy is ending and takes no new session; another one can be started."""

    def __init__(self) -> None:
        super().__init__("The proxy is just ending.")


class ProxyRefusedError(ProxyError):
    """The proxy understood what was asked and said no."""

    def __init__(self, *, status: int, reason: str) -> None:
        super().__init__(f"The proxy refused: {reason}")
        self.status, self.reason = status, reason


class SessionUnknownError(ProxyError):
    """The proxy has no session of that id, or not any more."""

    def __init__(self) -> None:
        super().__init__("The proxy has no such session.")


class SessionsRunningError(ProxyError):
    """The proxy is not stopped while sessions run on it."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"The proxy was not stopped: {reason}", fix="kimi stop --force")
        self.reason = reason
