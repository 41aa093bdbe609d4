"""Looks whether a proxy that is served inside a test has let go of everything."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psutil

from tests.faults.network import SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """At the end of the block no task may run, and no descriptor be open, that was not there at its beginning."""
    tasks, descriptors = asyncio.all_tasks(), open_descriptors()
    yield
    tasks.add(asyncio.current_task())  # at the end of a fixture it is another one
    await eventually(lambda: asyncio.all_tasks() <= tasks and open_descriptors() <= descriptors)


async def eventually(condition: Callable[[], object]) -> None:
    """Returns once a condition holds."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody tells of what is waited for here
            await asyncio.sleep(0.01)


def open_descriptors(pid: int | None = None) -> int:
    """How many descriptors a process has, this one unless another is named."""
    process = psutil.Process(pid)
    return process.num_handles() if sys.platform == "win32" else process.num_fds()
