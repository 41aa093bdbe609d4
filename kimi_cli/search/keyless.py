"""A search without a key, by the engines that the ddgs library can ask.

The library is synchronous, and it and what it needs are large, so that it runs in a process of its own, which lives for
one search and is ended where nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from kimi_cli.search.failure import Code, SearchError, unreadable
from kimi_cli.search.query import RESULTS, Hit
from kimi_cli.wire.codec import NotJsonError, dumps, loads_object
from kimi_cli.wire.foreign import a_string, objects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.search.query import Query

SECONDS: Final = 25.0
"""How long a search may take: it asks several engines, one after the other where one does not answer."""
ANSWER_BYTES: Final = 1024 * 1024


class Keyless:
    """`environ` is the worker's whole environment: the ways to Python's files and out to the web are enough."""

    name = "The keyless search"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)

    async def search(self, query: Query) -> list[Hit]:
        """The results of whichever engine answers."""
        try:
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "kimi_cli.search.keyless_worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=self._environ,
                limit=ANSWER_BYTES,
            )
        except OSError as error:
            raise SearchError(Code.UNAVAILABLE, f"{self.name} cannot be started: {error.strerror}.") from error
        try:
            async with asyncio.timeout(SECONDS):
                asked = dumps({"query": query.with_sites, "results": RESULTS})
                out, _ = await worker.communicate(asked)
        except TimeoutError:
            raise SearchError(Code.UNAVAILABLE, f"{self.name} took longer than {SECONDS:.0f} seconds.") from None
        finally:
            if worker.returncode is None:
                with suppress(ProcessLookupError):
                    worker.kill()
                await worker.wait()
        return self._read(out)

    def _read(self, out: bytes) -> list[Hit]:
        try:
            answer = loads_object(out)
        except NotJsonError as error:
            raise unreadable(self.name) from error
        match answer.get("failure"):
            case "limited":
                raise SearchError(Code.TOO_MANY, f"{self.name} gets too many searches; later it may answer again.")
            case "missing":
                raise SearchError(
                    Code.UNAVAILABLE, f"{self.name} needs the ddgs library.", fix="pipx inject kimi-cli ddgs"
                )
            case str(reason):
                raise SearchError(Code.UNAVAILABLE, f"{self.name} reaches no engine.", detail=reason, fix="kimi search")
            case _:
                pass
        return [
            Hit(a_string(one.get("href")), a_string(one.get("title")), a_string(one.get("body")))
            for one in objects(answer.get("results"))
        ]
