"""A relayed request holds what an Anthropic-compatible host accepts, and says the rest in the forms that it has."""

from __future__ import annotations

import json

import pytest

from kimi_cli.providers.model import Thinking
from kimi_cli.record import replace
from kimi_cli.wire.content import IMAGE_LEFT_OUT
from kimi_cli.wire.failure import InvalidRequestError
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.relay import to_relay
from kimi_cli.wire.rounds import INTERRUPTED
from tests.wire.asking import (
    ALWAYS,
    LINK,
    PNG,
    SWITCHABLE,
    ask,
    relayed,
    result,
    said,
    system,
    text,
    thought,
    tool,
    use,
    user,
)
from tests.wire.build import deep

_CACHED = {"cache_control": {"type": "ephemeral"}}
_BLIND = replace(ALWAYS, vision=False)


def _messages(*messages: dict, **options) -> list[dict]:
    return relayed(ask(*messages), **options)[0]["messages"]


def test_the_whole_body():
    """What the host knows goes over, what it does not know is left out, and nothing is added."""
    request = ask(
        user(text("Hi") | _CACHED),
        system=[text("x-anthropic-billing-header: x"), text("Be brief.")],
        stream=True,
        stop_sequences=["END"],
        metadata={"user_id": "u", "odd": 1},
        tools=[tool("Read", **_CACHED, strict=True, defer_loading=False)],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True, "odd": 1},
        thinking={"type": "adaptive", "display": "omitted"},
        output_config={"effort": "xhigh", "task_budget": {}},
        context_management={"edits": []},
        safeguards=[{}],
        service_tier="auto",
        betas=["x"],
        something_new=1,
        temperature=1,
    )
    body, left_out = relayed(request)
    assert body == {
        "model": "kimi-k3",
        "max_tokens": 1_000,
        "messages": [{"role": "user", "content": [text("Hi")]}],
        "system": "Be brief.",
        "tools": [
            {
                "name": "Read",
                "description": "Does Read.",
                "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
            }
        ],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "output_config": {"effort": "max"},
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "temperature": 1,
        "cache_control": {"type": "ephemeral"},
        "stream": True,
    }
    assert left_out == ()


@pytest.mark.parametrize("stream", [True, False, None, "yes"])
def test_streaming_is_the_clients_choice(stream):
    """The host answers in the form that the client asked for."""
    assert relayed(ask(stream=stream))[0]["stream"] is (stream is True)


def test_a_whole_tool_loop():
    """Reasoning with its signature, calls, results and images stay what they are."""
    thinking = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    messages = _messages(
        user("a"),
        said(thinking | _CACHED, "b", use("x", path="p") | _CACHED | {"caller": {"type": "direct"}}),
        user(result("x", [text("c") | _CACHED, PNG | _CACHED], **_CACHED), text("d") | {"citations": []}),
    )
    assert messages[1:] == [
        {
            "role": "assistant",
            "content": [thinking, text("b"), {"type": "tool_use", "id": "x", "name": "Read", "input": {"path": "p"}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "x", "content": [text("c"), PNG]}, text("d")],
        },
    ]


@pytest.mark.parametrize(
    "messages",
    [
        [user("a"), said(use("x"), use("y")), user(result("y"))],
        [user("a"), said(use("x")), user("Stop.")],
        [user("a"), said(use("x"))],
        [user("a"), said(use("x")), said(use("y")), user(result("y"))],
        [user("a"), said(use("x")), said("b"), user("c"), said("d"), user(result("x"))],
        [user(result("x")), said("b"), user("c")],
        [user("a"), said(use("x")), user("b", result("x", "1"), result("x", "2"), result("z"))],
        [user("a"), said(use("x"), use("x")), user(result("x"))],
        [user("a"), said(use("x")), system("b"), user(result("x"))],
        [user("a"), said(result("x")), user(use("x"))],
        [user("a"), said(), user("b")],
        [user("a"), user("b"), said("c"), said("d"), user("e")],
    ],
)
def test_results_that_do_not_match_are_repaired(messages):
    """Every call is answered at the start of the next user turn, and no result stands without its call."""
    _messages(*messages)


def test_a_missing_result_is_an_error_that_says_so():
    """The model learns that its call was not carried out."""
    answered = _messages(user("a"), said(use("x"), use("y")), user("b", result("y")))[-1]["content"]
    assert answered == [
        {"type": "tool_result", "tool_use_id": "x", "content": [text(INTERRUPTED)], "is_error": True},
        {"type": "tool_result", "tool_use_id": "y", "content": [text("done")]},
        text("b"),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("done", [text("done")]),
        ("", [text("(no output)")]),
        (None, [text("(no output)")]),
        ([], [text("(no output)")]),
        (
            [{"type": "tool_reference", "tool_name": "Edit"}],
            [text("The tool Edit is now available and can be called by that name.")],
        ),
        ([text("a"), {"type": "document", "source": {"type": "text", "data": "b"}}], [text("a"), text("b")]),
        ([{"type": "document", "source": {"type": "content", "content": [PNG, text("b")]}}], [PNG, text("b")]),
        ([{"type": "search_result", "title": "T", "source": "S", "content": [text("a")]}], [text("T (S)\na")]),
        ([LINK], [text("[image at https://host.test/a.png]")]),
        ([{"type": "new"}], [text("[new block left out]")]),
    ],
)
def test_results_hold_text_and_images(content, expected):
    """Whatever a tool brought, the host gets it as text or as an image."""
    messages = _messages(user("a"), said(use()), user(result("toolu_1", content, is_error=True)))
    assert messages[-1]["content"][0]["content"] == expected
    assert messages[-1]["content"][0]["is_error"] is True


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (PNG, PNG),
        (LINK, text("[image at https://host.test/a.png]")),
        ({"type": "image", "source": {"type": "odd", "url": "u"}}, "[image left out"),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
            "[application/pdf",
        ),
        ({"type": "container_upload", "file_id": "f"}, "[container_upload block left out]"),
        ({"type": "tool_reference", "tool_name": "Edit"}, "The tool Edit"),
    ],
)
def test_blocks_of_the_user(block, expected):
    """What the host has no block for is told in words."""
    (shown,) = _messages(user(block))[0]["content"]
    assert shown["text"].startswith(expected) if isinstance(expected, str) else shown == expected


def test_images_for_a_model_that_does_not_see():
    """Images are left out in words, in results too."""
    messages = _messages(user(PNG), said(use()), user(result("toolu_1", [PNG])), model=_BLIND)
    assert messages[0]["content"] == [text(IMAGE_LEFT_OUT)]
    assert messages[2]["content"][0]["content"] == [text(IMAGE_LEFT_OUT)]


def test_blocks_of_the_assistant():
    """Searches that the server carried out stay; redacted reasoning goes; the rest is text."""
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a"}}
    hits = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    blocks = [thought("hm"), {"type": "redacted_thinking", "data": "x"}, search, hits, text(""), {"type": "new"}]
    assert _messages(user("a"), said(*blocks))[-1]["content"] == [
        thought("hm"),
        search,
        hits,
        text("[new block left out]"),
    ]


def test_system_turns_are_marked_parts_of_the_user_turn():
    """There is no system role in the conversation, and a system turn stays in its place."""
    assert _messages(user("a"), system("b"), user("c"))[0]["content"] == [
        text("a"),
        text("<system-reminder>\nb\n</system-reminder>"),
        text("c"),
    ]


def test_tools():
    """Deferred tools wait for their reference, the placeholder never goes, server tools are named as left out."""
    tools = [
        tool("ToolSearch"),
        tool("DeferredToolPlaceholder", defer_loading=True),
        tool("Edit", defer_loading=True),
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "bash_20250124", "name": "bash"},
    ]
    turns = [user("a"), said(use("x")), user(result("x", [{"type": "tool_reference", "tool_name": "Edit"}]))]
    for messages, names in ((turns[:1], ["ToolSearch", "bash"]), (turns, ["ToolSearch", "bash", "Edit"])):
        body, left_out = relayed(ask(*messages, tools=tools))
        assert [entry["name"] for entry in body["tools"]] == names
        assert all(set(entry) == {"name", "description", "input_schema"} for entry in body["tools"])
        assert left_out == ("web_search",)


@pytest.mark.parametrize(
    ("choice", "model", "expected"),
    [
        ({"type": "tool", "name": "Read"}, ALWAYS, {"type": "any"}),
        (
            {"type": "any", "disable_parallel_tool_use": True},
            ALWAYS,
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"type": "any"}, SWITCHABLE, {"type": "auto"}),
        ({"type": "tool", "name": "Read"}, SWITCHABLE, {"type": "auto"}),
        ({"type": "none", "disable_parallel_tool_use": True}, ALWAYS, {"type": "none"}),
        ({"type": "auto", "disable_parallel_tool_use": "yes"}, ALWAYS, {"type": "auto"}),
        ({"type": "odd"}, ALWAYS, None),
        ({}, ALWAYS, None),
        ("auto", ALWAYS, None),
        (None, ALWAYS, None),
    ],
)
def test_choices(choice, model, expected):
    """One tool becomes any tool, which is the nearest that the host knows; no tools, no choice."""
    assert relayed(ask(tools=[tool()], tool_choice=choice), model=model)[0].get("tool_choice") == expected
    assert "tool_choice" not in relayed(ask(tool_choice=choice), model=model)[0]


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        (ALWAYS, {"thinking": {"type": "adaptive"}}, None),
        (ALWAYS, {"thinking": {"type": "disabled"}}, None),
        (replace(ALWAYS, thinking=Thinking.NEVER), {"thinking": {"type": "adaptive"}}, None),
        (SWITCHABLE, {"thinking": {"type": "disabled"}}, {"type": "disabled"}),
        (SWITCHABLE, {}, {"type": "disabled"}),
        (SWITCHABLE, {"thinking": {"type": "adaptive"}}, {"type": "enabled", "budget_tokens": 31_999}),
        (
            SWITCHABLE,
            {"thinking": {"type": "enabled", "budget_tokens": 2_000}},
            {"type": "enabled", "budget_tokens": 2_000},
        ),
        (
            SWITCHABLE,
            {"thinking": {"type": "enabled", "budget_tokens": 5}},
            {"type": "enabled", "budget_tokens": 1_024},
        ),
        (
            SWITCHABLE,
            {"thinking": {"type": "adaptive"}, "max_tokens": 5_000},
            {"type": "enabled", "budget_tokens": 4_999},
        ),
        (SWITCHABLE, {"thinking": {"type": "adaptive"}, "max_tokens": 1_024}, {"type": "disabled"}),
        (
            SWITCHABLE,
            {"thinking": {"type": "enabled", "budget_tokens": "x"}},
            {"type": "enabled", "budget_tokens": 31_999},
        ),
    ],
)
def test_thinking(model, fields, expected):
    """Only a model that can be switched is told, with a budget inside of the answer's length."""
    assert relayed(ask(**{"max_tokens": 64_000, **fields}), model=model)[0].get("thinking") == expected


@pytest.mark.parametrize(
    "fields",
    [
        _CACHED,
        {"system": [text("a") | _CACHED]},
        {"tools": [tool(**_CACHED)]},
        {"messages": [user(text("a") | _CACHED)]},
    ],
)
def test_one_cache_mark_at_the_top(fields):
    """A mark anywhere becomes the one that the host honours; without any, or where it honours none, there is none."""
    assert relayed({**ask(), **fields})[0]["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in to_relay(Prompt({**ask(), **fields}), model=ALWAYS, estimate=0, cache_mark=False).body
    assert "cache_control" not in relayed(ask())[0]


def test_an_answer_in_json():
    """A schema for the answer is a sentence of the system prompt."""
    schema = {"type": "object", "properties": {}}
    body, _ = relayed(ask(system="a", output_config={"format": {"type": "json_schema", "schema": schema}}))
    assert body["system"].startswith("a\n\nAnswer with one JSON value")
    assert body["system"].endswith(json.dumps(schema, separators=(",", ":")))


def test_max_tokens_are_clamped():
    """An answer may be no longer than the model writes."""
    assert relayed(ask(max_tokens=500_000))[0]["max_tokens"] == 131_072


def test_deep_nesting_is_refused_and_no_crash():
    """A request nested deeper than can be walked through is the client's fault."""
    with pytest.raises(InvalidRequestError, match="nested too deeply"):
        to_relay(Prompt(ask(user(deep(5_000)))), model=ALWAYS, estimate=0)
