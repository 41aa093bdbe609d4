"""Server-sent events: bytes in any cut, event payloads out.

Lines end at LF, CR or CRLF and nowhere else: JSON may hold U+2028 and the like, which `str.splitlines` would take for
line ends. Decoding happens after the split, so a character cut between two reads is never harmed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_EVENT_BYTES: Final = 16 * 1024 * 1024
"""The largest event that is waited for: a model's longest output in one event, some thirty times over."""

_UNREAD_LIMIT: Final = 65_536
"""Bytes that are looked at twice; a larger event is not put together again with every read."""
_BOM: Final = b"\xef\xbb\xbf"


class EventTooLargeError(Exception):
    """The stream has sent more than `limit` bytes without ending an event; `events` came before it in the same read."""

    def __init__(self, limit: int, events: Sequence[bytes] = ()) -> None:
        super().__init__(f"an event of more than {limit:,} bytes")
        self.limit, self.events = limit, events


class SseDecoder:
    """Splits a byte stream into the `data` of its events, joined by LF where an event has several data lines.

    `feed` returns the events that a piece of the stream completed. `finish` returns an event that the end of the
    stream completed: hosts leave out the last blank line.
    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._line: list[bytes] = []  # pieces of a line whose end has not come yet
        self._data: list[bytes] = []  # data lines of the event that is being read
        self._line_size = 0
        self._data_size = 0
        self._after_cr = False
        self._at_start = True

    def unread(self) -> bytes | None:
        """The beginning of an event that has been fed, to be fed again with what follows; None where it is more."""
        if self._data or self._after_cr or self._at_start or self._line_size > _UNREAD_LIMIT:
            return None
        line = b"".join(self._line)
        self._line.clear()
        self._line_size = 0
        return line

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads completed by `data`.

        Raises:
            EventTooLargeError: an event grew past the limit.
        """
        if self._after_cr and data:
            # The LF of a CRLF that was cut in two has ended its line already.
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = data.split(b"\n")
        events: list[bytes] = []
        for line in lines:
            whole = line
            if self._line:
                self._line.append(line)
                whole = b"".join(self._line)
                self._line.clear()
                self._line_size = 0
            self._take(whole, events)
        if rest:
            self._line.append(rest)
            self._line_size += len(rest)
            self._check(self._line_size, events)
        return events

    def finish(self) -> list[bytes]:
        """The payload that was complete but for its line ends, if there is one."""
        events: list[bytes] = []
        if self._line:
            self._take(b"".join(self._line), events)
            self._line.clear()
        self._take(b"", events)
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        self._check(len(line), events)
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                if data.strip():  # an event without data says nothing
                    events.append(data)
                self._data.clear()
                self._data_size = 0
        elif line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            self._data_size += len(line)

    def _check(self, line_size: int, events: list[bytes]) -> None:
        if self._data_size + line_size > self._limit:
            raise EventTooLargeError(self._limit, events)
