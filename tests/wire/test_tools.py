"""Which tools a host is told of, under which names, and what it is told to do with them."""

from __future__ import annotations

import pytest

from kimi_cli.providers.dialect import GENERIC, GROQ, MOONSHOT, VLLM
from kimi_cli.record import replace
from kimi_cli.wire.names import ToolNames
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.tools import PLACEHOLDER, LeftOut, fitted
from tests.wire.asking import MODEL, SWITCHABLE, ask, chat, result, said, system, tool, use, user

_SEARCH = tool("ToolSearch")
_DEFERRED = tool("Edit", defer_loading=True)
_PLACEHOLDER = tool(PLACEHOLDER, defer_loading=True)
_REFERENCE = {"type": "tool_reference", "tool_name": "Edit"}


def _names(*messages: dict, tools: object = (), **fields: object) -> list[str]:
    """The names of the functions that Groq gets to see."""
    body = chat(ask(*messages, tools=list(tools) if isinstance(tools, tuple) else tools, **fields)).body
    return [function["function"]["name"] for function in body.get("tools", [])]


def test_a_custom_tool():
    """Name, description and schema go over; what only Anthropic's server knows stays behind."""
    only_ours = {
        "strict": None,
        "defer_loading": False,
        "input_examples": [{}],
        "allowed_callers": ["direct"],
        "type": "custom",
    }
    (function,) = chat(ask(tools=[tool("Read", **only_ours)])).body["tools"]
    assert function["type"] == "function"
    assert set(function["function"]) == {"name", "description", "parameters"}


def test_a_tool_without_a_description():
    """A missing description is an empty one."""
    (function,) = chat(ask(tools=[{"name": "Read", "input_schema": {}}])).body["tools"]
    assert function["function"]["description"] == ""


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("bash_20250124", {"command", "restart"}),
        ("text_editor_20250728", {"command", "path", "old_str", "new_str"}),
        ("memory_20250818", {"command", "path", "old_path", "new_path"}),
    ],
)
def test_typed_tools_that_the_client_carries_out(kind, properties):
    """A tool that Anthropic's models know by type alone gets the schema that its client expects."""
    (function,) = chat(ask(tools=[{"type": kind, "name": "it"}])).body["tools"]
    assert function["function"]["name"] == "it"
    assert properties <= set(function["function"]["parameters"]["properties"])


@pytest.mark.parametrize(
    "kind",
    [
        *("web_search_20250305", "web_search_20260318", "web_fetch_20250910", "code_execution_20260521"),
        *(
            "tool_search_tool_regex_20251119",
            "computer_toolset_20260801",
            "advisor_20260301",
            "bash",
            "something_20270101",
        ),
    ],
)
def test_typed_tools_that_only_the_server_carries_out(kind):
    """They are left out, and named."""
    translated = chat(ask(tools=[{"type": kind, "name": "it"}, tool("Read")]))
    assert [function["function"]["name"] for function in translated.body["tools"]] == ["Read"]
    assert [tool.name for tool in translated.left_out] == ["it"]


def test_no_tools_no_fields():
    """Without a tool there is no field that speaks of tools, whatever the request says of them."""
    choice = {"type": "any", "disable_parallel_tool_use": True}
    for tools in ([], None, "x", [None, "Read", {}], [_PLACEHOLDER], [{"type": "web_search_20250305", "name": "w"}]):
        body = chat(ask(tools=tools, tool_choice=choice)).body
        assert not body.keys() & {"tools", "tool_choice", "parallel_tool_calls"}


def test_a_deferred_tool_waits_for_its_reference():
    """A deferred tool goes upstream once a result refers to it, behind the others, and the placeholder never."""
    tools = (_SEARCH, _PLACEHOLDER, _DEFERRED, tool("Read"))
    turns = [user("Edit it."), said(use("x", "ToolSearch")), user(result("x", [_REFERENCE]))]
    assert _names(turns[0], tools=tools) == ["ToolSearch", "Read"]
    assert _names(*turns, tools=tools) == ["ToolSearch", "Read", "Edit"]
    assert _names(*turns, said("Fine."), user("And?"), tools=tools) == ["ToolSearch", "Read", "Edit"]


def test_tools_that_come_later_stand_in_the_order_in_which_they_came():
    """Wherever the client lists them: each list begins with the one before it."""
    tools = (tool("A", defer_loading=True), tool("B"), tool("C", defer_loading=True), tool("D"))
    loads = [[{"type": "tool_reference", "tool_name": name}] for name in ("C", "A")]
    turns = [user("a"), said(use("x")), user(result("x", loads[0])), said(use("y")), user(result("y", loads[1]))]
    addition = system({"type": "tool_addition", "tool": {"definition": tool("New")}})
    lists = [_names(*turns[:count], tools=tools) for count in (1, 3, 5)]
    assert lists == [["B", "D"], ["B", "D", "C"], ["B", "D", "C", "A"]]
    assert _names(*turns, addition, tools=tools) == ["B", "D", "C", "A", "New"]


@pytest.mark.parametrize(
    "turn",
    [
        user({"type": "tool_search_tool_result", "content": {"tool_references": [_REFERENCE]}}),
        system({"type": "tool_addition", "tool": {"type": "tool_reference", "name": "Edit"}}),
        system({"type": "tool_addition", "tool": {"definition": {"name": "Edit", "input_schema": {}}}}),
    ],
)
def test_other_ways_of_loading_a_tool(turn):
    """A tool is loaded by whatever names it."""
    assert _names(user("a"), turn, tools=(_DEFERRED,)) == ["Edit"]


def test_a_tool_that_the_conversation_defines():
    """An addition may bring a definition that the list of tools does not have; one that it has counts once."""
    turn = system({"type": "tool_addition", "tool": {"definition": tool("New")}})
    assert _names(user("a"), turn, tools=(tool("Read"),)) == ["Read", "New"]
    assert _names(user("a"), turn, tools=(tool("New"),)) == ["New"]


@pytest.mark.parametrize(
    "reference", [{"type": "tool_reference"}, {"type": "text", "text": "Edit"}, {"tool_name": "Edit"}, "Edit", None]
)
def test_what_is_no_reference_loads_nothing(reference):
    """Words about a tool do not load it."""
    assert _names(user("a"), said(use("x")), user(result("x", [reference])), tools=(_DEFERRED,)) == []


def test_a_tool_that_is_named_twice_counts_once():
    """Hosts refuse two functions of one name."""
    assert _names(tools=(tool("Read"), tool("Read"), tool("Edit"))) == ["Read", "Edit"]


def test_more_tools_than_the_host_takes():
    """The first ones stay, so that the prompt's prefix does; the others are named."""
    tools = [tool(f"t{at}") for at in range(130)]
    translated = chat(ask(tools=tools))
    assert [function["function"]["name"] for function in translated.body["tools"]] == [f"t{at}" for at in range(128)]
    assert [tool.name for tool in translated.left_out] == ["t128", "t129"]
    assert chat(ask(tools=tools), dialect=VLLM).left_out == ()


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "Read"}, {"type": "function", "function": {"name": "Read"}}),
        ({"type": "tool", "name": "a.b"}, "changed"),
        ({"type": "tool", "name": "Missing"}, "auto"),
        ({"type": "tool"}, "auto"),
        ({"type": "odd"}, None),
        ({}, None),
        ("auto", None),
    ],
)
def test_choices(choice, expected):
    """Each choice has its counterpart; one of a tool that is not offered is left to the model."""
    translated = chat(ask(tools=[tool("Read"), tool("a.b")], tool_choice=choice))
    if expected == "changed":
        (changed,) = translated.tool_names
        expected = {"type": "function", "function": {"name": changed}}
    assert translated.body.get("tool_choice") == expected


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "Read"}])
def test_a_model_that_cannot_be_forced(choice):
    """Where the host would refuse to force a model, the choice is the model's."""
    assert (
        chat(ask(tools=[tool()], tool_choice=choice), model=SWITCHABLE, dialect=MOONSHOT).body["tool_choice"] == "auto"
    )


@pytest.mark.parametrize(
    ("dialect", "kind", "disable", "expected"),
    [
        (GROQ, "auto", True, False),
        (GROQ, "any", True, False),
        (GROQ, "auto", False, None),
        (GROQ, "auto", "yes", None),
        (MOONSHOT, "auto", True, None),
        (GENERIC, "auto", True, None),
    ],
)
def test_parallel_calls_can_be_switched_off(dialect, kind, disable, expected):
    """One call at a time is asked for where the host knows how."""
    choice = {"type": kind, "disable_parallel_tool_use": disable}
    assert chat(ask(tools=[tool()], tool_choice=choice), dialect=dialect).body.get("parallel_tool_calls") is expected


def test_schemas_are_fitted_to_the_dialect():
    """Moonshot gets its restricted form, the others the tool's own."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "anyOf": [{"minLength": 1}]}}}
    for dialect, expected in (
        (GROQ, schema["properties"]["a"]),
        (MOONSHOT, {"anyOf": [{"type": "string", "minLength": 1}]}),
    ):
        (function,) = chat(ask(tools=[tool(input_schema=schema)]), dialect=dialect).body["tools"]
        assert function["function"]["parameters"]["properties"]["a"] == expected


@pytest.mark.parametrize("name", ["mcp.server/tool", "a" * 65, "Größe", "a b", "", "x\n"])
def test_changed_names_come_back_in_the_answer(name):
    """The reducer is told which name stands for which."""
    translated = chat(ask(user("a"), said(use("x", name)), user(result("x")), tools=[tool(name)] if name else []))
    (mapped,) = translated.tool_names
    assert translated.tool_names == {mapped: name}


def test_a_tool_whose_schema_no_repair_helps():
    """It alone is left out, under the client's name, which says whose it is, and with the reason."""
    odd = "mcp__some.server__" + "x" * 50
    tools = [tool("Read"), tool(odd, input_schema={"type": "string"}), tool("Edit")]
    for dialect in (GROQ, MOONSHOT):
        translated = chat(ask(tools=tools), dialect=dialect)
        assert [function["function"]["name"] for function in translated.body["tools"]] == ["Read", "Edit"]
        assert translated.left_out == (LeftOut(odd, "its input is not an object"),)


def test_what_is_left_out_takes_nobodys_place():
    """The limit counts the tools that go."""
    tools = [tool(f"t{at}", input_schema={"type": "null"} if at < 5 else {}) for at in range(134)]
    translated = chat(ask(tools=tools))
    assert len(translated.body["tools"]) == 128
    reasons = [left.reason for left in translated.left_out]
    assert reasons == ["its input is not an object"] * 5 + ["the host takes 128 tools at most"]


def test_two_names_that_the_host_could_not_tell_apart():
    """Hosts refuse a name that comes twice; the first tool keeps it."""
    changed = ToolNames().to_host("a.b")
    offer = fitted(Prompt(ask(tools=[tool("a.b"), tool(changed)])), limit=None, restricted_schema=True)
    assert [entry["name"] for entry in offer.tools] == [changed]
    assert [(left.name, left.reason) for left in offer.left_out] == [
        (changed, "to the host it has the name of another tool")
    ]
    assert offer.names == {changed: "a.b"}


def test_offered_is_the_same_for_hosts_of_both_formats():
    """What is offered does not depend on a dialect."""
    prompt = Prompt(ask(tools=[tool("Read"), _DEFERRED, {"type": "web_search_20250305", "name": "w"}]))
    for restricted in (True, False):
        offer = fitted(prompt, limit=None, restricted_schema=restricted)
        assert ([entry["name"] for entry in offer.tools], [tool.name for tool in offer.left_out]) == (["Read"], ["w"])
    assert replace(MODEL).forced_tools
