"""Programs that tools run for themselves: with what they need of the environment, for a bounded time and output."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.tools.failure import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEPT: Final = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TZ", "LANG", "LANGUAGE", "TERM", "COLORTERM"),
        *("TMPDIR", "TMP", "TEMP", "EDITOR", "PAGER", "SYSTEMROOT", "USERPROFILE", "PATHEXT", "COMSPEC"),
    )
)
"""Variables that hold no secret and that programs need; of locales there are more, all of them `LC_...`."""
_COMPLAINT: Final = 4_000


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended; of output that was too long there is the beginning."""

    status: int
    output: bytes
    complaint: str
    is_cut: bool


def bare(environ: Mapping[str, str]) -> dict[str, str]:
    """What of an environment programs get: names on a short list, so that no key is among them, under any name."""
    return {name: value for name, value in environ.items() if name in KEPT or name.startswith("LC_")}


async def output_of(
    command: Sequence[str], *, cwd: str, environ: Mapping[str, str], given: bytes = b"", seconds: float, limit: int
) -> Done:
    """Run a program to its end; it is killed when its time is over, when it says too much, or on cancellation.

    Raises:
        ToolError: it cannot be run, or took too long.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=cwd, env=dict(environ), stdin=pipe, stdout=pipe, stderr=pipe
        )
    except (OSError, ValueError) as error:
        raise ToolError(f"{os.path.basename(command[0])} cannot be run: {error}.") from error  # noqa: PTH119
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("a process without its pipes")
    try:
        async with asyncio.timeout(seconds):
            complaining = asyncio.create_task(_some(process.stderr))
            process.stdin.write(given)
            with suppress(ConnectionError):
                await process.stdin.drain()
            process.stdin.close()
            output = bytearray()
            while len(output) <= limit and (data := await process.stdout.read(65_536)):
                output += data
            is_cut = len(output) > limit
            if is_cut:
                process.kill()
            complaint = (await complaining).decode("utf-8", "replace").strip()
            status = await process.wait()
    except TimeoutError as error:
        raise ToolError(f"This took more than {seconds:g} seconds.") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(_reaped(process))
    return Done(status, bytes(output[:limit]), complaint, is_cut)


async def _some(stream: asyncio.StreamReader) -> bytes:
    """The beginning of what comes; the rest is read and dropped."""
    found = bytearray()
    while data := await stream.read(65_536):
        found += data[: max(0, _COMPLAINT - len(found))]
    return bytes(found)


async def _reaped(process: asyncio.subprocess.Process) -> None:
    if process.stdout is not None:
        while await process.stdout.read(65_536):  # a full pipe would keep the end from being seen
            pass
    await process.wait()
