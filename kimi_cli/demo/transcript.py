"""What Claude Code prints with `--output-format stream-json`, read into an outcome.

One JSON object a line: `stream_event` holds the events of the API as they come, `assistant` and `user` the finished
blocks of either side, `result` the end.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kimi_cli.demo.outcome import Outcome, ToolRun
from kimi_cli.demo.report import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Transcript:
    """One run: `feed` takes its lines as they come, `finish` gives the outcome once the client has ended."""

    def __init__(self) -> None:
        self._version = ""
        self._first_token: float | None = None
        self._thinking: list[str] = []
        self._calls: dict[str, dict[str, Any]] = {}
        self._runs: list[ToolRun] = []
        self._result: dict[str, Any] | None = None

    def feed(self, line: bytes, *, seconds: float) -> None:
        """Takes one line, printed `seconds` after the client's start; what is not JSON is not for us."""
        try:
            entry = json.loads(line)
        except ValueError:
            return
        match entry:
            case {"type": "system", "claude_code_version": str(version)}:
                self._version = version
            case {"type": "stream_event", "event": {"type": "content_block_delta"}} if self._first_token is None:
                self._first_token = seconds
            case {"type": "assistant", "message": message}:
                self._take_answer(message)
            case {"type": "user", "message": message}:
                self._take_results(message)
            case {"type": "result"}:
                self._result = entry

    def finish(self) -> Outcome:
        """The outcome of the run.

        Raises:
            DemoError: the run ended without a result, or with an error as its result.
        """
        if self._result is None:
            raise DemoError("Claude Code ended without a result.")
        answer = str(self._result.get("result", ""))
        if self._result.get("is_error") or self._result.get("subtype") != "success":
            raise DemoError(f"Claude Code ended with an error: {answer or self._result.get('subtype')}.")
        return Outcome(
            answer=answer,
            thinking="".join(self._thinking),
            tools=tuple(self._runs),
            first_token=self._first_token,
            version=self._version,
        )

    def _take_answer(self, message: dict[str, Any]) -> None:
        for block in _blocks(message):
            match block:
                case {"type": "thinking", "thinking": str(thinking)}:
                    self._thinking.append(thinking)
                case {"type": "tool_use", "id": str(call_id)}:
                    self._calls[call_id] = block

    def _take_results(self, message: dict[str, Any]) -> None:
        for block in _blocks(message):
            if block.get("type") != "tool_result":
                continue
            call = self._calls.get(str(block.get("tool_use_id")), {})
            run = ToolRun(
                name=str(call.get("name", "?")),
                argument=_argument(call.get("input", {})),
                result=_text(block.get("content")),
                failed=bool(block.get("is_error")),
            )
            self._runs.append(run)


def _blocks(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    content = message.get("content")
    yield from (content if isinstance(content, list) else ())


def _argument(given: dict[str, Any]) -> str:
    return str(given.get("command") or given.get("file_path") or "")


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content)
    return str(content or "")
