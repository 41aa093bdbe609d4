"""Why an answer ended: hosts' finish reasons as Anthropic's stop reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import a_string

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

_STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
    "stop_sequence": "stop_sequence",
}
_FAILED: Final = frozenset({"error", "abort", "aborted", "cancelled", "insufficient_system_resource"})
"""Finish reasons by which hosts say that they gave up in the middle of an answer."""
_CUT_SHORT: Final = frozenset({"max_tokens", "refusal"})


class Ending:
    """What a host has said of the answer's end; `finish_reason` is None until it has."""

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self._sequence: str | None = None

    def note(self, choice: JsonObject) -> None:
        """Read a choice that has a finish reason."""
        self.finish_reason = str(choice["finish_reason"])
        # vLLM names the sequence that it stopped at.
        self._sequence = a_string(choice.get("stop_reason")) or None

    @property
    def is_failure(self) -> bool:
        """Whether the host gave up."""
        return self.finish_reason in _FAILED

    @property
    def is_cut_short(self) -> bool:
        """Whether the model had more to say than it was let."""
        return _STOP_REASONS.get(self.finish_reason or "") in _CUT_SHORT

    def reason(self, *, has_calls: bool, hit: str | None) -> tuple[str, str | None]:
        """The stop reason and the stop sequence; `hit` is one that the host was not told of."""
        if hit is not None:
            return "stop_sequence", hit
        reason = _STOP_REASONS.get(self.finish_reason or "", "end_turn")
        if reason in {"end_turn", "tool_use"}:
            # Some hosts say `stop` after tool calls, some `tool_calls` after none.
            reason = "tool_use" if has_calls else "end_turn"
        if reason == "end_turn" and self._sequence is not None:
            reason = "stop_sequence"
        return reason, self._sequence if reason == "stop_sequence" else None
