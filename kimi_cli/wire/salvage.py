"""A tool call that a host could not read, read after all: Groq's `tool_use_failed` and the generation beside it.

The host throws the model's answer away and says what it was: `failed_generation`. Where that can mean only one thing,
one or several calls to tools that were offered, it is the answer. Where it cannot, it is nothing, and the host is asked
again: a call that nobody made could do harm, and asking again does none. So nothing is made of
- a text that breaks off, or that goes on behind the calls
- calls in a code block or a code span, or in the middle of a line, which a text only mentions
- JSON with text around it, JSON with keys that no call has, and objects that have a key twice
- a call to a tool that was not offered, and arguments that are no object
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from kimi_cli.wire.foreign import a_string, an_object, objects
from kimi_cli.wire.quoting import Quoting
from kimi_cli.wire.rawcall import RawCall
from kimi_cli.wire.toolcalls import Aside, CallScanner
from kimi_cli.wire.written import MARK, UnreadableError, Written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.refusal import Refusal

_LIMIT: Final = 1024 * 1024
"""Characters of a generation that are looked at: the longest file that a model writes in one call, many times over."""
_THOUGHT: Final = re.compile(r"\s*(?:<think>)?(?P<thought>(?:(?!</?think>).)*)</think>", re.DOTALL)
_FENCED: Final = re.compile(r"\s*```\w*\n(?P<inside>(?:(?!```).)*)\n?```\s*", re.DOTALL)
_LEFT_OVER: Final = re.compile(r"<\|(?:eot_id|eom_id|im_end|end_of_text|end_of_msg)\|>\Z")
"""What ends an answer of one model or another, and says nothing."""
_LONGEST_LEFT_OVER: Final = 16


_Read: TypeAlias = tuple[str, str, list[RawCall]]
"""Reasoning that stands among the text, the text, and the calls."""


class Salvaged(NamedTuple):
    """An answer: its reasoning, its text, and its calls, of which there is at least one."""

    thought: str
    text: str
    calls: tuple[RawCall, ...]


def is_tool_use_failed(refusal: Refusal) -> bool:
    """Whether the host could not read the call that its model wrote; another attempt may succeed."""
    return refusal.code == "tool_use_failed" or refusal.kind == "tool_use_failed"


def callable_tools(body: JsonObject) -> dict[str, JsonObject]:
    """The tools that the model may call by a chat completion request, with the schemas of their inputs."""
    choice = body.get("tool_choice")
    if choice == "none":
        return {}
    functions = [an_object(tool.get("function")) for tool in objects(body.get("tools"))]
    tools = {a_string(function.get("name")): an_object(function.get("parameters")) for function in functions}
    forced = a_string(an_object(an_object(choice).get("function")).get("name"))
    return {forced: tools[forced]} if forced in tools else tools


def salvage(failed_generation: str, *, offered: Mapping[str, JsonObject]) -> Salvaged | None:
    """The answer that a generation is, or None. `offered` are the tools by the names that the host saw.

    Never raises, whatever the text.
    """
    if not offered or len(failed_generation) > _LIMIT:
        return None
    text, thought = failed_generation, ""
    if found := _THOUGHT.match(text):
        text, thought = text[found.end() :], found["thought"].strip()
    text = text.rstrip()
    while found := _LEFT_OVER.search(text, max(0, len(text) - _LONGEST_LEFT_OVER)):
        text = text[: found.start()].rstrip()
    try:
        aside, said, calls = _tokens(text, offered) or _marked(text, offered) or _bare(text, offered)
        if any(_tokens(part, offered) is not None for part in (thought, aside, said)):
            return None  # they are looked through again on their way, and a call in them would be carried out as well
    except (UnreadableError, RecursionError):
        return None
    return Salvaged(thought or aside.strip(), said.strip(), tuple(calls)) if calls else None


def to_chunk(salvaged: Salvaged) -> JsonObject:
    """The answer as the host would have sent it, had it understood its model."""
    calls = [
        {"index": index, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for index, call in enumerate(salvaged.calls)
    ]
    delta = {"content": salvaged.text, "reasoning": salvaged.thought, "tool_calls": calls}
    return {"choices": [{"delta": delta, "finish_reason": "tool_calls"}]}


def _tokens(text: str, offered: Mapping[str, JsonObject]) -> _Read | None:
    """Calls that were written in the model's own tokens; None where there are none."""
    scanner = CallScanner()
    pieces = [*scanner.feed(text), *scanner.finish()]
    first = next((place for place, piece in enumerate(pieces) if isinstance(piece, RawCall)), None)
    if scanner.cut is not None:
        raise UnreadableError
    if first is None:
        return None
    before, after = pieces[:first], pieces[first:]
    written = Written("", offered)
    calls = [written.call(piece) for piece in after if isinstance(piece, RawCall)]
    if any(not isinstance(piece, RawCall) and "".join(piece).strip() for piece in after):
        raise UnreadableError
    aside = "".join(piece.text for piece in before if isinstance(piece, Aside))
    return aside, "".join(piece for piece in before if isinstance(piece, str)), calls


def _marked(text: str, offered: Mapping[str, JsonObject]) -> _Read | None:
    """Calls behind a tag; None where there is none."""
    mark = MARK.search(text)
    if mark is None:
        return None
    quoting = Quoting()
    quoting.feed(text[: mark.start()])
    if quoting.is_open or text[: mark.start()].rpartition("\n")[2].strip():
        raise UnreadableError
    written = Written(text, offered, at=mark.start())
    return "", text[: mark.start()], written.tagged()


def _bare(text: str, offered: Mapping[str, JsonObject]) -> _Read:
    """Calls that are all there is, as JSON or as names with JSON behind them."""
    fenced = _FENCED.fullmatch(text)
    written = Written(fenced["inside"] if fenced else text, offered)
    return "", "", written.bare()
