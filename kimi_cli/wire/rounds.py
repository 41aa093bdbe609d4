"""A conversation as rounds: what the assistant said, and everything up to what it said next.

Both protocols tie tool results to the assistant turn before them, each in its own way; a round is the unit in which
one can be turned into the other, and in which a result that is missing or belongs nowhere is found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.content import blocks_of
from kimi_cli.wire.foreign import JsonObject, a_string, objects
from kimi_cli.wire.signature import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED: Final = "(interrupted: this call was not carried out, or its result was lost)"
"""Stands in for a result that never came, because hosts refuse a call without one."""


@dataclass(slots=True)
class Round:
    """One assistant turn (empty before the first) and the user and system turns after it, in order."""

    said: list[JsonObject] = field(default_factory=list)
    answers: list[tuple[str, list[JsonObject]]] = field(default_factory=list)

    def calls(self) -> list[JsonObject]:
        """The tool calls of the assistant, each id once."""
        calls = {a_string(block.get("id")): block for block in reversed(self.said) if block.get("type") == "tool_use"}
        return list(reversed(calls.values()))

    def results(self) -> dict[str, JsonObject]:
        """The first result for each call, by id."""
        wanted = {a_string(call.get("id")) for call in self.calls()}
        results: dict[str, JsonObject] = {}
        for role, blocks in self.answers:
            for block in blocks:
                call_id = a_string(block.get("tool_use_id"))
                if role == "user" and block.get("type") == "tool_result" and call_id in wanted:
                    results.setdefault(call_id, block)
        return results

    def remainder(self) -> Iterator[tuple[str, list[JsonObject]]]:
        """The turns without those results. A result that belongs to no call stays, as text that says so."""
        taken = {id(result) for result in self.results().values()}
        for role, blocks in self.answers:
            rest = [_orphan(block) for block in blocks if id(block) not in taken]
            if rest:
                yield role, rest


def rounds_of(messages: object) -> list[Round]:
    """The messages of a request, with turns of the same role joined, and without what told of work on this side."""
    rounds: list[Round] = []
    for message in objects(messages):
        role, blocks = message.get("role"), blocks_of(message.get("content"))
        if role == "assistant":
            if not rounds or rounds[-1].answers:
                rounds.append(Round())
            rounds[-1].said += (block for block in blocks if block.get("signature") != PROGRESS)
            continue
        if not rounds:
            rounds.append(Round())
        answers = rounds[-1].answers
        role = "system" if role == "system" else "user"
        if answers and answers[-1][0] == role:
            answers[-1][1].extend(blocks)
        else:
            answers.append((role, blocks))
    return rounds


def _orphan(block: JsonObject) -> JsonObject:
    if block.get("type") != "tool_result":
        return block
    return {"type": "document", "source": {"type": "content", "content": _told(block)}}


def _told(block: JsonObject) -> list[JsonObject]:
    return [{"type": "text", "text": "[result of an earlier tool call]"}, *blocks_of(block.get("content"))]
