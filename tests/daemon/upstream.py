"""A host that answers one request, when it is told to."""

from __future__ import annotations

import json
import socket
from threading import Event, Thread

_CHUNKS = (
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Done."}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}},
)


class SlowHost:
    """Streams `Done.` once it is released; `asked` is set as soon as the request has come."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.asked, self._released = Event(), Event()
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Lets the answer go."""
        self._released.set()

    def close(self) -> None:
        """Ends it, whether it was asked or not."""
        self.release()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        with connection:
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
            self.asked.set()
            self._released.wait(30)
            body = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in _CHUNKS) + b"data: [DONE]\n\n"
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + body
            )
