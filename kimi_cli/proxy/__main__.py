"""`python -m kimi_cli.proxy`: started by the daemon room, which reads from its stdout how far it is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kimi_cli.proxy.announcement import announce, announce_last
from kimi_cli.proxy.listen import PortTakenError, listen

if TYPE_CHECKING:
    import socket


def main() -> int:
    """Parses the command line, takes the port, and serves until the end; returns the exit status.

    The port comes first, and what serves is loaded after it, which takes most of the start: clients can connect
    meanwhile, and the system keeps them until they are accepted.
    """
    given = _parser().parse_args()
    listener = _listener(given.port, strict=given.strict)
    if listener is None:
        return 1
    with listener:
        if given.early:
            announce(bound=listener.getsockname()[1])
        return _serve(given, listener)


def _listener(port: int, *, strict: bool) -> socket.socket | None:
    """The socket, or None where there is none to be had, which has been said then."""
    try:
        return listen(port, strict=strict)
    except PortTakenError as error:
        from kimi_cli.proxy.holder import find_holder

        holder = find_holder(error.port)
        announce_last(
            error=str(error), kind="port_taken", port=error.port, holder=str(holder) if holder is not None else None
        )
    except OSError as error:
        announce_last(error=f"no socket on the loopback interface: {error.strerror or error}", kind="socket")
    return None


def _serve(given: argparse.Namespace, listener: socket.socket) -> int:
    import asyncio

    from kimi_cli.proxy.process import Options, run
    from kimi_cli.proxy.recovery import DEFAULT_BUDGET

    options = Options(
        state_file=given.state,
        log_file=given.log,
        lock_file=given.lock,
        port=given.port,
        grace=given.grace,
        retry=DEFAULT_BUDGET if given.retry is None else given.retry,
        usage_dir=given.usage,
        calibration_file=given.calibration,
        debug=given.debug,
        reopening=given.reopening,
        replaces=given.replaces,
    )
    return asyncio.run(run(options, listener))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kimi_cli.proxy", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="where to say how this process can be reached")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--lock", type=Path, help="the lock that launchers take, where they look for this process")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--strict", action="store_true", help="this port or none")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds without a session before the end")
    parser.add_argument("--retry", type=float, help="seconds to ask a host that fails again")
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE", help="where to keep what is learned of token counts"
    )
    parser.add_argument("--usage", type=Path, metavar="DIR", help="where to record usage")
    parser.add_argument("--early", action="store_true", help="say so when the port is had, before it is ready")
    parser.add_argument("--reopening", action="store_true", help="clients may come before their sessions are opened")
    parser.add_argument("--replaces", metavar="TEXT", help="what became of one that was here before, for the log")
    parser.add_argument("--debug", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
