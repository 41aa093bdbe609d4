"""One connection to a program on this machine that should be a proxy of ours, for questions answered in JSON.

It is as much of HTTP/1.1 as the control API needs: requests with a body of known length, answers that say theirs. The
standard library's client does all of it, and takes longer to load than everything that a launch asks of a proxy.
"""

from __future__ import annotations

import json
import time
from socket import AF_INET, SOCK_STREAM, socket
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_LOOPBACK: Final = "127.0.0.1"
_HEAD_LIMIT: Final = 64 * 1024
"""Bytes of an answer's status and headers; ours have a few hundred."""
_BODY_LIMIT: Final = 4 * 1024 * 1024
_READ: Final = 64 * 1024
_HEAD_END: Final = b"\r\n\r\n"


class NotOursError(ValueError):
    """What came is no answer of a proxy."""


class Connection:
    """An open connection; as a context it is closed at the end. `seconds` is what each question may take.

    That is a whole, and does not begin anew with every byte that a stranger sends. All raise `OSError` where there is
    no connection, or not any more, and `TimeoutError`, which is one, where it takes too long.
    """

    def __init__(self, port: int, *, seconds: float) -> None:
        self._host, self._seconds = f"{_LOOPBACK}:{port}", seconds
        self._received = bytearray()
        self._socket = socket(AF_INET, SOCK_STREAM)
        try:
            self._socket.settimeout(seconds)
            self._socket.connect((_LOOPBACK, port))
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(
        self, method: str, path: str, *, headers: Mapping[str, str], body: object = None
    ) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object with which a request is answered; an empty one in place of other JSON.

        Raises:
            NotOursError: the answer is not HTTP as ours is, or not JSON.
            OSError: there is none in time.
        """
        deadline = time.monotonic() + self._seconds
        data = b"" if body is None else json.dumps(body).encode()
        fields = {"Host": self._host, **headers, "Content-Type": "application/json", "Content-Length": str(len(data))}
        head = "".join((f"{method} {path} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in fields.items())))
        self._limit(deadline)
        self._socket.sendall(f"{head}\r\n".encode("ascii") + data)
        status, length = _read_head(self._take_head(deadline))
        while len(self._received) < length:
            self._receive(deadline)
        text = self._received[:length]
        del self._received[:length]
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NotOursError("it is not JSON") from error
        return status, answer if isinstance(answer, dict) else {}

    def _take_head(self, deadline: float) -> bytes:
        """Everything up to the empty line."""
        while (end := self._received.find(_HEAD_END)) < 0:
            if len(self._received) > _HEAD_LIMIT:
                raise NotOursError("its headers have no end")
            self._receive(deadline)
        head = bytes(self._received[:end])
        del self._received[: end + len(_HEAD_END)]
        return head

    def _receive(self, deadline: float) -> None:
        self._limit(deadline)
        data = self._socket.recv(_READ)
        if not data:
            raise ConnectionResetError("the connection was closed before the answer was complete")
        self._received += data

    def _limit(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)


def _read_head(head: bytes) -> tuple[int, int]:
    """The status of an answer, and the length of its body.

    Raises:
        NotOursError: it is not HTTP, or does not say how long it is.
    """
    first, *lines = head.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    status = rest[:3]
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    length = fields.get(b"content-length", b"")
    if not (version.startswith(b"HTTP/1.") and len(status) == 3 and status.isdigit() and length.isdigit()):
        raise NotOursError("it is not HTTP, or does not say how long it is")
    if len(length) > len(str(_BODY_LIMIT)) or int(length) > _BODY_LIMIT:
        raise NotOursError("it is too long")
    return int(status), int(length)
