"""A request becomes what the host of a dialect accepts, and nothing else leaves."""

from __future__ import annotations

import json

import pytest

from kimi_cli.providers.dialect import GENERIC, GROQ, MOONSHOT, OPENROUTER, VLLM
from kimi_cli.wire.failure import InvalidRequestError
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.request import MIN_OUTPUT, check_request, session_of, to_chat
from tests.wire.asking import ALL, ALWAYS, MODEL, SEES, ask, chat, messages_of, system, text, tool, user
from tests.wire.build import deep

_USER_ID = json.dumps({"device_id": "d", "account_uuid": "", "session_id": "s-1"})
_EVERYTHING = {
    "system": [text("x-anthropic-billing-header: cc_version=1"), text("Be brief.")],
    "stream": True,
    "stop_sequences": ["END"],
    "metadata": {"user_id": _USER_ID},
    "tools": [tool("Read", cache_control={"type": "ephemeral"}, strict=True, eager_input_streaming=True)],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "adaptive", "display": "omitted"},
    "output_config": {"effort": "high"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "safeguards": [{"type": "dangerous_tool_use"}],
    "service_tier": "auto",
    "speed": "fast",
    "cache_control": {"type": "ephemeral"},
    "container": "c",
    "inference_geo": "eu",
    "diagnostics": {"previous_message_id": "m"},
    "mcp_servers": [],
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 5,
    "betas": ["x"],
    "logprobs": True,
    "n": 2,
    "something_new": {"a": 1},
}


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
def test_only_known_fields_leave(dialect):
    """Whatever a request holds, the host gets the fields that its dialect names, in messages and tools too."""
    body = chat(
        ask(user(text("Hi") | {"cache_control": {"type": "ephemeral"}}), **_EVERYTHING), dialect=dialect, model=ALWAYS
    ).body
    assert body.keys() <= dialect.fields
    assert {"model", "messages", "tools", "stream", dialect.max_tokens_field} <= body.keys()
    for left in ("cache_control", "billing", "safeguards", "context_management", "something_new"):
        assert left not in json.dumps(body)


def test_the_whole_body_for_groq():
    """Nothing is missing and nothing is there that was not asked for."""
    assert chat(ask(user("Hi"), **_EVERYTHING), dialect=GROQ, model=ALWAYS).body == {
        "model": "kimi-k3",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "max_completion_tokens": 1_000,
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "Read",
                    "description": "Does Read.",
                    "parameters": {
                        "type": "object",
                        "properties": {"path": {"type": "string"}},
                        "required": ["path"],
                    },
                },
            }
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning_effort": "high",
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["END"],
    }


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        (GROQ, {"temperature": 0.5, "top_p": 0.9}),
        (MOONSHOT, {}),
        (OPENROUTER, {"temperature": 0.5, "top_p": 0.9}),
        (VLLM, {"temperature": 0.5, "top_p": 0.9, "top_k": 5}),
        (GENERIC, {"temperature": 0.5, "top_p": 0.9}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_sampling(dialect, fields):
    """Sampling parameters go where the host takes them; Moonshot's models have theirs fixed."""
    body = chat(ask(temperature=0.5, top_p=0.9, top_k=5), dialect=dialect).body
    assert {key: body[key] for key in ("temperature", "top_p", "top_k") if key in body} == fields


@pytest.mark.parametrize("odd", [None, "1", True, [1], {}])
def test_sampling_of_the_wrong_type_is_dropped(odd):
    """What is no number is no temperature."""
    assert "temperature" not in chat(ask(temperature=odd)).body


@pytest.mark.parametrize(
    ("wanted", "estimate", "limit"),
    [
        (1_000, 100, 1_000),
        (32_000, 100, 16_384),
        (128_000, 100, 16_384),
        (16_384, 110_000, 10_072),
        (16_384, 118_000, 1_272),
        (16_384, 119_000, MIN_OUTPUT),
        (16_384, 500_000, MIN_OUTPUT),
        (10, 500_000, 10),
        (None, 100, 16_384),
        ("many", 100, 16_384),
        (0, 100, 1),
        (-5, 100, 1),
        (1_000.0, 100, 1_000),
        (True, 100, 16_384),
    ],
)
def test_max_tokens_are_clamped(wanted, estimate, limit):
    """An answer may be as long as was asked for, within what the model writes and what its window has left."""
    assert chat(ask(max_tokens=wanted), estimate=estimate).body["max_completion_tokens"] == limit


@pytest.mark.parametrize(
    ("dialect", "sequences", "told", "kept"),
    [
        (GROQ, ["a", "b"], ["a", "b"], ()),
        (GROQ, ["a", "b", "c", "d", "e", "f"], ["a", "b", "c", "d"], ("e", "f")),
        (MOONSHOT, ["x" * 32, "x" * 33, "b"], ["x" * 32, "b"], ("x" * 33,)),
        (MOONSHOT, ["月" * 10, "月" * 11], ["月" * 10], ("月" * 11,)),
        (MOONSHOT, ["1", "2", "3", "4", "5", "6"], ["1", "2", "3", "4", "5"], ("6",)),
        (VLLM, list("abcdefgh"), list("abcdefgh"), ()),
        (GROQ, ["", "a", None, 3], ["a"], ()),
        (GROQ, "END", None, ()),
        (GROQ, [], None, ()),
        (GROQ, None, None, ()),
    ],
)
def test_stop_sequences(dialect, sequences, told, kept):
    """The host is told of as many as it takes; the others are left for the reducer to enforce."""
    translated = chat(ask(stop_sequences=sequences), dialect=dialect)
    assert translated.body.get("stop") == told
    assert translated.stops == kept


@pytest.mark.parametrize("stream", [True, False, None])
def test_the_host_always_streams(stream):
    """Usage comes with a stream only where it is asked for, and a client without streaming gets the stream folded."""
    body = chat(ask(stream=stream)).body
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


_FORMAT = {"type": "json_schema", "schema": {"type": "object", "properties": {"title": {"type": "string"}}}}


@pytest.mark.parametrize("fields", [{"output_config": {"format": _FORMAT}}, {"output_format": _FORMAT}])
def test_an_answer_in_json(fields):
    """A schema for the answer is `response_format`, which Groq takes only without streaming."""
    for dialect, streams in ((GROQ, False), (MOONSHOT, True), (OPENROUTER, True), (VLLM, True)):
        body = chat(ask(**fields), dialect=dialect).body
        assert body["response_format"] == {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": _FORMAT["schema"]},
        }
        assert body["stream"] is streams
        assert ("stream_options" in body) is streams


@pytest.mark.parametrize(("dialect", "tools"), [(GENERIC, []), (GROQ, [tool()])])
def test_an_answer_in_json_where_the_host_has_no_field_for_it(dialect, tools):
    """Where `response_format` is unknown, or tools stand beside it, the schema is a sentence of the system prompt."""
    body = chat(ask(system="Be brief.", tools=tools, output_config={"format": _FORMAT}), dialect=dialect).body
    assert "response_format" not in body
    assert body["stream"] is True
    assert body["messages"][0]["content"].startswith("Be brief.\n\nAnswer with one JSON value")
    assert json.dumps(_FORMAT["schema"], separators=(",", ":")) in body["messages"][0]["content"]


@pytest.mark.parametrize("config", [None, "x", {"format": None}, {"format": {"type": "text"}}, {"format": "json"}])
def test_other_formats_say_nothing(config):
    """Only a schema is a format."""
    assert "response_format" not in chat(ask(output_config=config)).body


def test_the_cache_key_is_the_session():
    """Moonshot learns which conversation a request belongs to; other hosts have no field for it."""
    fields = {"metadata": {"user_id": _USER_ID}}
    assert chat(ask(**fields), dialect=MOONSHOT).body["prompt_cache_key"] == "s-1"
    assert "prompt_cache_key" not in chat(ask(**fields)).body


@pytest.mark.parametrize("user_id", [None, 3, "", "user_1", "[1]", "{", "{}", '{"session_id": 3}', "\ud800"])
def test_a_user_id_of_another_form_names_no_session(user_id):
    """Only Claude Code's form holds a session."""
    assert session_of({"metadata": {"user_id": user_id}}) == ""
    assert "prompt_cache_key" not in chat(ask(metadata={"user_id": user_id}), dialect=MOONSHOT).body


@pytest.mark.parametrize(
    ("prompt", "content"),
    [
        ("Be brief.", "Be brief."),
        ([text("One."), text("Two.")], "One.\n\nTwo."),
        ([text("x-anthropic-billing-header: cc_version=2.1; cch=0a1b;"), text("One.")], "One."),
        ([text("One."), text(""), {"type": "odd"}, "x"], "One.\n\n[odd block left out]"),
        ("x-anthropic-billing-header: cc_version=2.1", None),
        ("", None),
        ([], None),
        (None, None),
        (17, None),
    ],
)
def test_system_prompts(prompt, content):
    """The system prompt is one message in front, without the block that differs from run to run."""
    messages = messages_of(user("Hi"), system=prompt)
    assert messages[:-1] == ([{"role": "system", "content": content}] if content else [])


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({}, "messages: Field required"),
        ({"model": "m", "messages": "Hi"}, "messages: Field required"),
        ({"model": "m", "messages": []}, "messages: at least one message"),
        ({"model": "m", "messages": ["Hi", 3]}, "messages: at least one message"),
        ({"messages": [user("Hi")]}, "model: Field required"),
        ({"model": 3, "messages": [user("Hi")]}, "model: Field required"),
    ],
)
def test_what_is_no_request(request_, reason):
    """What every request needs is asked for in Anthropic's words."""
    for check in (check_request, lambda bad: to_chat(Prompt(bad), dialect=GROQ, model=MODEL, estimate=0)):
        with pytest.raises(InvalidRequestError, match=reason) as caught:
            check(request_)
        assert (caught.value.failure.status, caught.value.failure.kind) == (400, "invalid_request_error")


def test_deep_nesting_is_refused_and_no_crash():
    """A request nested deeper than can be walked through is the client's fault."""
    with pytest.raises(InvalidRequestError, match="nested too deeply"):
        to_chat(Prompt(ask(user(deep(5_000)))), dialect=GROQ, model=MODEL, estimate=0)


def test_a_system_turn_alone_is_no_crash():
    """A conversation of nothing but system turns is translated as it is."""
    assert messages_of(system("Be brief."), model=SEES) == [{"role": "system", "content": "Be brief."}]
