"""Bash. Nothing that a command has started outlives the call, whatever ends it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from kimi_cli.engine.toolbox import Result
from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.processes import bare
from kimi_cli.tools.text import OUTPUT_LIMIT
from kimi_cli.wire.foreign import a_number, a_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.tools.place import Place
    from kimi_cli.wire.foreign import JsonObject

_KEEPER: Final = Path(__file__).with_name("keeper.py")
KEEPER_SECONDS: Final = 15.0
"""How long the keeper may take to end a command and all that it has started; it gives up a little earlier."""
SECONDS: Final = 30.0
MOST_SECONDS: Final = 60.0
OUTPUT_BYTES: Final = 16 * 1024 * 1024
"""What a command may write before it is stopped; it is read by the process that serves everybody."""
MARK: Final = "KIMI_TOOL_CALL"
"""The variable by which a call's processes are known wherever they have gone."""
_COMMAND_LENGTH: Final = 100_000
"""Less than a system takes as one argument."""
_EXIT_LATE: Final = 143
_SWEEPS: Final = 20
_EOF_SECONDS: Final = 2.0


async def bash(given: JsonObject, place: Place, *, environ: Mapping[str, str]) -> Result:
    """Run a command in the directory."""
    command = a_string(given.get("command"))
    if not command.strip() or "\0" in command or len(command) > _COMMAND_LENGTH:
        raise ToolError(f"command must be a text of at most {_COMMAND_LENGTH:,} characters.")
    if given.get("run_in_background") is True:
        raise ToolError("Commands cannot run in the background here: everything ends with the call.")
    wanted = a_number(given.get("timeout"))
    seconds = SECONDS if wanted is None or wanted <= 0 else min(wanted / 1000, MOST_SECONDS)
    shell = None if sys.platform == "win32" else shell_of(environ)  # there nothing would keep what it starts
    if shell is None:
        raise ToolError("There is no shell on this system.")
    said = Output(limit=OUTPUT_BYTES)
    status = await _run(shell, command, said, cwd=str(place.root), environ=bare(environ), seconds=seconds)
    text = said.text()
    if status is None:
        why = "was stopped: it wrote too much" if said.is_over.is_set() else f"timed out after {seconds:g}s"
        return Result(f"Exit code {_EXIT_LATE}\nCommand {why}\n{text}".rstrip("\n"), is_error=True)
    if status < 0:  # the keeper itself was ended by the command
        status = 128 - status
    if status:
        return Result(f"Exit code {status}\n{text}".rstrip("\n"), is_error=True)
    return Result(text.rstrip("\n") or "(Bash completed with no output)")


def shell_of(environ: Mapping[str, str]) -> str | None:
    """The shell that commands are for; none on Windows."""
    if os.name != "posix":
        return None
    path = environ.get("PATH") or os.defpath
    return shutil.which("bash", path=path) or shutil.which("sh", path=path)


class Output(asyncio.Protocol):
    """The beginning and the end of what comes, of which no more is held than is shown."""

    def __init__(self, *, limit: int) -> None:
        self._half = OUTPUT_LIMIT // 2
        self._head, self._tail = bytearray(), deque[bytes]()
        self._in_tail, self._seen, self._limit = 0, 0, limit
        self.is_over, self.is_ended = asyncio.Event(), asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Some more."""
        self._seen += len(data)
        free = self._half - len(self._head)
        if free > 0:
            self._head += data[:free]
            data = data[free:]
        if data:
            self._tail.append(data[-self._half :])
            self._in_tail += len(self._tail[-1])
            while self._in_tail - len(self._tail[0]) >= self._half:
                self._in_tail -= len(self._tail.popleft())
        if self._seen > self._limit:
            self.is_over.set()

    def connection_lost(self, _error: Exception | None) -> None:
        """No more."""
        self.is_ended.set()

    def text(self) -> str:
        """What came, with a note where something is missing."""
        tail = b"".join(self._tail)[-self._half :]
        missing = self._seen - len(self._head) - len(tail)
        if missing <= 0:
            return bytes(self._head + tail).decode("utf-8", "replace")
        head, tail_text = self._head.decode("utf-8", "replace"), tail.decode("utf-8", "replace")
        return f"{head}\n\n... [{missing:,} bytes left out] ...\n\n{tail_text}"


async def _run(
    shell: str, command: str, said: Output, *, cwd: str, environ: Mapping[str, str], seconds: float
) -> int | None:
    """The command's status; None where it was ended."""
    mark = secrets.token_hex(16)
    life, held = os.pipe()
    read, write = os.pipe()
    transport: asyncio.ReadTransport | None = None
    process: asyncio.subprocess.Process | None = None
    try:
        reading = open(read, "rb", buffering=0)  # noqa: SIM115, ASYNC230, PTH123 - the transport closes it
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: said, reading)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_KEEPER), shell, command),
            cwd=cwd,
            env={**environ, MARK: mark},
            stdin=life,
            stdout=write,
            stderr=write,
            start_new_session=True,
        )
        os.close(life)
        os.close(write)
        life = write = -1
        return await _status(process, said, seconds)
    except OSError as error:
        raise ToolError(f"The command cannot be run: {error.strerror or error}.") from error
    finally:
        # The keeper ends everything once this is closed, also where nobody waits for it any more.
        for descriptor in (held, life, write):
            if descriptor >= 0:
                os.close(descriptor)
        await asyncio.shield(_ended(process, transport, said, mark))


async def _status(process: asyncio.subprocess.Process, said: Output, seconds: float) -> int | None:
    tasks = [asyncio.create_task(process.wait()), asyncio.create_task(said.is_over.wait())]
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return process.returncode if tasks[0] in done else None
    finally:
        for task in tasks:
            task.cancel()


async def _ended(
    process: asyncio.subprocess.Process | None, transport: asyncio.ReadTransport | None, said: Output, mark: str
) -> None:
    """Returns when the call's processes are gone, and what they said has been read."""
    if process is not None:
        try:
            async with asyncio.timeout(KEEPER_SECONDS):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.to_thread(_sweep, mark)
        with suppress(TimeoutError):
            async with asyncio.timeout(_EOF_SECONDS):
                await said.is_ended.wait()
    if transport is not None:
        transport.close()


def _sweep(mark: str) -> None:
    """End what still bears the call's mark: where the keeper cannot adopt orphans, or was ended by the command."""
    for _ in range(_SWEEPS):
        found = [process for process in psutil.process_iter() if _bears(process, mark)]
        if not found:
            return
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=0.1)


def _bears(process: psutil.Process, mark: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False
