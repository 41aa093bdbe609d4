"""A client's request as it is worked on, with what is known of it from the request before."""

from __future__ import annotations

from itertools import takewhile
from operator import is_
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kimi_cli.wire.foreign import objects
from kimi_cli.wire.rounds import rounds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.rounds import Round

_T = TypeVar("_T")
_FORMS: Final = 16
"""Forms of the same tools that are kept: for a few models, and for the tools that a client has loaded by and by."""


class Prompt:
    """A request's `body`, and the `rounds` of its messages. Nobody changes either.

    `tool_forms` are what has been made of its tools, which are the same from turn to turn.
    """

    __slots__ = ("body", "rounds", "tool_forms")

    def __init__(
        self,
        body: JsonObject,
        *,
        rounds: Sequence[Round] | None = None,
        tool_forms: dict[object, Any] | None = None,
    ) -> None:
        self.body = body
        self.rounds = rounds_of(body.get("messages")) if rounds is None else rounds
        self.tool_forms: dict[object, Any] = {} if tool_forms is None else tool_forms

    def changed(self, body: JsonObject) -> Prompt:
        """The same with another body that was made of this one."""
        if body is self.body:
            return self
        messages = objects(body.get("messages"))
        before = (message for turn in self.rounds for message in turn.messages)
        same = sum(1 for _ in takewhile(bool, map(is_, before, messages)))
        has_tools = body.get("tools") is self.body.get("tools")
        rounds = rounds_of(messages, known=self.rounds, same=same)
        return Prompt(body, rounds=rounds, tool_forms=self.tool_forms if has_tools else None)

    def of_tools(self, form: object, make: Callable[[], _T]) -> _T:
        """What has been made of the tools in this form, or is made now. It depends on them and the form alone."""
        if form not in self.tool_forms:
            if len(self.tool_forms) >= _FORMS:
                del self.tool_forms[next(iter(self.tool_forms))]
            self.tool_forms[form] = make()
        made: _T = self.tool_forms[form]
        return made

    @property
    def uncommon(self) -> list[JsonObject]:
        """The messages among which all images, documents and references are, if there are any."""
        last = self.rounds[-1] if self.rounds else None
        if last is None or (last.is_common and last.is_plain):
            return []
        return [message for turn in self.rounds if not turn.is_plain for message in turn.messages]


NO_PROMPT: Final = Prompt({})
