"""A proxy that is a process of its own, looked at from outside."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psutil

from kimi_cli.daemon import Control, ProxyGoneError
from kimi_cli.daemon.end import kill
from kimi_cli.daemon.spawn import SpawnOptions, spawn
from kimi_cli.store.identity import ProcessIdentity
from tests.faults.network import SECONDS
from tests.faults.network_quiet import eventually, open_descriptors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from kimi_cli.daemon import OpenSession
    from kimi_cli.daemon.status import SessionStatus
    from kimi_cli.providers.route import Route
    from tests.conftest import Sandbox

MEGABYTE: Final = 1024 * 1024
_IMPATIENT: Final = """
import aiohttp
from kimi_cli.proxy import upstream
upstream._TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=1.0)
upstream.HEAD_SECONDS = 2.0
"""
"""Run before the proxy starts: it waits shortly for hosts."""


@dataclass(slots=True)
class RealProxy:
    """One proxy process. `peak` is the most memory that it was seen with, in bytes, while `watching`."""

    control: Control
    log_file: Path
    peak: int = 0
    _process: psutil.Process = field(init=False)

    def __post_init__(self) -> None:
        self._process = psutil.Process(self.control.state.process.pid)

    @property
    def base_url(self) -> str:
        """Its address."""
        return self.control.state.base_url

    @property
    def memory(self) -> int:
        """Bytes of memory that it has now."""
        return self._process.memory_info().rss

    @property
    def descriptors(self) -> int:
        """How many it has open now."""
        return open_descriptors(self._process.pid)

    @property
    def threads(self) -> int:
        """How many it has now."""
        return self._process.num_threads()

    @property
    def log(self) -> str:
        """Everything that it has logged."""
        return self.log_file.read_text(encoding="utf-8")

    def open(self, route: Route) -> OpenSession:
        """A session of this process."""
        return self.control.open_session(route, owners=[ProcessIdentity.current()], project="/project")

    def session(self, opened: OpenSession) -> SessionStatus:
        """How a session stands."""
        return next(one for one in self.control.status().sessions if one.id == opened.id)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Looks at the memory all the time."""

        async def look() -> None:
            while True:
                self.peak = max(self.peak, self.memory)
                await asyncio.sleep(0.005)

        self.peak = 0
        task = asyncio.create_task(look())
        try:
            yield
        finally:
            task.cancel()

    async def settles(self, descriptors: int) -> None:
        """Returns once no more than so many descriptors are open."""
        await eventually(lambda: self.descriptors <= descriptors)

    def wait_end(self) -> None:
        """Returns once the process has ended, which it must have been told to."""
        deadline = time.monotonic() + SECONDS
        while self.control.state.process.is_alive():
            assert time.monotonic() < deadline, "the proxy did not end"
            time.sleep(0.01)


@contextmanager
def real_proxy(
    sandbox: Sandbox,
    *,
    debug: bool = False,
    impatient: bool = False,
    variables: Mapping[str, str] | None = None,
    retry: float = 0,
) -> Iterator[RealProxy]:
    """Starts one, and ends it; then neither a process nor a file of it is left but its log.

    `variables` are in the environment of whoever starts it.
    """
    directory = sandbox.runtime / "proxy"
    options = SpawnOptions(
        state_file=directory / "state.json",
        log_file=sandbox.home / "log" / "proxy.log",
        port=0,
        grace=60,
        retry=retry,
        debug=debug,
    )
    environ = sandbox.environ() | {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environ |= variables or {}
    if impatient:
        site = sandbox.root / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(_IMPATIENT, encoding="utf-8")
        environ["PYTHONPATH"] = str(site)
    state = spawn(options, environ=environ)
    proxy = RealProxy(Control(state), options.log_file)
    try:
        yield proxy
        with suppress(ProxyGoneError):  # the test has stopped it
            proxy.control.stop(force=True)
        proxy.wait_end()
        assert not directory.exists()
    finally:
        kill(state.process)
