"""A chat request that Groq takes, and the pieces to make one that it does not take."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.doubles.groq import KIMI
from tests.doubles.pictures import encoded

USER = {"role": "user", "content": "Hello"}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "Bash", "parameters": {"type": "object", "properties": {}}},
}
CALL = {"id": "functions.Bash:0", "type": "function", "function": {"name": "Bash", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "functions.Bash:0", "content": ""}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + encoded()}}
GOOD: dict[str, Any] = {
    "model": KIMI,
    "messages": [{"role": "system", "content": "Be brief."}, USER, CALLED, RESULT, {"role": "system", "content": "x"}],
    "tools": [TOOL],
    "tool_choice": "auto",
    "max_completion_tokens": 16384,
    "stop": ["a", "b", "c", "d"],
    "temperature": 0.6,
    "parallel_tool_calls": False,
}


def bad(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(GOOD), **changes}


def with_message(*messages: dict[str, Any]) -> dict[str, Any]:
    return bad(messages=[USER, *messages])


def function(**changes: Any) -> dict[str, Any]:
    return bad(tools=[{"type": "function", "function": {**TOOL["function"], **changes}}])
