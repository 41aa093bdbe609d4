"""Tools as well-known MCP servers and the generators behind them describe them, with right and wrong inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

DRAFT_7: Final = "http://json-schema.org/draft-07/schema#"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of a server; `right` and `wrong` are inputs that its schema allows and forbids."""

    name: str
    schema: dict[str, Any]
    right: tuple[dict[str, Any], ...]
    wrong: tuple[dict[str, Any], ...]


_NODE: Final = {
    "type": "object",
    "description": "A node of the tree.",
    "properties": {
        "label": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#/definitions/Node"}},
    },
    "required": ["label"],
    "additionalProperties": False,
}

TOOLS: Final = (
    Tool(
        "github: zod 3, draft 7",
        {
            "$schema": DRAFT_7,
            "type": "object",
            "properties": {
                "owner": {"type": "string", "description": "Repository owner"},
                "issue_number": {"type": "number"},
                "labels": {"type": "array", "items": {"type": "string"}},
                "state": {"type": "string", "enum": ["open", "closed"]},
            },
            "required": ["owner", "issue_number"],
            "additionalProperties": False,
        },
        right=({"owner": "o", "issue_number": 1, "labels": ["bug"]},),
        wrong=(
            {"owner": "o"},
            {"owner": "o", "issue_number": 1, "state": "x"},
            {"owner": "o", "issue_number": 1, "x": 1},
        ),
    ),
    Tool(
        "github: one of two ways to name a reviewer",
        {
            "type": "object",
            "properties": {
                "pull": {"type": "integer"},
                "reviewer": {
                    "type": "object",
                    "properties": {"login": {"type": "string"}, "team": {"type": "string"}},
                    "anyOf": [{"required": ["login"]}, {"required": ["team"]}],
                },
            },
            "required": ["pull"],
        },
        right=({"pull": 1}, {"pull": 1, "reviewer": {"team": "core"}}),
        wrong=({"pull": 1, "reviewer": {}}, {"pull": 1, "reviewer": {"login": 1}}),
    ),
    Tool(
        "playwright: untyped, empty and boolean schemas",
        {
            "type": "object",
            "properties": {
                "element": {"description": "Anything that finds it"},
                "modifiers": {"items": {"enum": ["Alt", "Shift"]}},
                "options": {"properties": {"delay": {"minimum": 0}}},
                "raw": True,
                "forbidden": False,
            },
            "required": [],
        },
        right=({}, {"element": {"x": 1}, "modifiers": ["Alt"], "options": {"delay": 1}, "raw": None}),
        wrong=({"forbidden": 1}, {"modifiers": ["Ctrl"]}, {"options": {"delay": -1}}),
    ),
    Tool(
        "postgres: a tuple, and nothing but required",
        {
            "$schema": DRAFT_7,
            "type": "object",
            "properties": {
                "sql": {"type": "string"},
                "range": {
                    "type": "array",
                    "items": [{"type": "integer"}, {"type": "integer"}],
                    "additionalItems": False,
                    "minItems": 2,
                },
                "params": {"type": "array", "items": [{"type": "string"}], "additionalItems": {"type": "number"}},
            },
            "required": ["sql", "connection"],
        },
        right=({"sql": "x", "connection": {}, "range": [1, 2], "params": ["a", 1, 2]},),
        wrong=(
            {"sql": "x"},
            {"sql": "x", "connection": 1, "range": [1]},
            {"sql": "x", "connection": 1, "range": [1, 2, 3]},
            {"sql": "x", "connection": 1, "params": ["a", "b"]},
        ),
    ),
    Tool(
        "fastmcp: pydantic's nullable unions",
        {
            "$defs": {
                "Kind": {"enum": ["a", "b"], "title": "Kind", "type": "string"},
                "Filter": {
                    "properties": {
                        "kind": {"$ref": "#/$defs/Kind", "description": "Which", "default": "a"},
                        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "title": "Limit"},
                    },
                    "title": "Filter",
                    "type": "object",
                },
            },
            "properties": {
                "filter": {"anyOf": [{"$ref": "#/$defs/Filter"}, {"type": "null"}], "default": None},
                "pair": {
                    "maxItems": 2,
                    "minItems": 2,
                    "prefixItems": [{"type": "string"}, {"type": "integer"}],
                    "type": "array",
                },
                "mode": {"const": "fast", "title": "Mode"},
            },
            "title": "searchArguments",
            "type": "object",
        },
        right=({}, {"filter": {"kind": "b", "limit": None}, "pair": ["a", 1], "mode": "fast"}, {"filter": None}),
        wrong=({"filter": {"kind": "c"}}, {"pair": [1, "a"]}, {"mode": "slow"}, {"filter": {"limit": "x"}}),
    ),
    Tool(
        "zod-to-json-schema: the root is a reference, and so is the recursion",
        {
            "$schema": DRAFT_7,
            "$ref": "#/definitions/Tree",
            "definitions": {
                "Tree": {
                    "type": "object",
                    "properties": {"root": {"$ref": "#/definitions/Node", "description": "Where to begin"}},
                    "required": ["root"],
                },
                "Node": _NODE,
            },
        },
        right=({"root": {"label": "a", "children": [{"label": "b", "children": []}]}},),
        wrong=({}, {"root": {"label": "a", "children": [{}]}}, {"root": {"label": "a", "x": 1}}),
    ),
    Tool(
        "zod-to-json-schema: references to places in the tree",
        {
            "$schema": DRAFT_7,
            "type": "object",
            "properties": {
                "from": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
                "to": {"$ref": "#/properties/from"},
            },
        },
        right=({"from": {"x": 1}, "to": {"x": 2.5}},),
        wrong=({"to": {}}, {"from": {"x": "1"}}),
    ),
    Tool(
        "notion: a choice at the root, nullable types",
        {
            "type": "object",
            "properties": {"title": {"type": ["string", "null"], "anyOf": [{"maxLength": 3}, {"type": "null"}]}},
            "anyOf": [
                {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]},
                {"properties": {"data": {"type": "string"}}, "required": ["data"]},
            ],
        },
        right=({"url": "x"}, {"data": "x", "title": None}, {"url": "u", "title": "abc"}),
        wrong=({}, {"url": 1}, {"data": "x", "title": "abcd"}),
    ),
    Tool(
        "jetbrains: an enumeration without a type, and a mixed one",
        {
            "type": "object",
            "properties": {
                "truncateMode": {"enum": ["START", "END"]},
                "scale": {"enum": [1, 2.5, "auto", None]},
                "color": {"type": ["string", "integer", "null"], "enum": ["red", 1, None, True]},
            },
        },
        right=({"truncateMode": "START", "scale": 2.5}, {"scale": None, "color": 1}),
        wrong=({"truncateMode": 1}, {"scale": 3}, {"color": True}),
    ),
    Tool(
        "stripe: an OpenAPI document's schemas, with its names",
        {
            "type": "object",
            "components": {
                "schemas": {"Amount": {"type": "object", "properties": {"value": {"type": "integer"}}, "minimum": 0}}
            },
            "properties": {
                "amount": {"$ref": "#/components/schemas/Amount"},
                "field": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "required": {"type": "boolean"}},
                    "required": ["name", "required"],
                    "additionalProperties": False,
                },
            },
        },
        right=({"amount": {"value": 1}, "field": {"name": "n", "required": True}},),
        wrong=(
            {"amount": {"value": "1"}},
            {"field": {"name": "n"}},
            {"field": {"name": "n", "required": 1}},
            {"field": {"name": "n", "required": True, "x": 1}},
        ),
    ),
    Tool(
        "by hand: draft 4, draft 3 and PHP",
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "object",
            "properties": {
                "price": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
                "query": {"type": "string", "required": True},
                "page": {"type": "integer", "required": False},
                "options": {"type": "object", "properties": []},
                "both": {"type": "any"},
            },
            "dependencies": {"price": ["page"]},
        },
        right=({"query": "x"}, {"query": "x", "price": 1, "page": 1, "options": {"a": 1}, "both": []}),
        wrong=({}, {"query": "x", "price": 0, "page": 1}, {"query": "x", "price": 1}),
    ),
    Tool(
        "conditions and the rest",
        {
            "type": "object",
            "properties": {"kind": {"type": "string"}, "n": {"type": "integer"}},
            "oneOf": [{"required": ["kind"]}, {"required": ["n"]}],
            "if": {"properties": {"n": {"const": 0}}, "required": ["n"]},
            "then": False,
            "patternProperties": {"^x-": {"type": "string"}},
            "additionalProperties": False,
        },
        right=({"kind": "a"}, {"n": 1, "x-y": "z"}),
        wrong=({}, {"kind": "a", "n": 1}, {"n": 0}, {"n": 1, "x-y": 1}, {"n": 1, "y": 1}),
    ),
)
