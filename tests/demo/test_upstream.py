"""The demo's host, judged from outside by OpenAI's own client."""

from __future__ import annotations

import json
import socket
from pathlib import PurePosixPath

import openai
import pytest

from kimi_cli.demo.model import ABOUT, fact_for, prompt_for
from kimi_cli.demo.report import DemoError
from kimi_cli.demo.request import MODEL_ID
from kimi_cli.demo.upstream import Served, Upstream

_PROMPT = prompt_for(PurePosixPath("/tmp/note.txt"))
_TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("Read", "Bash")
]


@pytest.fixture
def upstream():
    with Upstream(first_delay=0, piece_delay=0) as upstream:
        yield upstream
    assert not upstream.is_running


@pytest.fixture
def client(upstream):
    with openai.OpenAI(api_key=upstream.key, base_url=upstream.base_url, max_retries=0) as client:
        yield client


def test_the_model_is_listed(client):
    """`GET /v1/models` names the script, with its window."""
    models = client.models.list().data
    assert [(model.id, model.context_length) for model in models] == [(MODEL_ID, 131_072)]


def _accumulate(stream) -> dict:
    """The fold of a stream as any OpenAI client does it."""
    message = {"content": "", "reasoning_content": "", "calls": {}, "finish": [], "usage": None, "pieces": 0}
    for chunk in stream:
        message["usage"] = chunk.usage or message["usage"]
        for choice in chunk.choices:
            message["content"] += choice.delta.content or ""
            message["reasoning_content"] += getattr(choice.delta, "reasoning_content", "")
            message["finish"] += [choice.finish_reason] if choice.finish_reason else []
            message["pieces"] += 1
            for call in choice.delta.tool_calls or ():
                known = message["calls"].setdefault(call.index, {"id": call.id, "name": call.function.name, "args": ""})
                known["args"] += call.function.arguments or ""
    return message


def test_a_stream_carries_thoughts_text_and_a_call(client):
    """A streamed answer comes in many pieces whose fold is a thought, a text, one call, its reason and a usage."""
    message = _accumulate(
        client.chat.completions.create(
            model=MODEL_ID,
            messages=[{"role": "user", "content": _PROMPT}],
            tools=_TOOLS,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "…" in message["content"]
    assert "…" in message["reasoning_content"]
    assert message["finish"] == ["tool_calls"]
    assert message["pieces"] > 10
    assert message["usage"].prompt_tokens > 0
    (call,) = message["calls"].values()
    assert (call["id"], call["name"]) == ("functions.Read:0", "Read")
    assert json.loads(call["args"]) == {"file_path": "/tmp/note.txt"}


def test_the_whole_answer_is_the_fold_of_the_stream(client):
    """With and without `stream` the answer is the same."""
    ask = {"model": MODEL_ID, "messages": [{"role": "user", "content": _PROMPT}], "tools": _TOOLS}
    folded = _accumulate(client.chat.completions.create(**ask, stream=True))
    whole = client.chat.completions.create(**ask)
    message = whole.choices[0].message
    assert whole.choices[0].finish_reason == "tool_calls"
    assert message.content == folded["content"]
    assert message.reasoning_content == folded["reasoning_content"]
    assert [(call.id, call.function.arguments) for call in message.tool_calls] == [
        (call["id"], call["args"]) for call in folded["calls"].values()
    ]


def test_the_conversation_can_be_held(client, upstream):
    """The loop of calls and results comes to an end, and the host noted what each request carried."""
    messages = [{"role": "user", "content": _PROMPT}]
    for result in (fact_for(123456), "42 note.txt"):
        message = client.chat.completions.create(model=MODEL_ID, messages=messages, tools=_TOOLS).choices[0].message
        (call,) = message.tool_calls
        messages += [
            message.model_dump(include={"role", "content", "tool_calls", "reasoning_content"}),
            {"role": "tool", "tool_call_id": call.id, "content": result},
        ]
    last = client.chat.completions.create(model=MODEL_ID, messages=messages, tools=_TOOLS)
    assert last.choices[0].finish_reason == "stop"
    assert "123456" in last.choices[0].message.content
    assert "42" in last.choices[0].message.content
    assert upstream.served == (Served(), Served(callers=1, reasoned=1), Served(callers=2, reasoned=2))


def test_a_plain_question_is_answered(client):
    """Without tools or the demo's prompt the answer says what the model is."""
    answer = client.chat.completions.create(model=MODEL_ID, messages=[{"role": "user", "content": "Hello?"}])
    assert ABOUT in answer.choices[0].message.content


def test_a_refusal_has_the_form_of_openai(client, upstream):
    """A malformed request is a 400 that OpenAI's client understands, and is noted."""
    orphan = {"role": "tool", "tool_call_id": "x", "content": "y"}
    with pytest.raises(openai.BadRequestError, match="no call 'x' waits") as caught:
        client.chat.completions.create(model=MODEL_ID, messages=[orphan])
    assert caught.value.type == "invalid_request_error"
    assert "no call 'x'" in upstream.served[0].refused


def test_other_keys_are_refused(upstream):
    """Nobody gets in without the key of this run, which `repr` does not tell."""
    with openai.OpenAI(api_key="other", base_url=upstream.base_url, max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError):
            stranger.models.list()
        with pytest.raises(openai.AuthenticationError):
            stranger.chat.completions.create(model=MODEL_ID, messages=[])
    assert upstream.served == ()
    assert upstream.key not in repr(upstream)


def test_a_client_that_leaves_harms_nobody(client, upstream):
    """After a client has left in the middle of a stream the next one is served."""
    ask = {"model": MODEL_ID, "messages": [{"role": "user", "content": _PROMPT}], "tools": _TOOLS}
    stream = client.chat.completions.create(**ask, stream=True)
    next(iter(stream))
    stream.close()
    assert client.chat.completions.create(**ask).choices[0].finish_reason == "tool_calls"


def test_nothing_is_left_after_the_end():
    """The thread is gone and the port closed, and a client that still streams does not hold that up."""
    with Upstream(first_delay=0, piece_delay=30) as upstream:
        client = openai.OpenAI(api_key=upstream.key, base_url=upstream.base_url, max_retries=0)
        ask = {"model": MODEL_ID, "messages": [{"role": "user", "content": _PROMPT}], "tools": _TOOLS}
        stream = client.chat.completions.create(**ask, stream=True)
    assert not upstream.is_running
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", upstream.port))
    stream.close()
    client.close()


def test_a_port_that_cannot_be_had_is_one_sentence():
    """Where the host cannot listen, the error says so."""
    with pytest.raises(DemoError, match="could not listen"), Upstream(host="192.0.2.1"):
        pass
