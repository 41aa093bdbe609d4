"""The background proxy as seen from outside: started, found, talked to and stopped. It is spawned, never imported.

- `ensure`     the one that runs, or a new one; `opening` of a session on it
- `find`       is the proxy of a state file really there, and is it that one
- `spawn`      a new process, and the lines by which it says how far it is; `wishes` is what the environment asks for
- `control`    the control API's client, over a `connection`; `status` its answers as values
- `stop`       asked, then SIGTERM, then SIGKILL; `end` sends signals to proven processes alone
- `lock`       one launcher at a time
- `log_reader` its log, file after file and while it grows; `log_line` is one line, `log_filter` which are asked for
- `errors`     what can go wrong

Synchronous and on bare sockets, so that a launch loads nothing heavy; for the same reason only what every launch
needs can be had from the package itself. Nothing here prints.
"""

from kimi_cli.daemon.control import Control, OpenSession, session_request
from kimi_cli.daemon.ensure import ensure_proxy
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
from kimi_cli.daemon.opening import Opening, begin_session, open_as, open_session

__all__ = [
    "Control",
    "OpenSession",
    "Opening",
    "PortTakenError",
    "ProxyClosingError",
    "ProxyGoneError",
    "ProxyRefusedError",
    "ProxyStartError",
    "SessionUnknownError",
    "SessionsRunningError",
    "begin_session",
    "ensure_proxy",
    "find_proxy",
    "open_as",
    "open_session",
    "session_request",
]
