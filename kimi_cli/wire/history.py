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
from kimi_cli.wire.names import ToolNames
from kimi_cli.wire.outgoing import Told
from kimi_cli.wire.rounds import INTERRUPTED, STRETCH, so_far
from kimi_cli.wire.signature import NOTHING, from_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimi_cli.providers.dialect import Dialect
    from kimi_cli.providers.model import Model
    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.rounds import Round


def to_messages(rounds: Sequence[Round], *, dialect: Dialect, model: Model) -> Told:
    """Chat messages for a host. Every tool call is followed at once by its results, in the order of the calls."""
    return so_far(rounds, (dialect.name, model.id, model.vision), _Telling(dialect, model).more)


class _Telling:
    """What makes chat messages of rounds."""

    def __init__(self, dialect: Dialect, model: Model) -> None:
        self._dialect, self._model = dialect, model.id
        self._sight = Sight(images=model.vision, image_urls=dialect.image_urls)
        self._names = ToolNames()
        self._messages: list[JsonObject] = []
        self._user_parts: list[JsonObject] = []

    def more(self, told: Told | None, rounds: Sequence[Round]) -> Told:
        """What was told already, and these rounds."""
        self._names, self._messages = ToolNames(), []
        for turn in rounds:
            if turn.said:
                self._add_assistant(turn)
            for role, blocks in turn.answers:
                if role == "system":
                    self._add_system(system_text(blocks))
                else:
                    for block in blocks:
                        self._user_parts += parts_of(block, self._sight)
            self._end_user()
        return (told or Told()).plus(self._messages, self._names.originals, stay=len(rounds) == STRETCH)

    def _add_assistant(self, turn: Round) -> None:
        texts = [text for block in turn.said if block.get("type") != "tool_use" and (text := text_of(block))]
        message: JsonObject = {"role": "assistant", "content": "\n\n".join(texts) or None}
        if self._dialect.reasoning_fields:
            message |= self._reasoning(turn)
        if turn.calls:
            message["tool_calls"] = calls = []
            results: list[JsonObject] = []
            for number, (client_id, call) in enumerate(turn.calls.items(), turn.first_call):
                name = self._names.to_host(a_string(call.get("name")))
                # Kimi was trained on ids that count through the conversation.
                call_id = f"functions.{name}:{number}" if self._dialect.kimi_tool_ids else client_id
                function = {"name": name, "arguments": dumps_text(an_object(call.get("input")))}
                calls.append({"id": call_id, "type": "function", "function": function})
                results.append({"role": "tool", "tool_call_id": call_id, "content": self._result(turn, client_id)})
            self._messages += (message, *results)
        elif texts:  # a turn of reasoning alone is left out; hosts refuse an assistant message without content
            self._messages.append(message)

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

    def _result(self, turn: Round, client_id: str) -> str:
        """What came of a call; its images stand in the user's next message."""
        result = turn.results.get(client_id)
        text, images = (INTERRUPTED, []) if result is None else result_of(result, self._sight)
        self._user_parts += images
        return text

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
