"""The script behind the demo: what it answers to a request. Pure, and stateless as a real model is.

It knows one conversation, which it finds in the request's own messages: read a file, count its lines with a command,
say what both brought. It never sees the file itself, so a right answer can only come from real tool results.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kimi_cli.demo.request import Request, Turn

ABOUT: Final = "I am a script embedded in kimi-cli, not a language model."
READER: Final = "Read"
SHELL: Final = "Bash"

_PROMPT: Final = "This is the kimi demo: read the file `{path}`, count its lines with wc, and say what you found."
_ASKED: Final = re.compile(re.escape(_PROMPT).replace(re.escape("{path}"), "([^`\n]+)"))
_FACT: Final = "The number is {number}."
_NUMBER: Final = re.compile(re.escape(_FACT).replace(re.escape("{number}"), r"(\d+)"))
_COUNT: Final = re.compile(r"^\s*(\d+)\b")
_ANSWER: Final = "I read the number {number} in the file, and wc counted {lines} lines. {about}"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the script makes."""

    id: str
    name: str
    arguments: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: thoughts, then text, then calls; each may be empty, not all three."""

    reasoning: str = ""
    text: str = ""
    calls: tuple[ToolCall, ...] = ()


def prompt_for(path: Path) -> str:
    """The prompt that starts the conversation about a file."""
    return _PROMPT.format(path=path)


def fact_for(number: int) -> str:
    """The sentence that the file must hold."""
    return _FACT.format(number=number)


def answer_for(*, number: str, lines: str) -> str:
    """The final answer, given what the tools brought."""
    return _ANSWER.format(number=number, lines=lines, about=ABOUT)


def reply_to(request: Request) -> Reply:
    """What the script answers."""
    if request.schema is not None:
        return Reply(text=json.dumps(_sample(request.schema)))
    found = _latest_prompt(request.turns)
    if found is None:
        return Reply(text=f"{ABOUT} I know a single conversation, which `kimi demo` starts.")
    path, later = found
    missing = [name for name in (READER, SHELL) if name not in request.tools]
    if missing:
        return Reply(text=f"{ABOUT} I need the tools {READER} and {SHELL}, and was not given {' and '.join(missing)}.")
    results = [turn.text for turn in later if turn.role == "tool"]
    return _next_step(path, results, made=sum(len(turn.calls) for turn in request.turns))


def _next_step(path: str, results: Sequence[str], *, made: int) -> Reply:
    """The stage is the number of results; `made` counts the calls of the whole history, as Kimi's ids do."""
    name = re.split(r"[\\/]", path)[-1]
    if not results:
        return Reply(
            reasoning=f"The file {name} is on the other side… I cannot know its number, so I have to read it.",
            text="I will read the file first… one moment.",
            calls=(_call(READER, {"file_path": path}, made),),
        )
    number = _NUMBER.search(results[0])
    if number is None:
        return Reply(text=f"Reading {name} did not bring its number: {_first_line(results[0])}")
    if len(results) == 1:
        return Reply(
            reasoning=f"The number is {number[1]}. Now the lines: counting is better left to a command.",
            calls=(_call(SHELL, {"command": f"wc -l {shlex.quote(name)}", "description": "Count lines"}, made),),
        )
    count = _COUNT.search(results[1])
    if count is None:
        return Reply(text=f"Counting the lines of {name} failed: {_first_line(results[1])}")
    return Reply(
        reasoning="Both results are here; I can answer.",
        text=answer_for(number=number[1], lines=count[1]),
    )


def _call(name: str, arguments: dict[str, str], made: int) -> ToolCall:
    return ToolCall(id=f"functions.{name}:{made}", name=name, arguments=arguments)


def _latest_prompt(turns: Sequence[Turn]) -> tuple[str, Sequence[Turn]] | None:
    """The path that the last demo prompt names, and the turns after it."""
    for index in range(len(turns) - 1, -1, -1):
        if turns[index].role == "user" and (asked := _ASKED.search(turns[index].text)):
            return asked[1], turns[index + 1 :]
    return None


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0] or "the result was empty"


def _sample(schema: dict[str, Any]) -> object:
    """A small value that fits a schema, as far as side requests such as a session's title need it."""
    if choices := schema.get("enum"):
        return choices[0]
    match schema.get("type"):
        case "string":
            return "Kimi demo"
        case "boolean":
            return False
        case "integer" | "number":
            return 0
        case "array":
            return []
        case _:
            return {name: _sample(part) for name, part in schema.get("properties", {}).items()}
