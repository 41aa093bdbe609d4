"""Routes, a user with directories of their own, and programs that stand in for Claude Code."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from kimi_cli.daemon.end import kill
from kimi_cli.providers.model import Model, Price
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import Route
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Sandbox

KEY = "gsk_launchertests0123456789"
SECONDS = 20.0
MAIN = Model("big", context_window=262_144, max_output=65_536, name="Big Kimi", price=Price(1.0, 3.5))
SMALL = Model("small", context_window=131_072, max_output=16_384)


def make_route(**changes) -> Route:
    """A route with two models, the second in the haiku slot."""
    facts = {
        "provider": "groq",
        "format": Format.OPENAI,
        "base_url": "http://127.0.0.1:9/v1",
        "dialect": "groq",
        "models": (MAIN, SMALL),
        "key": KEY,
        "slots": (("haiku", "small"),),
        "name": "Groq",
    }
    return Route(**(facts | changes))


def eventually(condition: Callable[[], object], *, seconds: float = SECONDS) -> None:
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def make_program(path: Path, source: str) -> Path:
    """An executable Python program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(source)}", encoding="utf-8")
    path.chmod(0o755)
    return path


@dataclass(frozen=True)
class User:
    """A user whose proxies take any free port and end soon after their last session."""

    sandbox: Sandbox
    environ: dict[str, str]

    @property
    def paths(self) -> Paths:
        """Their directories."""
        return Paths.find(self.environ)

    def write_settings(self, text: str) -> None:
        """Their settings file."""
        file = self.paths.settings_file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    def proxies(self) -> list[int]:
        """The proxies that run."""
        return [process.pid for process in self.sandbox.proxies()]


@pytest.fixture
def user(sandbox: Sandbox) -> Iterator[User]:
    """A user; at the end every process of theirs is ended."""
    passed = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    environ = {**passed, **sandbox.environ(), "KIMI_PROXY_PORT": "0", "KIMI_IDLE_GRACE": "1"}
    try:
        yield User(sandbox, environ)
    finally:
        for process in sandbox.processes():
            with suppress(ProcessLookupError):  # it has just ended
                kill(ProcessIdentity.of(process.pid))
