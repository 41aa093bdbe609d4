"""Tool calls written in Kimi's own tokens."""

from __future__ import annotations

from typing import Final

BEGIN: Final = "<|tool_calls_section_begin|>"
END: Final = "<|tool_calls_section_end|>"
CALL: Final = "<|tool_call_begin|>"
ARGUMENTS: Final = "<|tool_call_argument_begin|>"
CALL_END: Final = "<|tool_call_end|>"
TOKENS: Final = (BEGIN, END, CALL, ARGUMENTS, CALL_END, "<|tool_call_section_begin|>", "<|tool_call_section_end|>")


def raw(head: str, arguments: str) -> str:
    """One call, without a section around it."""
    return f"{CALL}{head}{ARGUMENTS}{arguments}{CALL_END}"


def section(*calls: tuple[str, str]) -> str:
    """Calls, given by the head (`functions.Read:0`) and the arguments of each, as the model's template has them."""
    return BEGIN + "".join(raw(head, arguments) for head, arguments in calls) + END
