"""Conversations as they came last, so that a request that goes on from one is read from there on.

A client sends the whole conversation with every request, and all of it but the end is what it sent before. Here that
is found in the bytes, so that it is neither parsed again nor taken apart into rounds: its messages are the very same
objects, and so are its rounds, with what has been made of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kimi_cli.wire.codec import NotJsonError, dumps, loads_object
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.rounds import rounds_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.rounds import Round

KEPT_SIZE: Final = 24 * 1024 * 1024
"""Bytes of memory, roughly, that all that is kept may take: one conversation that fills a window of a million tokens,
or a dozen as they usually are."""
KEPT_COUNT: Final = 32
"""Conversations that are looked through for the beginning of a request."""
_PARSED: Final = 2
"""How many times its size a request takes once it is parsed, and kept as text besides."""
_MESSAGE_SIZE: Final = 2_048
"""What a message takes beside its text: itself, its part of a round, and what was made of it."""
_STRETCH: Final = 16
"""Messages whose text is kept, and looked for, in one piece."""

_OPENING: Final = b'"messages":['
_TOOLS: Final = b'"tools":'


class _Transcript(NamedTuple):
    """One conversation of a session, `length` bytes long. `texts` are they, without those of the last few messages."""

    owner: str
    messages: Sequence[object]
    length: int
    texts: Sequence[bytes]
    rounds: Sequence[Round]
    tools: object
    tools_text: bytes
    tool_forms: dict[object, Any]

    @property
    def size(self) -> int:
        """What it takes, roughly."""
        return _PARSED * (self.length + len(self.tools_text)) + _MESSAGE_SIZE * len(self.messages)

    def shared(self, data: bytes, at: int) -> tuple[int, int]:
        """How many of its messages stand at this place of a request, and where they end."""
        count = 0
        for text in self.texts:
            if not data.startswith(text, at):
                break
            at += len(text)
            count += _STRETCH
        for text in _texts(self.messages, count):
            if not data.startswith(text, at):
                break
            at += len(text)
            count += 1
        return count, at


class Transcripts:
    """What the sessions of a process have sent last. `mark` is a text that no request holds.

    Whoever gets a request from here must leave its messages as they are.
    """

    def __init__(self, *, mark: str, limit: int = KEPT_SIZE) -> None:
        self._mark, self._limit = mark.encode(), limit
        self._kept: list[_Transcript] = []  # the one that was used last stands last

    def read(self, data: bytes, *, owner: str) -> Prompt:
        """A request of a session.

        Raises:
            NotJsonError: it is no JSON object.
        """
        start = data.find(_OPENING) + len(_OPENING)
        known, count, end = _NOTHING, 0, start
        for one in self._kept if start >= len(_OPENING) else ():
            if one.owner == owner and (found := one.shared(data, start)) > (count, end):
                known, (count, end) = one, found
        prompt = self._continued(known, count, data[:start], data[end:]) if count else None
        if prompt is None:
            known, count, prompt = _NOTHING, 0, Prompt(loads_object(data))
        self._keep(known, count, prompt, data, start, owner=owner)
        return prompt

    def forget(self, owner: str) -> None:
        """A session is over."""
        self._kept = [one for one in self._kept if one.owner != owner]

    def _continued(self, known: _Transcript, count: int, before: bytes, after: bytes) -> Prompt | None:
        """A request of which some messages are known, from its bytes before and after them; None where it is not one.

        The mark stands in their place, and in the place of the tools where these are known. Where it comes out as the
        first of the request's messages, it has stood, and they have, where these begin.
        """
        rest = b'%b"%b"%b' % (before, self._mark, after)
        body, tool_forms = self._without_tools(rest, known), known.tool_forms
        if body is None:
            body, tool_forms = _parsed(rest), {}
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages or messages[0] != self._mark.decode():
            return None
        messages[:1] = known.messages[:count]
        return Prompt(body, rounds=rounds_of(messages, known=known.rounds, same=count), tool_forms=tool_forms)

    def _without_tools(self, rest: bytes, known: _Transcript) -> JsonObject | None:
        """A request whose tools are those that are known; None where they are others."""
        begin = rest.find(_TOOLS) + len(_TOOLS)
        if not known.tools_text or not rest.startswith(known.tools_text, begin):
            return None
        body = _parsed(b'%b"%b"%b' % (rest[:begin], self._mark, rest[begin + len(known.tools_text) :]))
        if body.get("tools") != self._mark.decode():
            return None
        body["tools"] = known.tools
        return body

    def _keep(self, before: _Transcript, shared: int, prompt: Prompt, data: bytes, start: int, *, owner: str) -> None:
        """Keep a request, whose messages begin here, in the place of the one that it goes on from.

        Only messages that are written as we would write them will be recognised, and none behind another one.
        """
        messages, tools = prompt.body.get("messages"), prompt.body.get("tools")
        if not isinstance(messages, list):
            return
        texts = [*before.texts[: shared // _STRETCH]]
        count, end = len(texts) * _STRETCH, start + sum(map(len, texts))
        begin = end
        for text in _texts(messages, count):
            if not data.startswith(text, end):
                break
            end += len(text)
            count += 1
            if count % _STRETCH == 0:
                texts.append(data[begin:end])
                begin = end
        if not count:
            return
        has_tools = prompt.tool_forms is before.tool_forms
        tools_text = before.tools_text if has_tools else _text(tools) if isinstance(tools, list) else b""
        rounds = prompt.rounds if count == len(messages) else ()
        new = _Transcript(owner, messages[:count], end - start, texts, rounds, tools, tools_text, prompt.tool_forms)
        kept = [one for one in self._kept if one is not before or 2 * shared <= len(one.messages)]
        if new.size <= self._limit:  # for one that is larger the others need not go
            kept = [*kept[1 - KEPT_COUNT :], new]
        while sum(one.size for one in kept) > self._limit:
            del kept[0]
        self._kept = kept


_NOTHING: Final = _Transcript("", (), 0, (), (), None, b"", {})


def _parsed(data: bytes) -> JsonObject:
    """A request; nothing where it is none."""
    try:
        return loads_object(data)
    except NotJsonError:
        return {}


def _texts(messages: Sequence[object], first: int) -> Iterator[bytes]:
    """The texts of messages from one on, with the commas before them, up to what is no message."""
    for number in range(first, len(messages)):
        message = messages[number]
        text = _text(message) if isinstance(message, dict) else b""
        if not text:
            return
        yield b"," + text if number else text


def _text(value: object) -> bytes:
    """A value as we write it; nothing where it is too deep to be written."""
    try:
        return dumps(value)
    except RecursionError:
        return b""
