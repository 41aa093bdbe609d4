"""A directory to work in, something secret beside it, and the tools of a session."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from kimi_cli.engine.toolbox import Call
from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.place import Place
from kimi_cli.tools.toolbox import LocalTools

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "the-secret-outside"


@dataclass(slots=True)
class World:
    """`work` is the tools' directory; `outside` lies beside it, with a secret in `secret.txt`."""

    work: Path
    outside: Path
    tools: LocalTools

    async def run(self, tool, **given):
        """What came of a call: its content, as the model reads it, and whether it failed."""
        result = await self.tools.run(Call("toolu_1", tool, given))
        return result.content, result.is_error


async def fetch_nothing(url, *, limit):
    """No test of this kind gets to the web."""
    raise ToolError(f"{url} of {limit} bytes")


def make_tools(place, *, all_of_them=True, environ=None, fetch=fetch_nothing):
    """The tools of a session without a search path of anybody's own."""
    return LocalTools(place, all_of_them=all_of_them, environ=environ or dict(os.environ), fetch=fetch)


@pytest.fixture
def world(sandbox):
    """Both directories, in the test's own place, by which its processes are known."""
    work, outside = sandbox.root / "work", sandbox.root / "outside"
    work.mkdir()
    outside.mkdir()
    (outside / "secret.txt").write_text(f"{SECRET}\n", encoding="utf-8")
    return World(work, outside, make_tools(Place(work)))
