"""How long each tool may take: what takes longer is told to the model, and does not go on."""

from __future__ import annotations

import asyncio
import sys
import time

import psutil
import pytest

from kimi_cli.tools import toolbox
from kimi_cli.tools.place import Place
from tests.tools.conftest import make_tools
from tests.tools.test_shell import until

TERABYTE = 1024**4


class Slow(Place):
    """A directory on a disk that takes as long as it is let."""

    def until(self, is_over):
        return Slow(self.root, closed=self.closed, is_over=is_over)

    def check_time(self):
        while not self._is_over():
            time.sleep(0.01)
        super().check_time()


def test_the_limits():
    """They are what the documentation says."""
    assert (toolbox.READ_SECONDS, toolbox.LIST_SECONDS, toolbox.FIND_SECONDS, toolbox.FETCH_SECONDS) == (5, 3, 10, 30)


@pytest.mark.parametrize(
    ("tool", "limit", "given"),
    [
        ("Read", "READ_SECONDS", {"file_path": "f"}),
        ("LS", "LIST_SECONDS", {"path": "."}),
        ("Glob", "FIND_SECONDS", {"pattern": "*"}),
        ("WebFetch", "FETCH_SECONDS", {"url": "http://site.test/"}),
    ],
)
async def test_each_has_its_own(world, monkeypatch, tool, limit, given):
    """The sentence says how long the tool had."""

    async def never(_url, *, limit):
        await asyncio.Event().wait()
        raise AssertionError(limit)

    (world.work / "f").write_text("x")
    world.tools = make_tools(Slow(world.work), fetch=never)
    monkeypatch.setattr(toolbox, limit, 0.05)
    assert await world.run(tool, **given) == ("This took more than 0.05 seconds.", True)


@pytest.mark.skipif(sys.platform == "win32", reason="files without content take room there")
async def test_a_read_that_does_not_end(world, monkeypatch):
    """The file is let go."""
    with (world.work / "f").open("wb") as file:
        file.write(b"line\n" * 2_000)
        file.truncate(TERABYTE)
    monkeypatch.setattr(toolbox, "READ_SECONDS", 0.1)
    content, is_error = await world.run("Read", file_path="f", offset=10**9, limit=1)
    assert (content, is_error) == ("This took more than 0.1 seconds.", True)
    await until(lambda: not opened(world.work / "f"))


def opened(path):
    """Whether this process has the file open."""
    return str(path) in [file.path for file in psutil.Process().open_files()]
