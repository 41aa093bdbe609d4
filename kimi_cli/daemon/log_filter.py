"""Which lines of a log are asked for."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from kimi_cli.daemon.log_line import LogLine
from kimi_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SPAN: Final = re.compile(r"(?:\d+[smhdw])+", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SESSION_PREFIX: Final = "ses_"


class LogFilter:
    """Picks the lines of one session, or of a time; give it all lines in their order.

    A line that is no event has no session, and the time of the event before it.
    """

    def __init__(self, *, session: str | None = None, since: datetime | None = None) -> None:
        self._session = session and _SESSION_PREFIX + session.removeprefix(_SESSION_PREFIX)
        self._since = since
        self._is_time = True

    def pick(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Those that are asked for."""
        return filter(self._wants, lines)

    def _wants(self, raw: bytes) -> bool:
        if self._session is not None and self._session.encode() not in raw:
            return False  # what is said of another session need not be parsed
        if self._session is None and self._since is None:
            return True
        line = LogLine.read(raw)
        if self._since is not None and (time := line.time) is not None:
            self._is_time = time >= self._since
        return self._is_time and (self._session is None or line.session.startswith(self._session))


def parse_since(text: str, *, now: datetime) -> datetime:
    """The time that a user means: a span before `now`, such as 10m, 2h or 1d12h, or an ISO time.

    An ISO time without an offset is local.

    Raises:
        UsageError: it is neither.
    """
    text = text.strip()
    try:
        if _SPAN.fullmatch(text):
            spans = re.findall(r"(\d+)([smhdw])", text)
            return now - sum((timedelta(**{_UNITS[unit]: int(count)}) for count, unit in spans), timedelta())
        time = datetime.fromisoformat(text)
        return time if time.tzinfo else time.astimezone()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{text!r} is not a time: a span such as 10m, 2h or 1d is, and so is an ISO time such as 2026-10-20T09:30.",
            fix="kimi logs --since 10m",
        ) from None
