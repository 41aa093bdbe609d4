"""Tools: which of a request's definitions a host gets to see, and in what form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.content import blocks_of, reference_name
from kimi_cli.wire.foreign import JsonObject, a_string, an_object, objects
from kimi_cli.wire.names import ToolNames
from kimi_cli.wire.schema import UnfitSchemaError, for_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kimi_cli.wire.prompt import Prompt

PLACEHOLDER: Final = "DeferredToolPlaceholder"
"""Claude Code's stand-in for tools that are not loaded yet; calling it does nothing."""

_STRING: Final[JsonObject] = {"type": "string"}
_NUMBER: Final[JsonObject] = {"type": "integer"}

# Tools that Anthropic's models know by type alone, and that the client carries out: what their inputs are.
_TYPED: Final[dict[str, tuple[str, JsonObject, list[str]]]] = {
    "bash": (
        "Runs a command in a persistent shell and returns its output. `restart` starts a new shell.",
        {"command": _STRING, "restart": {"type": "boolean"}},
        [],
    ),
    "text_editor": (
        "Views and edits files: view, create, str_replace, insert.",
        {
            "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert"]},
            "path": _STRING,
            "file_text": _STRING,
            "old_str": _STRING,
            "new_str": _STRING,
            "insert_line": _NUMBER,
            "insert_text": _STRING,
            "view_range": {"type": "array", "items": _NUMBER},
        },
        ["command", "path"],
    ),
    "memory": (
        "Keeps files under /memories: view, create, str_replace, insert, delete, rename.",
        {
            "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert", "delete", "rename"]},
            "path": _STRING,
            "file_text": _STRING,
            "old_str": _STRING,
            "new_str": _STRING,
            "insert_line": _NUMBER,
            "insert_text": _STRING,
            "old_path": _STRING,
            "new_path": _STRING,
            "view_range": {"type": "array", "items": _NUMBER},
        },
        ["command"],
    ),
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A tool that the host is not told of.

    `name` is the client's, which for a tool of an MCP server is `mcp__SERVER__TOOL`. `reason` completes "left out:".
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools that a host is told of, and those left out.

    `names` are those that had to be changed, with the client's.
    """

    tools: Sequence[JsonObject]
    left_out: tuple[LeftOut, ...]
    names: Mapping[str, str]


def fitted(prompt: Prompt, *, limit: int | None, restricted_schema: bool) -> Offer:
    """The tools of a request that a model may be told of now, with names and schemas as the host accepts them.

    Of more than it takes the first ones stay: they are the client's own, and the prompt's prefix stays with them.
    """
    later = _later(prompt.uncommon)

    def make() -> Offer:
        return _fitted(*_offered(prompt.body, later), limit=limit, restricted_schema=restricted_schema)

    if any(later.values()):  # what is defined in the conversation, and not among the tools
        return make()
    return prompt.of_tools((limit, restricted_schema, *later), make)


def as_function(tool: JsonObject) -> JsonObject:
    """A tool that is offered, as chat completions have it."""
    function = {"name": tool["name"], "description": tool["description"], "parameters": tool["input_schema"]}
    return {"type": "function", "function": function}


def to_choice(choice: object, *, names: ToolNames, offered_names: set[str], can_force: bool) -> object | None:
    """`tool_choice` in OpenAI's form, or None where it says nothing. What a model cannot be forced to is left to it."""
    wanted = an_object(choice)
    match wanted.get("type"):
        case "auto":
            return "auto"
        case "none":
            return "none"
        case "any":
            return "required" if can_force else "auto"
        case "tool":
            name = names.to_host(a_string(wanted.get("name")))
            if not can_force or name not in offered_names:
                return "auto"
            return {"type": "function", "function": {"name": name}}
        case _:
            return None


def _offered(request: JsonObject, later: Mapping[str, JsonObject]) -> tuple[list[JsonObject], list[LeftOut]]:
    """The client's tools that a model may be told of now, in Anthropic's custom form, and those left out.

    A deferred tool is offered once the conversation has referred to it, the placeholder never. Tools that Anthropic's
    server would carry out are left out, because no other host can. What comes later stands behind the others, in the
    order in which it came, wherever the client lists it: tools stand at the front of a prompt, and one in their middle
    would change everything behind it for the host's cache.
    """
    all_tools = objects(request.get("tools"))
    listed = {a_string(tool.get("name")): tool for tool in reversed(all_tools)}
    first = (tool for tool in all_tools if tool.get("defer_loading") is not True)
    tools: dict[str, JsonObject] = {}
    left_out: list[LeftOut] = []
    for tool in [*first, *(listed.get(name, definition) for name, definition in later.items())]:
        name = a_string(tool.get("name"))
        if not name or name == PLACEHOLDER:
            continue
        custom = _custom(tool)
        if custom is None:
            left_out.append(LeftOut(name, "only Anthropic's own server can carry it out"))
        else:
            tools.setdefault(name, custom)
    return list(tools.values()), left_out


def _fitted(tools: list[JsonObject], unknown: list[LeftOut], *, limit: int | None, restricted_schema: bool) -> Offer:
    names = ToolNames()
    taken: dict[str, JsonObject] = {}
    left_out = [*unknown]
    for tool in tools:
        original = a_string(tool["name"])
        name = names.to_host(original)
        try:
            schema = for_host(tool["input_schema"], restricted=restricted_schema)
        except UnfitSchemaError as error:
            left_out.append(LeftOut(original, error.reason))
            continue
        if name in taken:
            left_out.append(LeftOut(original, "to the host it has the name of another tool"))
        elif limit is not None and len(taken) >= limit:
            left_out.append(LeftOut(original, f"the host takes {limit} tools at most"))
        else:
            taken[name] = {"name": name, "description": tool["description"], "input_schema": schema}
    return Offer(list(taken.values()), tuple(left_out), names.originals)


def _custom(tool: JsonObject) -> JsonObject | None:
    """A tool as name, description and schema; None for one that only Anthropic's server can carry out."""
    name, kind = a_string(tool.get("name")), a_string(tool.get("type"))
    if isinstance(tool.get("input_schema"), dict):
        return {"name": name, "description": a_string(tool.get("description")), "input_schema": tool["input_schema"]}
    family = next((family for family in _TYPED if kind.startswith(f"{family}_2")), None)
    if family is None:
        return None
    description, properties, required = _TYPED[family]
    schema: JsonObject = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": description, "input_schema": schema}


def _later(messages: Iterable[JsonObject]) -> dict[str, JsonObject]:
    """The tools that came in the course of the conversation: loaded by reference, or defined there, by their names."""
    later: dict[str, JsonObject] = {}
    for message in messages:
        for block in blocks_of(message.get("content")):
            match block.get("type"):
                case "tool_result":
                    found = [one for one in blocks_of(block.get("content")) if one.get("type") == "tool_reference"]
                case "tool_search_tool_result":
                    found = objects(an_object(block.get("content")).get("tool_references"))
                case "tool_addition":
                    found = [an_object(block.get("tool"))]
                case _:
                    continue
            for reference in found:
                definition = an_object(reference.get("definition"))
                name = a_string(definition.get("name")) or reference_name(reference)
                if not later.get(name):
                    later[name] = definition
    return later
