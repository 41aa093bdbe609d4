"""A proxy that says what it is told to: one prepared answer after another, and a record of what was asked."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Stub:
    """`answers` are bodies of streams, or pairs of a status and a JSON body."""

    answers: list
    asked: list = field(default_factory=list)
    base_url: str = ""


@contextmanager
def running_stub(*answers):
    """Serves the answers in order."""
    stub = Stub(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stub.asked.append((self.path, dict(self.headers), body))
            answer = stub.answers.pop(0)
            status, data = (200, answer) if isinstance(answer, bytes) else (answer[0], json.dumps(answer[1]).encode())
            self.send_response(status)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.base_url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()


def message(number: int, *blocks: dict, stop_reason: str | None = None) -> bytes:
    """The stream of one answer: its blocks come in one piece each."""
    has_call = any(block["type"] == "tool_use" for block in blocks)
    reason = stop_reason or ("tool_use" if has_call else "end_turn")
    events = [{"type": "message_start", "message": {"id": f"msg_{number}", "role": "assistant", "content": []}}]
    for index, block in enumerate(blocks):
        empty, delta = _opened(block)
        events += [
            {"type": "content_block_start", "index": index, "content_block": empty},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    events += [{"type": "message_delta", "delta": {"stop_reason": reason}}, {"type": "message_stop"}]
    return b"".join(sse(event) for event in events)


def sse(event: dict) -> bytes:
    """One event on the wire."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def call(number: int, name: str, **given: str) -> dict:
    """A tool_use block."""
    return {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}


def text(words: str) -> dict:
    """A text block."""
    return {"type": "text", "text": words}


def thinking(words: str) -> dict:
    """A thinking block as the proxy makes them: without a signature."""
    return {"type": "thinking", "thinking": words, "signature": ""}


def _opened(block: dict) -> tuple[dict, dict]:
    match block["type"]:
        case "text":
            return text(""), {"type": "text_delta", "text": block["text"]}
        case "thinking":
            return thinking(""), {"type": "thinking_delta", "thinking": block["thinking"]}
        case _:
            pieces = json.dumps(block["input"])
            return {**block, "input": {}}, {"type": "input_json_delta", "partial_json": pieces}
