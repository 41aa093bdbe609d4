"""`python -m kimi_cli.proxy`: started by the daemon room, which reads one JSON line from its stdout."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from kimi_cli.proxy.process import Options, run
from kimi_cli.proxy.recovery import DEFAULT_BUDGET


def main() -> int:
    """Parses the command line and serves until the end."""
    parser = argparse.ArgumentParser(prog="python -m kimi_cli.proxy", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="where to say how this process can be reached")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--lock", type=Path, help="the lock that launchers take, where they look for this process")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--strict", action="store_true", help="this port or none")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds without a session before the end")
    parser.add_argument("--retry", type=float, default=DEFAULT_BUDGET, help="seconds to ask a host that fails again")
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE", help="where to keep what is learned of token counts"
    )
    parser.add_argument("--usage", type=Path, metavar="DIR", help="where to record usage")
    parser.add_argument("--reopening", action="store_true", help="its sessions come from another that is gone")
    parser.add_argument("--replaces", metavar="TEXT", help="what became of that one, for the log")
    parser.add_argument("--debug", action="store_true")
    given = parser.parse_args()
    options = Options(
        state_file=given.state,
        log_file=given.log,
        lock_file=given.lock,
        port=given.port,
        strict=given.strict,
        grace=given.grace,
        retry=given.retry,
        usage_dir=given.usage,
        calibration_file=given.calibration,
        debug=given.debug,
        reopening=given.reopening,
        replaces=given.replaces,
    )
    return asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
