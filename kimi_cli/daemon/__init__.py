"""The background proxy as seen from outside: started, found, talked to and stopped. It is spawned, never imported.

- `ensure`     the one that runs, or a new one; `open_session` on top of it
- `find`       is the proxy of a state file really there, and is it that one
- `spawn`      a new process, and the line by which it says that it is ready; `wishes` is what the environment asks for
- `control`    the control API's client; `status` its answers as values
- `stop`       asked, then SIGTERM, then SIGKILL; `end` sends signals to proven processes alone
- `lock`       one launcher at a time
- `log_reader` its log, file after file and while it grows; `log_line` is one line, `log_filter` which are asked for
- `errors`     what can go wrong

Synchronous, on the standard library's `http.client`, so that a launch loads nothing heavy. Nothing here prints.
"""

from kimi_cli.daemon.control import Control, OpenSession
from kimi_cli.daemon.ensure import ensure_proxy, open_session
from kimi_cli.daemon.errors import (
    PortTakenError,
    ProxyClosingError,
    ProxyGoneError,
    ProxyRefusedError,
    ProxyStartError,
    SessionsRunningError,
    SessionUnknownError,
)
from kimi_cli.daemon.find import find_proxy
from kimi_cli.daemon.spawn import SpawnOptions, spawn
from kimi_cli.daemon.status import ProxyStatus, SessionStatus
from kimi_cli.daemon.stop import StopReport, Way, drain_proxies, stop_process, stop_proxies, stop_proxy, tidy

__all__ = [
    "Control",
    "OpenSession",
    "PortTakenError",
    "ProxyClosingError",
    "ProxyGoneError",
    "ProxyRefusedError",
    "ProxyStartError",
    "ProxyStatus",
    "SessionStatus",
    "SessionUnknownError",
    "SessionsRunningError",
    "SpawnOptions",
    "StopReport",
    "Way",
    "drain_proxies",
    "ensure_proxy",
    "find_proxy",
    "open_session",
    "spawn",
    "stop_process",
    "stop_proxies",
    "stop_proxy",
    "tidy",
]
