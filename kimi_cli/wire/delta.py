"""What one chunk of a chat completion says, under whatever names and in whatever forms hosts say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.details import text_in
from kimi_cli.wire.foreign import a_string, an_object, objects

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject


CONTENT: Final = b"content"
_SAYING: Final = frozenset({CONTENT.decode(), "reasoning", "reasoning_content"})
"""The names under which hosts send most of what a model says."""
_BESIDE: Final = ("error", "usage", "x_groq", "finish_reason")
"""What a chunk, or the choice in it, may mean besides."""


def error_of(chunk: JsonObject) -> object | None:
    """An error inside the stream: top-level, in place of a chunk, or in Groq's own field."""
    if (error := chunk.get("error")) is not None:
        return error
    if chunk.get("object") == "error":
        return chunk
    return an_object(chunk.get("x_groq")).get("error") if "x_groq" in chunk else None


def reasoning_of(delta: JsonObject) -> str:
    """Reasoning under any of its names; hosts that send it under several send the same each time."""
    said = delta.get("reasoning_content") or delta.get("reasoning")
    if said and isinstance(said, str):
        return said
    details = delta.get("reasoning_details")
    return a_string(delta.get("reasoning")) or (text_in(objects(details)) if details else "")


def said_in(chunk: JsonObject) -> tuple[bytes, str] | None:
    """The name and the string of a chunk that says one, and nothing else of any meaning."""
    choices = chunk.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        return None
    choice = choices[0]
    if any(chunk.get(name) for name in _BESIDE) or any(choice.get(name) for name in _BESIDE):
        return None
    delta = an_object(choice.get("delta"))
    said = [(name, value) for name, value in delta.items() if value and name != "role"]
    if len(said) != 1 or chunk.get("object") == "error":
        return None
    name, value = said[0]
    return (name.encode(), value) if name in _SAYING and isinstance(value, str) else None


def parts_of(content: object) -> list[tuple[str, str]]:
    """Content that is no string, by kind, `text` or `thinking`: some hosts send a list of parts."""
    parts = []
    for part in objects(content):
        kind = "thinking" if part.get("type") == "thinking" else "text"
        said = part.get("text") or part.get("thinking")
        # Reasoning as a part may hold parts in its turn.
        if text := a_string(said) or "".join(a_string(inner.get("text")) for inner in objects(said)):
            parts.append((kind, text))
    return parts


def fragments_of(delta: JsonObject) -> list[JsonObject]:
    """Fragments of tool calls, under the present name of the field or its older one."""
    if not delta.get("tool_calls"):
        return [{"index": 0, "function": delta.get("function_call")}]
    fragments = objects(delta["tool_calls"])
    if len(fragments) > 1:
        # Several in one delta are of several calls, also where the host leaves their indices out.
        for place, fragment in enumerate(fragments):
            if fragment.get("index") is None:
                fragments[place] = {**fragment, "index": place}
    return fragments
