"""The `anthropic` SDK reads our streams and our messages as its own, and finds the same in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic
import httpx2
import pytest
from anthropic.types import Message
from hypothesis import given, settings

from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.codec import dumps
from kimi_cli.wire.encode import PING, error_body, error_headers
from kimi_cli.wire.failure import Failure
from tests.wire.build import (
    USAGE,
    JsonObject,
    calls,
    chunk,
    end,
    fragment,
    frame,
    message_of,
    read,
    reasoning,
    sse,
    text,
)
from tests.wire.upstream import scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASK = {"model": "claude-test", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}


class _Served:
    """What the SDK's client is answered, without a network."""

    def __init__(self) -> None:
        self.answer = httpx2.Response(200)
        http_client = httpx2.Client(transport=httpx2.MockTransport(lambda _: self.answer))
        self.client = anthropic.Anthropic(
            api_key="k", base_url="http://host.test", http_client=http_client, max_retries=0
        )

    def streamed(self, data: bytes) -> Message:
        """What the SDK accumulates from a stream."""
        self.answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=data)
        with self.client.messages.stream(**_ASK) as stream:
            return stream.get_final_message()

    def whole(self, message: JsonObject) -> Message:
        """What the SDK makes of a message in one piece."""
        self.answer = httpx2.Response(200, headers={"content-type": "application/json"}, content=dumps(message))
        return self.client.messages.create(**_ASK)


@pytest.fixture(scope="module")
def served() -> Iterator[_Served]:
    """One client for all."""
    served = _Served()
    yield served
    served.client.close()


def _bytes(data: bytes) -> bytes:
    answer = ChatAnswer(frame())
    return answer.feed(data) + answer.finish()


def _told(message: Message) -> JsonObject:
    """A message of the SDK as plain JSON, without what it adds for itself."""
    told = message.to_dict()
    told["usage"].pop("output_tokens_details", None)
    for block in told["content"]:
        block.pop("parsed_output", None)
    return {key: value for key, value in told.items() if value is not None}


def _expected(message: JsonObject) -> JsonObject:
    usage = {key: value for key, value in message["usage"].items() if key != "output_tokens_details"}
    return {key: value for key, value in {**message, "usage": usage}.items() if value is not None}


@given(script=scripts())
@settings(max_examples=100)
def test_the_sdk_accumulates_what_we_collect(served, script):
    """The SDK's fold of the stream is our message in one piece, which its types accept as it is."""
    data = sse(*script.chunks)
    message = message_of(read([data]))
    assert _told(served.streamed(_bytes(data))) == _expected(message)
    assert _told(served.whole(message)) == _expected(message)
    assert Message.model_validate(message).to_dict() == message


def test_a_full_answer_reads_the_same(served):
    """Reasoning, text, interleaved calls and usage with cached tokens, through the SDK's own client."""
    data = sse(
        reasoning("Hm. 月"),
        text("Both: 🌒"),
        calls(fragment(0, id="a", name="Read", arguments='{"p":'), fragment(1, id="a", name="Now", arguments="")),
        calls(fragment(0, arguments=' "é"}')),
        end("tool_calls", usage={**USAGE, "cached_tokens": 8}),
    )
    message = served.streamed(_bytes(data))
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert (message.content[2].input, message.content[3].input) == ({"p": "é"}, {})
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (4, 8)
    assert message.stop_reason == "tool_use"


def test_pings_change_nothing(served):
    """A ping may stand between any two events."""
    data = _bytes(sse(text("a"), text("b"), end()))
    plain = served.streamed(data)
    assert served.streamed(PING + data.replace(b"\n\n", b"\n\n" + PING)) == plain


@pytest.mark.parametrize("data", [sse(text("a")), sse(text("a"), {"error": {"message": "it broke"}})])
def test_the_sdk_raises_on_a_failure(served, data):
    """A stream that fails is an exception to the SDK, with our words in it."""
    with pytest.raises(anthropic.APIStatusError, match=r"before it was complete|it broke"):
        served.streamed(_bytes(data))


def test_the_sdk_reads_our_errors(served):
    """The body and headers of an error are those that the SDK knows."""
    failure = Failure(529, "overloaded_error", "Host: busy", retry_after=1.2, should_retry=False)
    served.answer = httpx2.Response(529, headers=error_headers(failure, "req_1"), content=error_body(failure, "req_1"))
    with pytest.raises(anthropic.APIStatusError) as caught:
        served.client.messages.create(**_ASK)
    assert caught.value.status_code == 529
    assert caught.value.request_id == "req_1"
    assert caught.value.body["error"] == {"type": "overloaded_error", "message": "Host: busy"}
    assert caught.value.response.headers["retry-after"] == "2"
    assert caught.value.response.headers["x-should-retry"] == "false"


def test_arguments_that_are_no_json_are_an_error_of_the_sdk_alone(served):
    """Broken arguments pass on as they are: the SDK refuses them in a stream, Claude Code tells the model."""
    data = sse(chunk({"tool_calls": [fragment(0, name="Read", arguments="{'a'}")]}), end("tool_calls"))
    with pytest.raises(ValueError, match="Unable to parse tool parameter JSON"):
        served.streamed(_bytes(data))
    assert Message.model_validate(message_of(read([data]))).content[0].input["__unparsedToolInput"]["raw"] == "{'a'}"
