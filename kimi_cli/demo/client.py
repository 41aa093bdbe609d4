"""The built-in client, for machines without Claude Code: Anthropic's Messages API, streamed, with a loop of two tools.

`Read` reads files of one directory and nothing else; `Bash` is no shell: it counts lines, in this process.
"""

from __future__ import annotations

import http.client
import json
import shlex
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kimi_cli.demo.model import READER, SHELL
from kimi_cli.demo.outcome import Outcome, ToolRun
from kimi_cli.demo.report import DemoError
from kimi_cli.demo.stream import Message, StreamCheck, StreamError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_TIMEOUT: Final = 30.0
"""Seconds of silence; the script answers within one, so this only ends what is broken."""
_ROUNDS: Final = 8
"""Requests at most; the conversation takes three."""
_LINE_LIMIT: Final = 1024 * 1024
_MAX_TOKENS: Final = 4096
_TOOLS: Final = (
    {
        "name": READER,
        "description": "Reads a file.",
        "input_schema": {
            "type": "object",
            "properties": {"file_path": {"type": "string", "description": "The file's absolute path"}},
            "required": ["file_path"],
        },
    },
    {
        "name": SHELL,
        "description": "Counts the lines of a file: `wc -l NAME` is the one command that it knows.",
        "input_schema": {
            "type": "object",
            "properties": {"command": {"type": "string"}, "description": {"type": "string"}},
            "required": ["command"],
        },
    },
)


@dataclass(slots=True)
class Client:
    """A client of the proxy at `base_url`, whose tools see `folder` and nothing else."""

    base_url: str
    token: str = field(repr=False)
    model: str
    folder: Path
    clock: Callable[[], float] = time.monotonic

    def converse(self, prompt: str) -> Outcome:
        """Holds the conversation that `prompt` starts, until the model calls no more tools.

        Raises:
            DemoError: the proxy cannot be reached, refuses, streams what it must not, or the loop does not end.
        """
        started, first_token = self.clock(), None
        messages: list[dict[str, Any]] = [{"role": "user", "content": prompt}]
        runs: list[ToolRun] = []
        thinking, seen = "", set[str]()
        for _ in range(_ROUNDS):
            message, first_at = self._ask(messages)
            if message.id in seen:
                raise StreamError(f"the message id {message.id!r} came twice")
            seen.add(message.id)
            first_token = first_at - started if first_token is None and first_at is not None else first_token
            thinking += message.joined("thinking")
            if not message.calls:
                return Outcome(message.joined("text"), thinking, tuple(runs), first_token)
            done = [self._run_tool(call) for call in message.calls]
            runs += done
            results = [_result(call, run) for call, run in zip(message.calls, done, strict=True)]
            messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
        raise DemoError(f"The conversation did not end within {_ROUNDS} requests.")

    def _ask(self, messages: list[dict[str, Any]]) -> tuple[Message, float | None]:
        """One request: the answer, and when its first visible piece came."""
        body = {
            "model": self.model,
            "max_tokens": _MAX_TOKENS,
            "stream": True,
            "thinking": {"type": "enabled", "budget_tokens": _MAX_TOKENS // 2},
            "system": "You are talking to the built-in client of kimi-cli.",
            "tools": _TOOLS,
            "messages": messages,
        }
        check, first_at = StreamCheck(), None
        for event, data in self._events(json.dumps(body).encode()):
            if check.feed(event, data) and first_at is None:
                first_at = self.clock()
        return check.finish(), first_at

    def _events(self, body: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
        host = urllib.parse.urlsplit(self.base_url)
        connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=_TIMEOUT)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "anthropic-version": "2023-06-01",
        }
        try:
            connection.request("POST", "/v1/messages", body=body, headers=headers)
            with connection.getresponse() as response:
                if response.status != http.HTTPStatus.OK:
                    raise DemoError(f"The proxy answered {response.status}: {_reason(response.read(_LINE_LIMIT))}.")
                yield from _parsed(response)
        except (OSError, http.client.HTTPException) as error:
            raise DemoError(f"The connection to the proxy failed: {error!r}.") from error
        finally:
            connection.close()

    def _run_tool(self, call: dict[str, Any]) -> ToolRun:
        given = call["input"]
        try:
            match call["name"]:
                case "Read":
                    argument = str(given.get("file_path", ""))
                    return ToolRun(READER, argument, self._read(argument))
                case "Bash":
                    argument = str(given.get("command", ""))
                    return ToolRun(SHELL, argument, self._count(argument))
                case name:
                    return ToolRun(str(name), "", f"There is no tool {name!r}.", failed=True)
        except (OSError, ValueError) as error:
            return ToolRun(call["name"], argument, str(error), failed=True)

    def _read(self, file_path: str) -> str:
        path = (self.folder / file_path).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise ValueError(f"{file_path} is outside of the demo's directory.")
        return path.read_text(encoding="utf-8")

    def _count(self, command: str) -> str:
        match shlex.split(command):
            case ["wc", "-l", name]:
                lines = self._read(name).count("\n")
                return f"{lines} {name}"
            case _:
                raise ValueError(f"{command!r} is not a command that the built-in client knows.")


def _result(call: dict[str, Any], run: ToolRun) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": run.result}
    return {**result, "is_error": True} if run.failed else result


def _parsed(response: http.client.HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a stream of `event:` and `data:` lines, each pair ended by an empty one."""
    event = data = ""
    while line := response.readline(_LINE_LIMIT):
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        match name:
            case "event":
                event = value
            case "data":
                data = value
            case "" if event and data:
                yield event, _decoded(data)
                event = data = ""
            case _:
                raise StreamError(f"it has the line {line!r}")
    if event or data:
        raise StreamError("it ended inside of an event")


def _decoded(data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise StreamError(f"an event is not JSON, {data!r}") from error
    if not isinstance(value, dict):
        raise StreamError(f"an event is not an object, {data!r}")
    return value


def _reason(body: bytes) -> str:
    """The sentence of an error in Anthropic's form, else what there is of the body."""
    try:
        return str(json.loads(body)["error"]["message"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return repr(body[:200])
