"""A proxy inside the test with two sessions of two users, and the user of the fault tests for whole runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.faults.conftest import place
from tests.proxy.gate import gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import web

    from kimi_cli.proxy.sessions import Session
    from tests.proxy.gate import Gate

__all__ = ["place"]


@dataclass(slots=True)
class Target:
    """What somebody would attack: a proxy, one session that they may have the token of, and one that they may not."""

    gate: Gate
    app: web.Application
    own: Session
    other: Session

    def routes(self) -> list[tuple[str, str]]:
        """Every method and path that is served, with the other session's id where an id belongs."""
        pairs = [(route.method, route.resource.canonical) for route in self.app.router.routes()]
        return [(method, path.replace("{id}", self.other.id)) for method, path in pairs]

    def head(self, line: str, *lines: str, token: str | None = None, host: str | None = None) -> bytes:
        """A request's head; without `lines` that say otherwise, one that is in order."""
        given = [f"Host: {self.gate.authority if host is None else host}"]
        if token is not None:
            given.append(f"Authorization: Bearer {token}")
        return "\r\n".join((line, *given, *lines, "", "")).encode("latin-1")

    async def statuses(self, data: bytes) -> list[int]:
        """The statuses of all answers to some bytes."""
        return statuses(await self.gate.raw(data))

    def assert_untouched(self) -> None:
        """Both sessions run, and nothing was done for them."""
        assert {one.id for one in self.gate.sessions} == {self.own.id, self.other.id}
        assert not self.gate.sessions.is_closing
        assert (self.own.requests, self.other.requests) == (0, 0)
        assert len(self.other.owners) == 1


def statuses(raw: bytes) -> list[int]:
    """The statuses of all answers in what came off the wire."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", raw)]


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    """A proxy; nobody listens where its sessions go."""
    apps: list[web.Application] = []
    async with gate(tmp_path, extend=apps.append) as served:
        yield Target(served, apps[0], served.open(), served.open())
