"""The conversation: Anthropic messages become chat messages, in the order and adjacency that hosts demand.

What a turn becomes depends on the turns before it and never on later ones, so the prompt's prefix stays the same, byte
for byte, from turn to turn, and the host's cache holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_cli.wire.codec import dumps_text
from kimi_cli.wire.content import Sight, as_content, parts_of, result_of, system_text, text_of
from kimi_cli.wire.details import as_entry, text_in
from kimi_cli.wire.foreign import a_string, an_object
from kimi_cli.wire.rounds import INTERRUPTED, Round, rounds_of
from kimi_cli.wire.signature import NOTHING, from_signature

if TYPE_CHECKING:
    from kimi_cli.providers.dialect import Dialect
    from kimi_cli.providers.model import Model
    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.names import ToolNames


def to_messages(messages: object, *, system: str, dialect: Dialect, model: Model, names: ToolNames) -> list[JsonObject]:
    """Chat messages for a host. Every tool call is followed at once by its results, in the order of the calls."""
    return _History(dialect, model, names).render(messages, system)


class _History:
    def __init__(self, dialect: Dialect, model: Model, names: ToolNames) -> None:
        self._dialect, self._model, self._names = dialect, model.id, names
        self._sight = Sight(images=model.vision, image_urls=dialect.image_urls)
        self._messages: list[JsonObject] = []
        self._user_parts: list[JsonObject] = []
        self._calls = 0

    def render(self, messages: object, system: str) -> list[JsonObject]:
        if system:
            self._messages.append({"role": "system", "content": system})
        for turn in rounds_of(messages):
            if turn.said:
                self._add_assistant(turn)
            for role, blocks in turn.remainder():
                if role == "system":
                    self._add_system(system_text(blocks))
                else:
                    self._user_parts += (part for block in blocks for part in parts_of(block, self._sight))
            self._end_user()
        return self._messages

    def _add_assistant(self, turn: Round) -> None:
        message: JsonObject = {"role": "assistant"}
        texts = [text for block in turn.said if block.get("type") != "tool_use" and (text := text_of(block))]
        message["content"] = "\n\n".join(texts) or None
        if self._dialect.reasoning_fields:
            message |= self._reasoning(turn)
        calls = turn.calls()
        ids = [self._call_id(call) for call in calls]
        if calls:
            message["tool_calls"] = [
                {
                    "id": call_id,
                    "type": "function",
                    "function": {
                        "name": self._names.to_host(a_string(call.get("name"))),
                        "arguments": dumps_text(an_object(call.get("input"))),
                    },
                }
                for call, call_id in zip(calls, ids, strict=True)
            ]
        elif not texts:
            return  # a turn of reasoning alone; hosts refuse an assistant message without content
        self._messages.append(message)
        self._add_results(turn, calls, ids)

    def _reasoning(self, turn: Round) -> JsonObject:
        """The fields of a turn's reasoning: its text, or the structure that the host sent with it, for the same model.

        Reasoning comes back to any host that takes it, whichever wrote it: after a change of hosts in the middle of a
        tool loop it is what the model goes on from. What another host encrypted is left out, for nobody else reads it.
        """
        entries: list[JsonObject] = []
        is_structured = False
        for block in turn.said:
            if block.get("type") != "thinking":
                continue
            text = a_string(block.get("thinking"))
            wants_more = self._dialect.reasoning_details or not text
            carried = (from_signature(a_string(block.get("signature"))) if wants_more else None) or NOTHING
            if self._dialect.reasoning_details and carried.details and carried.model == self._model:
                entries += carried.details
                is_structured = True
            elif text := text or carried.reasoning:
                entries.append(as_entry(text))
        if is_structured:
            return {"reasoning_details": entries}
        text = text_in(entries)
        return dict.fromkeys(self._dialect.reasoning_fields, text) if text else {}

    def _add_results(self, turn: Round, calls: list[JsonObject], ids: list[str]) -> None:
        results = turn.results()
        for call, call_id in zip(calls, ids, strict=True):
            result = results.get(a_string(call.get("id")))
            text, images = result_of(result, self._sight) if result is not None else (INTERRUPTED, [])
            self._messages.append({"role": "tool", "tool_call_id": call_id, "content": text})
            self._user_parts += images

    def _call_id(self, call: JsonObject) -> str:
        """The id under which the host knows a call; Kimi was trained on ids that count through the conversation."""
        if not self._dialect.kimi_tool_ids:
            return a_string(call.get("id"))
        call_id = f"functions.{self._names.to_host(a_string(call.get('name')))}:{self._calls}"
        self._calls += 1
        return call_id

    def _add_system(self, text: str) -> None:
        if not text:
            return
        if self._dialect.system_anywhere:
            self._end_user()
            self._messages.append({"role": "system", "content": text})
        else:
            self._user_parts.append({"type": "text", "text": as_reminder(text)})

    def _end_user(self) -> None:
        if self._user_parts:
            self._messages.append({"role": "user", "content": as_content(self._user_parts)})
            self._user_parts = []


def as_reminder(text: str) -> str:
    """A system turn as part of a user turn, marked the way Claude Code marks its own."""
    return f"<system-reminder>\n{text}\n</system-reminder>"
