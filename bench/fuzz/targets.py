"""The targets by name, and the examples from which each one starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.fuzz import answers, errors, relayed, requests
from bench.fuzz.source import WORDS, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Target(NamedTuple):
    """What is done with an input; and inputs that are read as they are, to begin with."""

    run: Callable[[Source], None]
    examples: tuple[bytes, ...] = ()

    def __call__(self, data: bytes) -> None:
        """Try an input."""
        self.run(Source(data))


_STREAM: Final = (
    b'data: {"choices":[{"delta":{"reasoning":"Hm.","content":"Now."}}]}\n\n'
    b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"functions.Read:0","function":{"name":"Read",'
    b'"arguments":"{\\"a\\":1}"}}]}}]}\n\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9}}\n\ndata: [DONE]\n\n'
)
_EVENTS: Final = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text",'
    b'"text":""}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    b'{"type":"text_delta","text":"a"}}\n\nevent: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
_REQUEST: Final = (
    b'{"model":"a","max_tokens":9,"tools":[{"name":"Read","input_schema":{"type":"object"}}],"messages":[{"role":"user",'
    b'"content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"Read","input":{}}]},'
    b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"a"}]}]}'
)

TARGETS: Final = {
    "chat": Target(answers.chat_stream, (b"\0\0" + _STREAM, bytes(range(1, 200)), b"\0\2" + b"\4\0\0" * 40)),
    "whole": Target(answers.chat_whole, (b'\0\1{"choices":[{"message":{"content":"a"}}]}',)),
    "passage": Target(relayed.passage, (b"\0\0" + _EVENTS, b"\1\2" + b"\4\0\0" * 40)),
    "messages": Target(relayed.messages, (b"\0\0" + _EVENTS, b"\1\2" + b"\4\0\0" * 40)),
    "salvage": Target(answers.salvaged, (bytes(range(1, 120)),)),
    "request": Target(
        requests.request, (b"\0\0" + _REQUEST, b"\4\0" + bytes(range(200)), b"\10\1" + bytes(range(200)))
    ),
    "error": Target(errors.error, (b"\0" * 40, bytes(range(100)))),
}
"""By name. The first byte, or the second, of an example says that the rest is taken as it is."""


def dictionary() -> Iterator[str]:
    """Words for the mutator, one a line, as libFuzzer reads them."""
    for word in (*WORDS, "data: ", "event: ", "\n\n", "\r\n", "[DONE]", '"index":0', '"type":"error"'):
        if word:
            yield '"' + "".join(f"\\x{byte:02x}" for byte in word.encode("utf-8", "replace")) + '"'
