"""The process from its first answer to its last file."""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from kimi_cli import __version__
from kimi_cli.proxy.announcement import announce_last
from kimi_cli.proxy.app import build_app
from kimi_cli.proxy.connection import connection_factory
from kimi_cli.proxy.descriptors import raise_limit
from kimi_cli.proxy.estimates import Estimates
from kimi_cli.proxy.handover import receive
from kimi_cli.proxy.holder import find_holder
from kimi_cli.proxy.leaving import Leaving
from kimi_cli.proxy.lifetime import Lifetime
from kimi_cli.proxy.listen import BACKLOG
from kimi_cli.proxy.logs import start_logging
from kimi_cli.proxy.record import Recorder
from kimi_cli.proxy.recovery import Recovery
from kimi_cli.proxy.sessions import Sessions
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.ledger import Ledger
from kimi_cli.store.paths import BODIES
from kimi_cli.store.remedy import write_remedy
from kimi_cli.store.state import ProxyState, write_state

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

_log = logging.getLogger(__name__)

END_SECONDS: Final = 2.0
"""How long open answers get, once cancelled, to write their error event."""
KNOWN_SECONDS: Final = 2.0
"""How long a state file that somebody has removed or damaged may stay so."""
GARBAGE: Final = 20_000
"""Objects that come to be, less those that go, before those in cycles among them are looked for."""
_TOKEN_BYTES: Final = 32
_SESSIONS: Final = "sessions"
"""The directory beside the state file in which launchers keep what belongs to one session."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the process is told. `grace` and `retry` are in seconds; without `lock_file` no launcher looks for it.

    `port` is the one that was wanted. With `reopening` clients may come with their tokens before their launchers open
    the sessions. `replaces` says what became of a process that was here before.
    """

    state_file: Path
    log_file: Path
    lock_file: Path | None
    port: int
    grace: float
    retry: float
    debug: bool
    usage_dir: Path | None = None
    """Where usage is recorded; nowhere without."""
    calibration_file: Path | None = None
    """Where what is learned of token counts is kept; nowhere without."""
    reopening: bool = False
    replaces: str | None = None


async def run(options: Options, listener: socket.socket) -> int:
    """Serves on a listening socket until the end, and returns the exit status.

    The order is the contract: answering first, then in the state file, then announced. Whoever has read the state file
    or the announcement is answered at once.
    """
    raise_limit()
    state = ProxyState(
        instance=secrets.token_hex(16),
        process=ProcessIdentity.current(),
        port=listener.getsockname()[1],
        version=__version__,
        control_token=secrets.token_urlsafe(_TOKEN_BYTES),
    )
    sessions_dir = options.state_file.parent / _SESSIONS
    sessions = Sessions(files_dir=options.state_file.parent, reopening=options.reopening)
    leaving = Leaving(state_file=options.state_file, lock_file=options.lock_file, sessions_dir=sessions_dir)
    lifetime = Lifetime(sessions, grace=options.grace, leaving=leaving)

    def in_use() -> Iterator[str]:
        yield state.control_token
        yield from sessions.secrets()

    start_logging(options.log_file, debug=options.debug, secrets=in_use)
    try:
        recorder = Recorder(options.log_file.parent / BODIES, secrets=in_use)
        recovery = Recovery(budget=options.retry)
        ledger = Ledger(options.usage_dir) if options.usage_dir is not None else None
        app = build_app(
            state,
            sessions=sessions,
            lifetime=lifetime,
            recorder=recorder,
            recovery=recovery,
            ledger=ledger,
            estimates=Estimates(options.calibration_file),
        )
        async with answering(app, listener=listener):
            receive(app)
            _end_on_signals(lifetime)
            try:
                write_state(options.state_file, state)
            except OSError as error:
                fix = write_remedy(options.state_file, error, variable="XDG_RUNTIME_DIR")
                text = f"{options.state_file} cannot be written: {error.strerror or error}"
                announce_last(error=text, kind="state", fix=fix)
                return 1
            # With its token, which is for whoever started it and not for a screen.
            announce_last(ready=True, state=None if sys.stdout.isatty() else state.to_json())
            _collect_garbage_less()
            facts: dict[str, object] = {"port": state.port, "instance": state.instance, "version": state.version}
            if options.replaces is not None:
                facts["replaces"] = options.replaces
            _log.info("started", extra={"fields": facts})
            if options.port not in {0, state.port}:
                asyncio.get_running_loop().run_in_executor(None, _log_taken, options.port)
            keeping = asyncio.create_task(_stay_known(leaving, state))
            try:
                reason = await lifetime.wait()
            finally:
                keeping.cancel()
            sessions.end_all(reason=reason)
            _log.info("ending", extra={"fields": {"reason": reason}})
    finally:
        # By now the port is free: a launcher that waits for the lock gets it for the successor.
        leaving.remove_files(instance=state.instance)
    return 0


@asynccontextmanager
async def answering(app: web.Application, *, listener: socket.socket) -> AsyncIterator[None]:
    """Answers requests inside the block; at its end, open answers get a moment to finish."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=END_SECONDS)
    await runner.setup()
    try:
        if runner.server is None:
            raise RuntimeError("a runner that is set up has a server")
        loop = asyncio.get_running_loop()
        server = await loop.create_server(connection_factory(runner.server, loop=loop), sock=listener, backlog=BACKLOG)
        try:
            yield
        finally:
            server.close()
    finally:
        await runner.cleanup()


def _collect_garbage_less() -> None:
    """Leaves what was imported alone, which stays, and looks for cycles when there may be some.

    A request of a long conversation is thousands of objects, which are in no cycle and go with it. With the usual
    thresholds each one would have all objects of the process looked through once or twice.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE)


async def _stay_known(leaving: Leaving, state: ProxyState) -> None:
    while True:
        await asyncio.sleep(KNOWN_SECONDS)
        with suppress(OSError):
            leaving.stay_known(state)


def _log_taken(port: int) -> None:
    facts = {"port": port, "holder": str(find_holder(port) or "unknown")}
    _log.warning("port taken, another one used", extra={"fields": facts})


def _end_on_signals(lifetime: Lifetime) -> None:
    """SIGTERM, SIGINT and SIGHUP end the process in order; what they interrupt gets an error and not silence."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(lifetime.end, "signal"))
    else:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, lifetime.end, f"signal {number.name}")
