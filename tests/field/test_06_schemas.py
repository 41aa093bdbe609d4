"""Tool schemas that hosts refuse are repaired; where that is impossible the one tool is left out, and named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from kimi_cli.wire.schema import for_host
from tests.doubles.groq_schema import check_groq_schema
from tests.doubles.mfjs import check_mfjs
from tests.doubles.moonshot import Moonshot
from tests.doubles.refusal import Refused
from tests.doubles.scenario import Call, call, say
from tests.doubles.serve import running
from tests.field.mcp import Mcp, log_lines, schema_of, tool_of

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

pytestmark = pytest.mark.claude

THOUGHT = "A tool will do it."
HOSTS = pytest.mark.parametrize("stage", ["groq", "moonshot", "moonshot-chat"], indirect=True)
STRICT = pytest.mark.parametrize("stage", ["moonshot", "moonshot-chat"], indirect=True)

REFUSED: dict[str, dict[str, Any]] = {
    # `type` beside `anyOf`, tuples, `$schema`, an enumeration without a type, nothing said at all.
    "draw": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "point": {"type": "array", "items": [{"type": "number"}, {"type": "number"}], "additionalItems": False},
            "style": {"enum": ["solid", "dashed"]},
            "width": {"type": ["number", "null"], "anyOf": [{"minimum": 1}, {"type": "null"}]},
            "extra": {"description": "Whatever else."},
        },
        "required": ["point", "layer"],
    },
    # A recursion through `definitions`, and a description beside the reference.
    "tree": {
        "type": "object",
        "properties": {"root": {"$ref": "#/definitions/node", "description": "Where to begin."}},
        "required": ["root"],
        "definitions": {
            "node": {
                "type": "object",
                "properties": {
                    "label": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/definitions/node"}},
                },
                "required": ["label"],
                "additionalProperties": False,
            }
        },
    },
    # A pattern that looks around, `required` without properties, a reference to somewhere else.
    "mail": {
        "type": "object",
        "properties": {
            "to": {"type": "string", "pattern": r"^(?!\.)(?!.*\.\.)[^@]+@[^@]+$"},
            "options": {"type": "object", "required": []},
            "theme": {"$ref": "https://schemas.test/theme.json"},
        },
        "required": ["to"],
    },
}
INPUTS: dict[str, dict[str, Any]] = {
    "draw": {"point": [1, 2.5], "layer": "top", "style": "dashed", "width": None},
    "tree": {"root": {"label": "a", "children": [{"label": "b", "children": []}]}},
    "mail": {"to": "me@test.test", "options": {"x": 1}},
}


def deep(levels: int) -> dict[str, Any]:
    """Properties inside properties."""
    inner = deep(levels - 1) if levels else {"type": "null"}
    return {"type": "object", "properties": {"a": inner}}


@HOSTS
def test_field_06_refused_schemas_are_repaired(stage: Stage) -> None:
    """The tools of a server whose schemas the host refuses are offered, and called with inputs that are right."""
    server = Mcp(stage, "draft", REFUSED)
    stage.script(
        *(
            lambda ask, name=name: call(Call(tool_of(ask, f"__{name}"), INPUTS[name]), thinking=THOUGHT)
            for name in REFUSED
        ),
        say("Drawn, climbed and sent."),
    )
    done = server.launch("--print", "Use them all.")
    stage.assert_said(done, "Drawn, climbed and sent.")
    assert server.calls == [(name, INPUTS[name]) for name in REFUSED]
    assert [ask.result for ask in stage.asks[1:]] == [f"{name} was here" for name in REFUSED]
    for name in ("draw", "tree"):
        host = jsonschema.Draft202012Validator(schema_of(stage.asks[0], f"__{name}"))
        assert host.is_valid(INPUTS[name])
        assert not host.is_valid({**INPUTS[name], "point": [1], "root": {}, "style": "dotted"})
    assert "https://schemas.test/theme.json" in schema_of(stage.asks[0], "__mail")["properties"]["theme"]["description"]
    assert len({json.dumps(ask.body["tools"]) for ask in stage.asks}) == 1


@HOSTS
def test_field_06_a_deferred_tool_is_repaired_when_it_is_loaded(stage: Stage) -> None:
    """What tool search finds goes through the same repair."""
    server = Mcp(stage, "draft", REFUSED)
    stage.script(
        call(Call("ToolSearch", {"query": "select:mcp__draft__tree", "max_results": 3}), thinking=THOUGHT),
        lambda ask: call(Call(tool_of(ask, "__tree"), INPUTS["tree"]), thinking=THOUGHT),
        say("Climbed."),
    )
    done = server.launch("--print", "Climb it.", search=True)
    stage.assert_said(done, "Climbed.")
    assert server.calls == [("tree", INPUTS["tree"])]


@STRICT
def test_field_06_what_no_repair_helps_is_left_out_and_named(stage: Stage) -> None:
    """One tool less, a warning that names it and its server, once; the others work."""
    server = Mcp(stage, "odd", {"abyss": deep(40), "good": REFUSED["tree"]})
    stage.script(
        lambda ask: call(Call(tool_of(ask, "__good"), INPUTS["tree"]), thinking=THOUGHT), say("Only the good one.")
    )
    done = server.launch("--print", "Use what is there.")
    stage.assert_said(done, "Only the good one.")
    assert server.calls == [("good", INPUTS["tree"])]
    assert not any("abyss" in name for ask in stage.asks for name in ask.tools)
    (warning,) = log_lines("tools left out")
    assert (warning["level"], warning["tools"]) == ("warning", ["mcp__odd__abyss"])
    assert "levels deep, and the host takes 30" in warning["reason"]
    assert [line["tools_left_out"] for line in log_lines("message")] == [["mcp__odd__abyss"]] * 2


class _Taker(Moonshot):
    """Takes whatever comes."""

    def _check(self, body: dict[str, Any]) -> None:
        pass


@pytest.mark.parametrize("stage", ["moonshot"], indirect=True)
def test_field_06_the_clients_own_schemas(stage: Stage) -> None:
    """Of Claude Code's own tools, what a host accepts goes byte for byte, and what it does not is accepted then."""
    taker = _Taker(key=stage.key)
    with running(taker):
        environ = {
            **stage.environ,
            "ANTHROPIC_BASE_URL": taker.base_url,
            "ANTHROPIC_AUTH_TOKEN": stage.key,
            "ANTHROPIC_MODEL": stage.host.model,
            "ENABLE_TOOL_SEARCH": "false",
        }
        environ.pop(stage.host.key_variable)
        done = stage.run(str(stage.claude), "--print", "Hello.", environ=environ)
    assert done.status == 0
    tools = taker.bodies[0]["tools"]
    assert {"Bash", "Read", "Edit", "WebFetch"} <= {tool["name"] for tool in tools}
    kept = {True: 0, False: 0}
    for tool in tools:
        plain = {word: value for word, value in tool["input_schema"].items() if word != "$schema"}
        for restricted in kept:
            fitted = for_host(tool["input_schema"], restricted=restricted)
            assert is_accepted(fitted, restricted=restricted)
            if is_accepted(plain, restricted=restricted):
                assert json.dumps(fitted) == json.dumps(plain)
                kept[restricted] += 1
    assert kept[False] == len(tools)
    assert kept[True] >= len(tools) - 1  # one has a property that may be anything, which Moonshot wants to be said


def is_accepted(schema: dict[str, Any], *, restricted: bool) -> bool:
    """Whether the host's double takes it."""
    try:
        check_mfjs(schema) if restricted else check_groq_schema("it", schema, index=0)
    except Refused:
        return False
    return True
