"""A conversation as rounds: what the assistant said, and everything up to what it said next.

Both protocols tie tool results to the assistant turn before them, each in its own way; a round is the unit in which
one can be turned into the other, and in which a result that is missing or belongs nowhere is found. It is made of its
own messages alone. So a turn that goes on from an earlier one has that one's rounds, and what became of them.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kimi_cli.wire.content import blocks_of
from kimi_cli.wire.foreign import JsonObject, a_string, objects
from kimi_cli.wire.signature import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")

STRETCH: Final = 8
"""Rounds of which something is made together: few enough for the last of them, which are looked at with every turn."""
INTERRUPTED: Final = "(interrupted: this call was not carried out, or its result was lost)"
"""Stands in for a result that never came, because hosts refuse a call without one."""


class Round:
    """One assistant turn (empty before the first) and the user and system turns after it.

    `messages` are those that it is made of. None of them is ever changed, nor is a round that is complete.
    """

    __slots__ = (
        "answers",
        "begin",
        "calls",
        "first_call",
        "forms",
        "is_common",
        "is_marked",
        "is_plain",
        "messages",
        "results",
        "said",
    )

    def __init__(self, before: Round | None = None) -> None:
        self.begin: int = 0 if before is None else before.end
        """How many messages of the conversation stand before it."""
        self.first_call: int = 0 if before is None else before.first_call + len(before.calls)
        """How many calls do."""
        self.is_common: bool = before is None or (before.is_common and before.is_plain)
        """Whether all before it are plain."""
        self.messages: list[JsonObject] = []
        self.said: list[JsonObject] = []
        """The assistant's blocks, without what told of work on this side."""
        self.calls: dict[str, JsonObject] = {}
        """Those of them that are tool calls, by id. Of calls that share an id, which hosts refuse, the first stays."""
        self.results: dict[str, JsonObject] = {}
        """The first result for each call, by id."""
        self.answers: list[tuple[str, list[JsonObject]]] = []
        """The turns after it, by their roles, without those results. One that belongs to no call is a text about it."""
        self.is_plain: bool = True
        """Whether there is nothing in it but texts, reasoning, calls, and results that are texts."""
        self.is_marked = False
        """Whether the client marked any of it for caching."""
        self.forms: dict[object, Any] = {}
        """What has been made of all rounds up to it."""

    @property
    def end(self) -> int:
        """How many messages there are up to its last one."""
        return self.begin + len(self.messages)

    def is_over_before(self, message: JsonObject) -> bool:
        """Whether another round begins with the message that comes next."""
        return bool(self.answers) and message.get("role") == "assistant"

    def add(self, message: JsonObject) -> None:
        """Take the message that comes next."""
        self.messages.append(message)
        blocks = blocks_of(message.get("content"))
        if message.get("role") == "assistant":
            self._say(blocks)
        else:
            self._answer("system" if message.get("role") == "system" else "user", blocks)

    def _say(self, blocks: list[JsonObject]) -> None:
        for block in blocks:
            kind = block.get("type")
            if block.get("cache_control"):
                self.is_marked = True
            if kind == "tool_use":
                call_id = a_string(block.get("id"))
                if call_id in self.calls:
                    continue
                self.calls[call_id] = block
            elif kind != "text":
                self.is_plain = self.is_plain and kind == "thinking"
                if block.get("signature") == PROGRESS:
                    continue
            self.said.append(block)

    def _answer(self, role: str, blocks: list[JsonObject]) -> None:
        if not self.answers or self.answers[-1][0] != role:
            self.answers.append((role, []))
        rest = self.answers[-1][1]
        for block in blocks:
            kind = block.get("type")
            if block.get("cache_control"):
                self.is_marked = True
            if kind == "tool_result":
                self.is_plain = self.is_plain and _is_text(block.get("content"))
                call_id = a_string(block.get("tool_use_id"))
                if role == "user" and call_id in self.calls and call_id not in self.results:
                    self.results[call_id] = block
                else:
                    rest.append(_orphan(block))
            else:
                self.is_plain = self.is_plain and kind == "text"
                rest.append(block)


def rounds_of(messages: object, *, known: Sequence[Round] = (), same: int = 0) -> list[Round]:
    """The rounds of a request's messages, of which the first ones are the `same` as those of rounds that are known.

    What is not a message may only stand behind those. Rounds of such messages alone are the very same, too.
    """
    rounds = list(known[: bisect_right(known, same, key=attrgetter("end"))])
    news = _behind(rounds, messages)
    if rounds and news and not rounds[-1].is_over_before(news[0]):  # it goes on, as another round
        del rounds[-1]
        news = _behind(rounds, messages)
    for message in news:
        if not rounds or rounds[-1].is_over_before(message):
            rounds.append(Round(rounds[-1] if rounds else None))
        rounds[-1].add(message)
    return rounds


def so_far(rounds: Sequence[Round], form: object, add: Callable[[_T | None, Sequence[Round]], _T]) -> _T:
    """What comes of all rounds, where `add` makes more of what came of those before it, none at first.

    It is given so many rounds at a time, and in the end those that are left. What came of the others is kept with the
    last of them, under its form, and found there for as long as the conversation goes on from it.
    """
    whole = len(rounds) // STRETCH * STRETCH
    at = next((end for end in range(whole, 0, -STRETCH) if form in rounds[end - 1].forms), 0)
    made: _T | None = rounds[at - 1].forms[form] if at else None
    while at < whole:
        made = add(made, rounds[at : at + STRETCH])
        at += STRETCH
        rounds[at - 1].forms[form] = made
    return add(made, rounds[whole:])


def _behind(rounds: Sequence[Round], messages: object) -> list[JsonObject]:
    return objects(messages[rounds[-1].end if rounds else 0 :]) if isinstance(messages, list) else []


def _is_text(content: object) -> bool:
    return not isinstance(content, list) or all(block.get("type") == "text" for block in objects(content))


def _orphan(block: JsonObject) -> JsonObject:
    told = [{"type": "text", "text": "[result of an earlier tool call]"}, *blocks_of(block.get("content"))]
    return {"type": "document", "source": {"type": "content", "content": told}}
