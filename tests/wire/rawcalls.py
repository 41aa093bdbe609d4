"""Tool calls written in Kimi's own tokens, and in K3's tags."""

from __future__ import annotations

import json
from typing import Any, Final

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


def tagged(*calls: tuple[str, dict[str, Any]]) -> str:
    """Calls, given by the name and the arguments of each, as K3's renderer writes them."""
    written = "".join(tagged_call(name, arguments, index=at + 1) for at, (name, arguments) in enumerate(calls))
    return f"<|open|>tools<|sep|>{written}<|close|>tools<|sep|>"


def tagged_call(name: str, arguments: dict[str, Any], *, index: int = 1) -> str:
    """One call, without a section around it."""
    written = "".join(
        f'<|open|>argument key="{_escaped(key)}" type="{_kind(value)}"<|sep|>'
        f"{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}<|close|>argument<|sep|>"
        for key, value in arguments.items()
    )
    return f'<|open|>call tool="{_escaped(name)}" index="{index}"<|sep|>{written}<|close|>call<|sep|>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")


def _kind(value: object) -> str:
    for kind, types in (("boolean", bool), ("string", str), ("object", dict), ("array", list), ("null", type(None))):
        if isinstance(value, types):
            return kind
    return "number"
