"""The process that reads a document or an image: started, fed, timed, ended.

One for each, since what one of them does to it shall not reach the next.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import subprocess
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.media.task import Reason, Unreadable, outcome_from_bytes, task_to_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kimi_cli.media.task import Outcome, Task

AT_ONCE: Final = 2
"""Processes at one time, for all requests: streams of other sessions want the rest of the machine."""
SECONDS: Final = 20.0
"""For one document. The longest paper takes a few; a client waits for minutes, but its user does not."""
ANSWER_LIMIT: Final = 64 * 1024 * 1024
"""Bytes. No outcome is as large; this holds back a process that has become a stranger's."""
_CHUNK: Final = 256 * 1024

_BOOT: Final = "import sys; sys.path[:] = sys.argv[2:]; from kimi_cli.media.worker import main; main(int(sys.argv[1]))"
_PASSED: Final = (
    *("PYTHONHOME", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("SYSTEMROOT", "WINDIR"),
)
"""The only variables it gets, without which an interpreter does not start here or there."""
if sys.platform == "win32":
    _FLAGS: Final = subprocess.CREATE_NO_WINDOW
else:
    _FLAGS: Final = 0

_log = logging.getLogger(__name__)


class Reader:
    """Carries out tasks in processes of their own. `command` is the program, for tests of what it may do."""

    def __init__(
        self, *, at_once: int = AT_ONCE, seconds: float = SECONDS, command: Sequence[str] | None = None
    ) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._command = tuple(command) if command is not None else worker_command(seconds)

    async def read(self, task: Task, data: str) -> Outcome:
        """What comes of a task with this base64. Who cancels it ends the process."""
        async with self._room:
            started = time.monotonic()
            outcome = await self._run(task, data)
        fields: dict[str, object] = {"task": type(task).__name__, "size": len(data), "outcome": type(outcome).__name__}
        if isinstance(outcome, Unreadable):
            fields["reason"] = outcome.reason.value
        fields["seconds"] = round(time.monotonic() - started, 3)
        _log.info("media read", extra={"fields": fields})
        return outcome

    async def _run(self, task: Task, data: str) -> Outcome:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                cwd=Path(sys.executable).anchor,  # it keeps no directory in use
                env=worker_environment(os.environ),
                creationflags=_FLAGS,
            )
        except OSError:
            return Unreadable(Reason.NOT_STARTED)
        try:
            async with asyncio.timeout(self._seconds):
                return outcome_from_bytes(await _ask(process, task_to_line(task), data.encode("ascii", "replace")))
        except TimeoutError:
            return Unreadable(Reason.TOO_SLOW)
        except ValueError:
            return Unreadable(Reason.FAILED)
        finally:
            await _end(process)


def worker_command(seconds: float) -> tuple[str, ...]:
    """This interpreter, with this process's own packages whatever way it came by them, and nothing of the user's."""
    paths = [str(Path(path).absolute()) for path in sys.path]
    return (sys.executable, "-P", "-s", "-c", _BOOT, str(math.ceil(seconds)), *paths)


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Next to nothing."""
    return {name: environ[name] for name in _PASSED if name in environ}


async def _ask(process: Process, line: bytes, data: bytes) -> bytes:
    """All that it says; nothing where it says too much."""
    feed, answer = process.stdin, process.stdout
    if feed is None or answer is None:
        raise RuntimeError("a process that was started with pipes has them")
    with suppress(ConnectionError):  # one that has ended reads no more, and has said why, or not
        feed.write(line)
        for start in range(0, len(data), _CHUNK):
            feed.write(data[start : start + _CHUNK])
            await feed.drain()
        feed.close()
    said = bytearray()
    while chunk := await answer.read(_CHUNK):
        said += chunk
        if len(said) > ANSWER_LIMIT:
            return b""
    await process.wait()
    return bytes(said)


async def _end(process: Process) -> None:
    """Sees the end of a process, at once."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    if process.stdin is not None:
        process.stdin.close()
    if process.stdout is not None:
        # Its pipe is emptied, for until then the event loop holds on to it.
        while await process.stdout.read(_CHUNK):
            pass
    await process.wait()
