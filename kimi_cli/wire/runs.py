"""Runs of chunks that differ in one string: what nearly all of an answer is.

A model's words come in thousands of chunks whose every other byte is the same. Once one of them has been read as JSON,
those that follow are read by what stands around their words, all that came together at once.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import orjson

from kimi_cli.wire.codec import NotJsonError, loads_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimi_cli.wire.foreign import JsonObject

_PROBE: Final = b"a string that is put in the place of another"
_END: Final = b"\n\n"
_HALF: Final = re.compile(rb"\\u(?!(?:[0-9a-cefA-CEF][0-9a-fA-F]|[dD][0-7])[0-9a-fA-F]{2})")
"""An escape that is not whole, or half of a character."""
_LESSONS: Final = 8
"""Chunks that are learned from in vain, one after the other, before it is given up: some hosts vary more than that."""


class Run:
    """Chunks of the form `before STRING after`, without its quotes, any number of them in a row."""

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before, self._after = before, after
        self._between = after + before
        self._escaped = b"\\" + after
        # Of the lines of a chunk one has the string, from here to there.
        self._line, self._lines = before.count(b"\n"), self._between.count(b"\n")
        self._start, self._stop = len(before) - before.rfind(b"\n") - 1, -after.index(b"\n")

    def is_made_of(self, before: bytes, after: bytes) -> bool:
        """Whether these stand around its strings."""
        return before == self._before and after == self._after

    def read(self, data: bytes, at: int = 0) -> tuple[str | None, int]:
        """The strings of the chunks that begin at a place of the data, joined, and where the last of them ends.

        None in place of the text where something else begins there, which ends where the next chunk may begin, or where
        there is something among them that needs a closer look.
        """
        end = data.rfind(self._after, at + len(self._before)) + len(self._after)
        if end < len(self._after) or not data.startswith(self._before, at):
            return None, end_of_event(data, at)
        return self._text(data[at:end]), end

    def _text(self, chunks: bytes) -> str | None:
        """The text of whole chunks, where each is what it seems: a string, and what stands around it in all of them."""
        *lines, _ = chunks.split(b"\n")
        strings = [line[self._start : self._stop] for line in lines[self._line :: self._lines]]
        if self._before + self._between.join(strings) + self._after != chunks:
            return None
        # What is no string by itself must not become one together with others.
        if b"\\" in chunks and (self._escaped in chunks or _HALF.search(b'"'.join(strings))):
            return None
        joined = b"".join(strings)
        try:
            if not joined.isascii():
                chunks.decode()
            text = orjson.loads(b'"' + joined + b'"')
        except ValueError:
            return None
        return text if isinstance(text, str) else None


def end_of_event(data: bytes, at: int) -> int:
    """Where the event ends that begins or goes on at a place of the data, if it ends in it at all."""
    end = data.find(_END, at) + len(_END)
    return end if end >= len(_END) else len(data)


class Runs:
    """The run that an answer is in, learned from its chunks.

    `said_in` gives the one string that a chunk says, with its name, where the chunk says nothing else.
    """

    def __init__(self, said_in: Callable[[JsonObject], tuple[bytes, str] | None]) -> None:
        self._said_in = said_in
        self._run: Run | None = None
        self._lesson: tuple[JsonObject, bytes, bytes] | None = None
        self._in_vain = 0
        self.key = b""
        """The name of the strings."""

    @property
    def is_known(self) -> bool:
        """Whether there is one, after all that has come."""
        self._take_lesson()
        return self._run is not None

    def read(self, data: bytes, at: int) -> tuple[str | None, int]:
        """What `Run.read` gives; without a run, what is read one by one, until one is learned."""
        self._take_lesson()
        if self._run is None:
            return None, len(data) if self._in_vain >= _LESSONS else end_of_event(data, at)
        text, end = self._run.read(data, at)
        if text is not None:
            self._in_vain = 0
        return text, end

    def learn(self, fields: JsonObject, payload: bytes, chunk: bytes) -> None:
        """Take note of a chunk that was read: what it is, the JSON that it was, and all of its bytes.

        What there is to learn from it is learned when the next one comes, for this one is waited for.
        """
        self._lesson = (fields, payload, chunk)

    def forget(self) -> None:
        """Whatever comes, it means something else from now on."""
        self._run = self._lesson = None

    def _take_lesson(self) -> None:
        if self._lesson is None:
            return
        (fields, payload, chunk), self._lesson = self._lesson, None
        if self._in_vain >= _LESSONS or (said := self._said_in(fields)) is None:
            return
        key = said[0]
        name = b'"%b":' % key
        string = payload.find(b'"', payload.find(name) + len(name)) + 1
        end = payload.find(b'"', string)
        start = chunk.find(payload)
        if b"\\" in payload[string:end] or start < 0:
            return
        before, after = chunk[: start + string], payload[end:] + chunk[start + len(payload) :]
        if self._run is not None and self._run.is_made_of(before, after):
            return  # it only came together with something else
        self._in_vain += 1
        self._run, self.key = None, key
        with suppress(NotJsonError):
            # Whether that is the string, and not another one by that name.
            if self._said_in(loads_object(payload[:string] + _PROBE + payload[end:])) == (key, _PROBE.decode()):
                self._run = Run(before, after)
