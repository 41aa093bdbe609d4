"""Which tools a session has, and what each call may take."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from kimi_cli.engine.toolbox import Result
from kimi_cli.tools import reading, writing
from kimi_cli.tools.definitions import DEFINITIONS, READ_ONLY
from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.fetching import web_fetch
from kimi_cli.tools.finding import glob
from kimi_cli.tools.grep import grep
from kimi_cli.tools.shell import bash, shell_of
from kimi_cli.tools.text import capped
from kimi_cli.tools.todo import Todos

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kimi_cli.engine.toolbox import Call
    from kimi_cli.tools.fetching import Fetch
    from kimi_cli.tools.place import Place
    from kimi_cli.wire.foreign import JsonObject

READ_SECONDS: Final = 5.0
LIST_SECONDS: Final = 3.0
FIND_SECONDS: Final = 10.0
WRITE_SECONDS: Final = 10.0
FETCH_SECONDS: Final = 30.0
READ_LIMIT: Final = 400_000
"""Characters of what Read gives, line numbers included; it has a limit of its own for the file."""
_GRACE: Final = 0.5
"""Seconds for work in a thread to notice that its time is over."""

_log = logging.getLogger(__name__)


class LocalTools:
    """The tools of one session, in one directory. `environ` is what commands get a part of."""

    def __init__(self, place: Place, *, all_of_them: bool, environ: Mapping[str, str], fetch: Fetch) -> None:
        self._place, self._environ, self._fetch = place, environ, fetch
        self._writing = asyncio.Lock()
        self.todos = Todos()
        names = tuple(DEFINITIONS) if all_of_them else READ_ONLY
        self.names = tuple(name for name in names if name != "Bash" or shell_of(environ))

    @property
    def definitions(self) -> list[JsonObject]:
        """What the model is told of them."""
        return [dict(DEFINITIONS[name]) for name in self.names]

    def owns(self, name: str) -> bool:
        """Whether it is one of them."""
        return name in self.names

    def is_shown(self, _name: str) -> bool:
        """None of them is; the client sees progress, and the answer."""
        return False

    async def run(self, call: Call) -> Result:
        """Carry a call out; whatever goes wrong is told to the model."""
        try:
            result = await self._run(call)
        except ToolError as error:
            result = Result(str(error), is_error=True)
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("tool failed", extra={"fields": {"tool": call.name, "failure": type(error).__name__}})
            reason = error.strerror if isinstance(error, OSError) else None
            result = Result(f"{call.name} failed: {reason or type(error).__name__}.", is_error=True)
        if not isinstance(result.content, str):
            return result
        return replace(result, content=capped(result.content, limit=READ_LIMIT if call.name == "Read" else 31_000))

    async def _run(self, call: Call) -> Result:
        given, place = call.input, self._place
        match call.name:
            case "Bash":
                return await bash(given, place, environ=self._environ)
            case "Grep":
                return Result(await grep(given, place, environ=self._environ))
            case "WebFetch":
                return Result(await _within(FETCH_SECONDS, web_fetch(given, fetch=self._fetch)))
            case "TodoWrite":
                return Result(self.todos.write(given))
            case "Read":
                return Result(await self._threaded(partial(reading.read, given), READ_SECONDS))
            case "LS":
                return Result(await self._threaded(partial(reading.list_directory, given), LIST_SECONDS))
            case "Glob":
                return Result(await self._threaded(partial(glob, given), FIND_SECONDS))
        works = {"Write": writing.write, "Edit": writing.edit, "MultiEdit": writing.edit_often}
        if call.name not in works:
            raise ToolError(f"There is no tool {call.name}.")
        async with self._writing:  # in the order of the calls, since two may be for one file
            return Result(await self._threaded(partial(works[call.name], given), WRITE_SECONDS))

    async def _threaded(
        self, work: Callable[[Place], str | Sequence[JsonObject]], seconds: float
    ) -> str | Sequence[JsonObject]:
        """Work on files, in a thread, which cannot be ended but asks whether it should go on."""
        over = threading.Event()
        task = asyncio.create_task(asyncio.to_thread(work, self._place.until(over.is_set)))
        try:
            done, _ = await asyncio.wait([task], timeout=seconds)
            if not done:
                over.set()
                done, _ = await asyncio.wait([task], timeout=_GRACE)
                if not done or task.exception() is not None:
                    raise ToolError(f"This took more than {seconds:g} seconds.")
            return task.result()
        finally:
            over.set()
            task.add_done_callback(_look)


def _look(task: asyncio.Task[str | Sequence[JsonObject]]) -> None:
    """Nobody waits for the work any more; what became of it is looked at, or the loop complains."""
    if not task.cancelled():
        task.exception()


async def _within(seconds: float, work: Awaitable[str]) -> str:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise ToolError(f"This took more than {seconds:g} seconds.") from error
