"""Tools: which of a request's definitions a host gets to see, and in what form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.content import blocks_of, reference_name
from kimi_cli.wire.foreign import JsonObject, a_string, an_object, objects
from kimi_cli.wire.schema import UnfitSchemaError, for_host

if TYPE_CHECKING:
    from kimi_cli.providers.dialect import Dialect
    from kimi_cli.wire.names import ToolNames

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


def offered(request: JsonObject) -> tuple[list[JsonObject], list[LeftOut]]:
    """The client's tools that a model may be told of now, in Anthropic's custom form, and those left out.

    A deferred tool is offered once the conversation has referred to it, the placeholder never. Tools that Anthropic's
    server would carry out are left out, because no other host can. What comes later stands behind the others, in the
    order in which it came, wherever the client lists it: tools stand at the front of a prompt, and one in their middle
    would change everything behind it for the host's cache.
    """
    listed = {a_string(tool.get("name")): tool for tool in reversed(objects(request.get("tools")))}
    later = _later(request)
    first = (tool for tool in objects(request.get("tools")) if tool.get("defer_loading") is not True)
    tools: list[JsonObject] = []
    left_out: list[LeftOut] = []
    for tool in [*first, *(listed.get(name, definition) for name, definition in later.items())]:
        name = a_string(tool.get("name"))
        if not name or name == PLACEHOLDER:
            continue
        custom = _custom(tool)
        if custom is None:
            left_out.append(LeftOut(name, "only Anthropic's own server can carry it out"))
        elif all(name != known["name"] for known in tools):
            tools.append(custom)
    return tools, left_out


def fitted(
    tools: list[JsonObject], *, names: ToolNames, limit: int | None, restricted_schema: bool
) -> tuple[list[JsonObject], list[LeftOut]]:
    """Offered tools with names and schemas as the host accepts them, and those that it does not.

    Of more than it takes the first ones stay: they are the client's own, and the prompt's prefix stays with them.
    """
    taken: dict[str, JsonObject] = {}
    left_out: list[LeftOut] = []
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
    return list(taken.values()), left_out


def to_functions(
    tools: list[JsonObject], *, dialect: Dialect, names: ToolNames
) -> tuple[list[JsonObject], list[LeftOut]]:
    """Offered tools as functions, and those that the host does not accept."""
    taken, left_out = fitted(tools, names=names, limit=dialect.tools_limit, restricted_schema=dialect.restricted_schema)
    functions: list[JsonObject] = [
        {
            "type": "function",
            "function": {
                "name": tool["name"],
                "description": tool["description"],
                "parameters": tool["input_schema"],
            },
        }
        for tool in taken
    ]
    return functions, left_out


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


def _later(request: JsonObject) -> dict[str, JsonObject]:
    """The tools that came in the course of the conversation: loaded by reference, or defined there, by their names."""
    later: dict[str, JsonObject] = {}
    for message in objects(request.get("messages")):
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
