"""Random but plausible upstream streams: text, reasoning and tool calls, cut and interleaved as hosts do it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.wire.build import calls, chunk, end, fragment, reasoning, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.build import JsonObject

NAMES = ("Read", "Bash", "mcp__a__b")
_FINISHES = ("stop", "tool_calls", "length", "content_filter")
_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 5,
    "prompt_tokens_details": {"cached_tokens": 9},
    "completion_tokens_details": {"reasoning_tokens": 2},
}

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.text(max_size=8)
)
"""What every JSON parser reads alike."""


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)


values = st.recursive(scalars, _nested, max_leaves=8)
inputs = st.dictionaries(st.text(max_size=5), values, max_size=4)


@dataclass(slots=True)
class Script:
    """Chunks, and what they say: the text and reasoning of the answer, and its calls in the order of beginning."""

    chunks: list[JsonObject] = field(default_factory=list)
    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)


@st.composite
def scripts(draw: Callable[..., Any], *, finish: bool = True) -> Script:
    """A whole answer of a host."""
    script = Script()
    if draw(st.booleans()):
        script.chunks.append(chunk({"role": "assistant", "content": ""}))
    field_name = draw(st.sampled_from(["reasoning", "reasoning_content"]))
    for kind in draw(st.lists(st.sampled_from(["text", "thinking", "calls"]), max_size=6)):
        if kind == "calls":
            _add_calls(draw, script, field_name)
        else:
            _say(script, kind, draw(st.text(max_size=6)), field_name)
    if finish:
        last = end(draw(st.sampled_from(_FINISHES)))
        match draw(st.sampled_from(["top", "own", "groq", "choice", "none"])):
            case "top":
                last["usage"] = _USAGE
            case "own":
                script.chunks.append(last)
                last = {"choices": [], "usage": _USAGE}
            case "groq":
                last["x_groq"] = {"id": "req_1", "usage": _USAGE}
            case "choice":
                last["choices"][0]["usage"] = _USAGE
        script.chunks.append(last)
    return script


def _say(script: Script, kind: str, said: str, field_name: str) -> None:
    if kind == "text":
        script.chunks.append(text(said))
        script.text += said
    else:
        script.chunks.append(reasoning(said, field=field_name))
        script.thinking += said


def _add_calls(draw: Callable[..., Any], script: Script, field_name: str) -> None:
    """Some calls at once, their fragments interleaved, with text or reasoning in between now and then."""
    first = len(script.calls)
    by_index = draw(st.booleans())
    repeats = draw(st.booleans())
    queues = []
    for offset in range(draw(st.integers(1, 3))):
        written = draw(st.sampled_from([None, " "])) or ""
        written += json.dumps(draw(inputs), ensure_ascii=draw(st.booleans()))
        name, index = draw(st.sampled_from(NAMES)), first + offset
        # Without an index, only an id tells which call a fragment belongs to.
        identity = {"id": f"functions.{name}:{index}", **({"index": index} if by_index else {})}
        rest = identity if repeats or not by_index else {"index": index}
        cuts = draw(st.lists(st.integers(0, len(written)), max_size=4).map(sorted))
        parts = [written[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(written)], strict=True)]
        queue = [fragment(**identity, name=name, arguments=parts[0])]
        queue += [fragment(**rest, arguments=part) for part in parts[1:]]
        queues.append((queue, (name, written)))
    while queues:
        place = draw(st.integers(0, len(queues) - 1)) if draw(st.booleans()) else 0
        queue, said = queues[place]
        if said is not None:
            script.calls.append(said)
        script.chunks.append(calls(queue.pop(0)))
        queues[place] = (queue, None)
        queues = [item for item in queues if item[0]]
        if draw(st.integers(0, 5)) == 0:
            _say(script, draw(st.sampled_from(["text", "thinking"])), draw(st.text(max_size=4)), field_name)
