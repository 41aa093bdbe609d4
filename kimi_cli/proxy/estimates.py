"""The sizes of prompts before hosts report them; what is learned from the reports lasts longer than the process."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from kimi_cli.store.calibration import DamagedCalibrationError, read_calibration, write_calibration
from kimi_cli.wire.calibration import Calibration

if TYPE_CHECKING:
    from pathlib import Path

    from kimi_cli.providers.route import Route
    from kimi_cli.wire.tokens import Measure

KEEP_SECONDS: Final = 60.0
"""How long what was learned may wait to be written: a process that is killed loses no more than that."""

_log = logging.getLogger(__name__)


class Estimates:
    """All that is known of models' token counts. It is kept in `file`, which other processes may write, too.

    The file is read once. What is written later is what this process has learned itself, and for all other models what
    the file holds by then. Without `file` everything is forgotten in the end.
    """

    def __init__(self, file: Path | None = None, *, pause: float = KEEP_SECONDS) -> None:
        self._file, self._pause = file, pause
        self._calibration = Calibration() if file is None else _read(file)
        self._is_new = False
        self._is_closing = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    def tokens(self, route: Route, model: str, measure: Measure) -> int:
        """The size of a prompt for a model of the route's host, as well as it is known."""
        return self._calibration.tokens(route.provider, model, measure)

    def learn(self, route: Route, model: str, measure: Measure, *, reported: int) -> None:
        """Take note of the size that the host reported, with what was cached. To be called in the event loop."""
        if not self._calibration.learn(route.provider, model, measure, reported) or self._file is None:
            return
        self._is_new = True
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(self._file))

    async def close(self) -> None:
        """Keep what is not kept yet."""
        self._is_closing.set()
        if self._keeping is not None:
            await self._keeping

    async def _keep(self, file: Path) -> None:
        while self._is_new:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._is_closing.wait()
            self._is_new = False
            others = await asyncio.to_thread(_read, file)
            data = self._calibration.over(others).to_json()
            try:
                await asyncio.to_thread(write_calibration, file, data)
            except OSError as error:
                _warn("calibration not written", file, error)
        self._keeping = None


def _read(file: Path) -> Calibration:
    try:
        return Calibration.from_json(read_calibration(file))
    except (DamagedCalibrationError, OSError) as error:
        _warn("calibration not read", file, error)
        return Calibration()


def _warn(event: str, file: Path, error: Exception) -> None:
    reason = error.strerror if isinstance(error, OSError) else None
    _log.warning(event, extra={"fields": {"file": str(file), "reason": reason or str(error)}})
