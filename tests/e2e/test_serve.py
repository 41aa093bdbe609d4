"""`kimi serve`: the same proxy for other clients, with and without streaming."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anthropic
import pytest

from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, call, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doubles.scenario import JsonObject
    from tests.e2e.stage import Stage

pytestmark = pytest.mark.claude

TOOLS = [{"name": "add", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}]
THOUGHT = "Adding is what is wanted."


@pytest.mark.parametrize("stage", ["groq", "moonshot", "moonshot-chat"], indirect=True)
def test_not_streaming(stage: Stage) -> None:
    """Without streaming a tool call and the answer after it come as whole messages, thinking and usage included."""
    stage.script(call(Call("add", {"a": 1}), text="Adding.", thinking=THOUGHT), say("Two."))
    question = {"role": "user", "content": "Add one to one."}
    with stage.serving() as served, _sdk(served) as sdk:
        asked = {"model": served["model"], "max_tokens": 1000, "tools": TOOLS, "thinking": {"type": "adaptive"}}
        first = sdk.messages.create(**asked, messages=[question])
        use = next(block for block in first.content if block.type == "tool_use")
        history = [
            question,
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "2"}]},
        ]
        second = sdk.messages.create(**asked, messages=history)
    assert [block.type for block in first.content] == ["thinking", "text", "tool_use"]
    assert (use.name, use.input, first.stop_reason) == ("add", {"a": 1}, "tool_use")
    assert (second.content[0].text, second.stop_reason) == ("Two.", "end_turn")
    usage = second.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (200, 1000, 40)
    assert first.id != second.id


@pytest.mark.parametrize("stage", ["groq", "moonshot", "moonshot-chat"], indirect=True)
def test_streaming(stage: Stage) -> None:
    """The SDK's own accumulator makes the same message of the stream."""
    stage.script(call(Call("add", {"a": 1}), text="Adding.", thinking=THOUGHT))
    with stage.serving() as served, _sdk(served) as sdk:
        question = {"role": "user", "content": "Add one to one."}
        asked = {"model": served["model"], "max_tokens": 1000, "tools": TOOLS, "thinking": {"type": "adaptive"}}
        with sdk.messages.stream(**asked, messages=[question]) as stream:
            message = stream.get_final_message()
    thinking, text, use = message.content
    assert (thinking.thinking, text.text, use.input) == (THOUGHT, "Adding.", {"a": 1})
    assert message.stop_reason == "tool_use"


def test_client_falls_back_to_whole_answers(stage: Stage) -> None:
    """Where something on the way answers a streaming request with 404, the real client asks for a whole answer."""
    stage.script(say("Whole."))
    with stage.serving() as served, _without_streams(served["base_url"]) as base_url:
        environ = {
            **stage.environ,
            "ANTHROPIC_BASE_URL": base_url,
            "ANTHROPIC_AUTH_TOKEN": served["token"],
            "ANTHROPIC_MODEL": served["model"],
        }
        environ.pop(stage.host.key_variable)
        done = stage.run(str(stage.claude), "--print", "Say something.", environ=environ)
    stage.assert_said(done, "Whole.")
    # What is relayed goes as it came; what is translated is always streamed from the host.
    assert [ask.stream for ask in stage.asks] == [stage.host.double is not Moonshot]


@contextmanager
def _without_streams(base_url: str) -> Iterator[str]:
    """A way to the proxy that lets no streaming request through."""

    class Passage(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if json.loads(body).get("stream"):
                self._answer(
                    404, b'{"type": "error", "error": {"type": "not_found_error", "message": "No such thing"}}'
                )
                return
            headers = {name: self.headers[name] for name in ("Authorization", "Content-Type", "anthropic-version")}
            asked = urllib.request.Request(base_url + self.path, data=body, headers=headers)
            with urllib.request.urlopen(asked, timeout=30) as answer:
                self._answer(answer.status, answer.read())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Passage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _sdk(served: JsonObject) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=served["base_url"], auth_token=served["token"], max_retries=0, timeout=30)
