"""A user with directories of their own, in which real proxies are started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from kimi_cli.daemon import Control, ensure_proxy
from kimi_cli.daemon.end import kill
from kimi_cli.providers.model import Model
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import Route
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Sandbox

KEY = "gsk_daemontests0123456789"
SECONDS = 20.0


@dataclass
class World:
    """One user. `environ` is what a launch of theirs would see; the grace period is short, the port any free one."""

    sandbox: Sandbox
    paths: Paths
    environ: dict[str, str]
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def ensure(self, **given) -> Control:
        """The proxy of this user."""
        return ensure_proxy(self.paths, environ=self.environ, **given)

    def route(self, **changes) -> Route:
        """Where a session goes; nobody listens there."""
        model = Model(id="kimi-test", context_window=1000, max_output=100)
        facts = {"provider": "groq", "format": Format.OPENAI, "base_url": "http://127.0.0.1:9/v1", "dialect": "groq"}
        return Route(**(facts | {"models": (model,), "key": KEY} | changes))

    def open(self, control: Control, *owners: ProcessIdentity, **given):
        """A session, owned by this process unless others are named."""
        return control.open_session(
            self.route(), owners=owners or (ProcessIdentity.current(),), project="/project", **given
        )

    def child(self, script: str = "import sys; print('up', flush=True); sys.stdin.read()") -> subprocess.Popen[bytes]:
        """A process that has printed its first line, and lives until its stdin is closed."""
        child = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environ
        )
        self.children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        return child

    def eventually(self, condition: Callable[[], object], *, seconds: float = SECONDS) -> None:
        """Waits until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.01)

    def is_clean(self) -> bool:
        """Whether neither a process nor a file of a proxy is left."""
        return not self.paths.runtime_dir.exists() and not self.sandbox.processes()


@pytest.fixture
def world(sandbox: Sandbox) -> Iterator[World]:
    """A user whose proxies end soon after their last session, and at the latest with the test."""
    environ = {**_python_variables(), **sandbox.environ(), "KIMI_PROXY_PORT": "0", "KIMI_IDLE_GRACE": "1"}
    world = World(sandbox, Paths.find(environ), environ)
    try:
        yield world
    finally:
        for child in world.children:
            child.kill()
            child.communicate()
        for process in sandbox.processes():
            with suppress(ProcessLookupError):  # it has just ended
                kill(ProcessIdentity.of(process.pid))


def _python_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in {"PATH", "SYSTEMROOT", "TEMP", "TMP"}}
