"""The demo's host takes what a strict host takes, and nothing else."""

from __future__ import annotations

import copy
import json

import pytest

from kimi_cli.demo.request import MODEL_ID, Call, RefusedError, read_request

_CALL = {"id": "functions.Read:0", "type": "function", "function": {"name": "Read", "arguments": '{"file_path": "/x"}'}}
_TOOL = {"type": "function", "function": {"name": "Read", "parameters": {"type": "object", "properties": {}}}}
_GOOD = {
    "model": MODEL_ID,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Go"}, {"type": "text", "text": "on"}]},
        {"role": "assistant", "content": None, "reasoning_content": "Hm.", "tool_calls": [_CALL]},
        {"role": "tool", "tool_call_id": "functions.Read:0", "content": "found"},
    ],
    "tools": [_TOOL],
    "stream": True,
    "stream_options": {"include_usage": True},
}


def _refusal(**changes) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read_request(json.dumps({**copy.deepcopy(_GOOD), **changes}).encode())
    return caught.value


def _messages(*later) -> list:
    return [{"role": "user", "content": "Go"}, *later]


def test_a_good_request_is_read():
    """A request with every kind of message is taken, and its parts are where they belong."""
    request = read_request(json.dumps(_GOOD).encode())
    assert [turn.role for turn in request.turns] == ["system", "user", "assistant", "tool"]
    assert request.turns[1].text == "Go\non"
    assert request.turns[2].reasoning == "Hm."
    assert request.turns[2].calls == (Call("functions.Read:0", "Read", {"file_path": "/x"}),)
    assert request.turns[3].answers == "functions.Read:0"
    assert request.tools == {"Read"}
    assert request.stream
    assert request.wants_usage


@pytest.mark.parametrize(
    ("response_format", "schema"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": {"name": "t", "schema": {"type": "string"}}}, {"type": "string"}),
    ],
)
def test_the_wanted_schema_is_found(response_format, schema):
    """The schema of the answer comes out of each form of `response_format`."""
    body = {"model": MODEL_ID, "messages": _messages(), "response_format": response_format}
    assert read_request(json.dumps(body).encode()).schema == schema


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"x"', b"\xff"])
def test_what_is_no_object_is_refused(data):
    """A body that is not a JSON object is refused."""
    with pytest.raises(RefusedError):
        read_request(data)


def test_an_unknown_model_is_not_found():
    """A model that is not the script answers 404 with the code that OpenAI gives."""
    error = _refusal(model="kimi-k3")
    assert (error.status, error.code) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "not empty"),
        ("x", "must be a list"),
        (["x"], "must be an object"),
        (_messages({"role": "developer", "content": "x"}), "unknown role 'developer'"),
        (_messages({"role": ["user"], "content": "x"}), "unknown role"),
        (_messages({"content": "x"}), "unknown role None"),
        (_messages({"role": "system", "content": "late"}), "must come first"),
        (_messages({"role": "user", "content": "x", "cache_control": {}}), "'cache_control' is unsupported"),
        (_messages({"role": "user", "content": "x", "reasoning_content": "y"}), "unsupported for role 'user'"),
        (_messages({"role": "user", "content": None}), "a string or a list"),
        (_messages({"role": "user", "content": []}), "a string or a list"),
        (_messages({"role": "user", "content": [{"type": "tool_result"}]}), "unknown part type 'tool_result'"),
        (_messages({"role": "user", "content": [{"type": "text", "text": None}]}), "must be a string"),
        (_messages({"role": "assistant", "content": None}), "a string or a list"),
        (_messages({"role": "assistant", "content": "x", "reasoning_content": 1}), "must be a string"),
        (_messages({"role": "assistant", "content": "x", "reasoning": 1}), "must be a string"),
        (_messages({"role": "assistant", "content": "x", "tool_calls": []}), "not empty"),
        (_messages({"role": "assistant", "content": "x", "tool_calls": [{**_CALL, "id": ""}]}), "a call needs 'id'"),
        (_messages({"role": "assistant", "content": "x", "tool_calls": [{**_CALL, "type": "x"}]}), "a call needs"),
        (_messages({"role": "tool", "content": "x"}), "needs 'tool_call_id'"),
        (_messages({"role": "tool", "content": "x", "tool_call_id": "a"}), "no call 'a' waits"),
        (_messages({"role": "assistant", "content": None, "tool_calls": [_CALL]}), "has no result"),
        (
            _messages(
                {"role": "assistant", "content": None, "tool_calls": [_CALL]},
                {"role": "user", "content": "and?"},
                {"role": "tool", "tool_call_id": _CALL["id"], "content": "late"},
            ),
            "has no result",
        ),
        (
            _messages(
                {"role": "assistant", "content": None, "tool_calls": [_CALL]},
                {"role": "tool", "tool_call_id": _CALL["id"], "content": "one"},
                {"role": "tool", "tool_call_id": _CALL["id"], "content": "two"},
            ),
            "no call",
        ),
    ],
)
def test_malformed_messages_are_refused(messages, words):
    """Unknown roles, fields and parts, orphaned results and unanswered calls are refused, each in its own words."""
    error = _refusal(messages=messages)
    assert words in str(error)
    assert error.to_json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("arguments", [None, "", "x", "[]", {"file_path": "/x"}])
def test_arguments_are_a_string_of_an_object(arguments):
    """A call's arguments must be an object written as a string."""
    call = {**_CALL, "function": {"name": "Read", "arguments": arguments}}
    _refusal(messages=_messages({"role": "assistant", "content": None, "tool_calls": [call]}))


@pytest.mark.parametrize(
    "tools",
    [
        [],
        {},
        [{"name": "Read", "input_schema": {"type": "object"}}],
        [{"type": "function", "function": {"name": "no spaces"}}],
        [{"type": "function", "function": {"name": "x" * 65}}],
        [{"type": "function", "function": {"name": "Read", "parameters": {"type": "string"}}}],
        [_TOOL, _TOOL],
    ],
)
def test_malformed_tools_are_refused(tools):
    """Tools in another form, with names or schemas that hosts refuse, or named twice are refused."""
    _refusal(tools=tools)


@pytest.mark.parametrize(
    "changes",
    [
        {"thinking": {"type": "adaptive"}},
        {"metadata": {"user_id": "x"}},
        {"context_management": {}},
        {"stream": False},
        {"response_format": {"type": "xml"}},
        {"response_format": {"type": "json_schema"}},
    ],
)
def test_unknown_fields_are_refused(changes):
    """Fields of Anthropic's API, unknown ones, and options that contradict each other are refused."""
    _refusal(**changes)
