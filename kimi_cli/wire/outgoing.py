"""A request for a host. Of its history most has been sent before, and is kept as it was written then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from kimi_cli.wire.codec import dumps_strict, loads
from kimi_cli.wire.foreign import an_int, objects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kimi_cli.wire.foreign import JsonObject


class Told(NamedTuple):
    """A conversation as a host's messages: the first ones as JSON, with commas between them, and the last few.

    `names` are those of tools that had to be changed.
    """

    written: tuple[bytes, ...] = ()
    messages: Sequence[JsonObject] = ()
    names: Mapping[str, str] = MappingProxyType({})

    @property
    def is_empty(self) -> bool:
        """Whether there are none."""
        return not (self.written or self.messages)

    @property
    def texts(self) -> tuple[bytes, ...]:
        """All of them as JSON."""
        return (*self.written, _text(self.messages)) if self.messages else self.written

    def everything(self) -> list[JsonObject]:
        """All of them, for which those that are written are read again."""
        return [*objects(loads(b"[%b]" % b",".join(self.written))), *self.messages]

    def after(self, message: JsonObject) -> Told:
        """The same behind another message."""
        return self._replace(written=(_text([message]), *self.written))

    def plus(self, messages: Sequence[JsonObject], names: Mapping[str, str], *, stay: bool) -> Told:
        """The same and the next ones. Those that stay, whatever comes behind them, are written."""
        names = {**self.names, **names} if names else self.names
        if messages and stay:
            return Told((*self.written, _text(messages)), (), names)
        return Told(self.written, messages, names)


def _text(messages: Sequence[JsonObject]) -> bytes:
    return dumps_strict(messages)[1:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request in a host's format: its messages, and `fields` with all the rest.

    `limit` is the field that says how long the answer may be, where there is one.
    """

    fields: JsonObject
    told: Told
    limit: str

    @property
    def output(self) -> int:
        """How long the answer may be, in tokens; none where the host is not told."""
        return an_int(self.fields.get(self.limit)) or 0

    def limited(self, output: int) -> Outgoing:
        """The same with a shorter answer."""
        return self if output == self.output else replace(self, fields={**self.fields, self.limit: output})

    @property
    def body(self) -> JsonObject:
        """All of it."""
        return {**self.fields, "messages": self.told.everything()}

    @property
    def data(self) -> bytes:
        """All of it as JSON, with the messages last."""
        begin = b'%b,"messages":[' % dumps_strict(self.fields)[:-1]
        first, *others = self.told.texts or (b"",)
        # A long history is copied once.
        return b",".join([begin + first, *others[:-1], others[-1] + b"]}"]) if others else begin + first + b"]}"
