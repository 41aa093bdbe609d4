"""Requests as Claude Code sends them: a history of turns with a tool in each, in a size to choose."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

_COUNTER: Final = "@@@@@@@@"
"""Stands where the digits come."""
_MODEL: Final = "kimi-bench"
_LINE: Final = '    def visit(self, node: Node, *, depth: int = 0) -> "list[str]":  # line %d\n'
_TOOLS: Final = ("Bash", "Edit", "Glob", "Grep", "Read", "Write")
_SYSTEM: Final = "You are a coding agent. Read before you write, and run what you have changed.\n"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A history of `turns`, which makes for a request of about `size` bytes. Both are what the next request has."""

    turns: int
    size: int

    def template(self) -> tuple[bytes, bytes]:
        """The request before and after eight digits, by which one request differs from every other."""
        bare = len(_request(self.turns, lines=0))
        lines = max(0, self.size - bare) // (self.turns * len(json.dumps(_LINE % 0)))
        before, _, after = _request(self.turns, lines=lines).partition(_COUNTER.encode())
        return before, after


SMALL: Final = Conversation(turns=2, size=4_000)


def _request(turns: int, *, lines: int) -> bytes:
    messages: list[dict[str, Any]] = []
    for turn in range(turns):
        call = f"toolu_{turn:024d}"
        if turn == 0:
            messages.append({"role": "user", "content": "Find out why the tests fail, and mend it."})
        messages.append({"role": "assistant", "content": [_text(f"I look at file {turn}."), _use(call, turn)]})
        result = "".join(_LINE % at for at in range(lines))
        messages.append({"role": "user", "content": [_result(call, result or "ok")]})
    messages[-1]["content"].append(_text(f"Go on with {_COUNTER}."))
    return json.dumps(
        {
            "model": _MODEL,
            "max_tokens": 32_000,
            "stream": True,
            "system": [{"type": "text", "text": _SYSTEM, "cache_control": {"type": "ephemeral"}}],
            "tools": [_tool(name) for name in _TOOLS],
            "messages": messages,
            "metadata": {"user_id": json.dumps({"session_id": "00000000-bench"})},
        },
        separators=(",", ":"),
    ).encode()


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _use(call: str, turn: int) -> dict[str, Any]:
    path = {"file_path": f"/home/user/project/source/file_{turn}.py"}
    return {"type": "tool_use", "id": call, "name": "Read", "input": path}


def _result(call: str, text: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call, "content": text}


def _tool(name: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"file_path": {"type": "string", "description": "An absolute path."}}}
    return {"name": name, "description": f"{name}s what the path names.", "input_schema": schema}
