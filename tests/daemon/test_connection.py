"""Questions over a connection to a program that is a proxy, or is none."""

from __future__ import annotations

import json
import socket
import time
from contextlib import contextmanager, suppress
from threading import Thread

import pytest

from kimi_cli.daemon.connection import Connection, NotOursError

BODY = json.dumps({"said": "\u00e4" * 40}).encode()
ANSWER = b"HTTP/1.1 201 Created\r\nServer: x\r\ncontent-LENGTH:  %d\r\n\r\n" % len(BODY) + BODY


@contextmanager
def server(*pieces: bytes, asked: list[bytes] | None = None, pause: float = 0.0, stays: bool = True):
    """A program that reads one request at a time and answers each with these pieces; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with connection:
                    while request := connection.recv(65536):
                        if asked is not None:
                            asked.append(request)
                        for piece in pieces:
                            connection.sendall(piece)
                            time.sleep(pause)
                        if not stays:
                            return

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
    thread.join(20)


@pytest.mark.parametrize("size", [1, 2, 7, 50, 1000])
def test_an_answer_in_pieces(size):
    """However an answer is cut, it is the same, and what comes after it is the next one's."""
    pieces = [ANSWER[at : at + size] for at in range(0, len(ANSWER), size)]
    asked: list[bytes] = []
    with server(*pieces, asked=asked) as port, Connection(port, seconds=20) as connection:
        for number in range(3):
            assert connection.ask("POST", "/x", headers={"A": "b"}, body={"n": number}) == (201, json.loads(BODY))
    assert asked[2] == (
        b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nA: b\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"
        b'{"n": 2}'
    ) % int(port)


def test_two_answers_at_once():
    """What arrives beside an answer is kept for the next question."""
    with server(ANSWER + ANSWER) as port, Connection(port, seconds=20) as connection:
        for _ in range(2):
            assert connection.ask("GET", "/", headers={})[0] == 201


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{x}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff",
        b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + b"[" * 60000,
        b"x" * 200_000,
    ],
)
def test_what_is_no_answer_of_ours(answer):
    """Whatever else a program says is told from an answer, and nothing endless is read."""
    with server(answer) as port, Connection(port, seconds=20) as connection, pytest.raises(NotOursError):
        connection.ask("GET", "/", headers={})


def test_json_of_another_kind():
    """An answer that is no object has nothing to say."""
    with server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]") as port, Connection(port, seconds=20) as connection:
        assert connection.ask("GET", "/", headers={}) == (200, {})


@pytest.mark.parametrize("answer", [b"", ANSWER[:9], ANSWER[:-1]])
def test_a_connection_that_is_closed(answer):
    """An answer that is cut short is none."""
    with (
        server(answer, stays=False) as port,
        Connection(port, seconds=20) as connection,
        pytest.raises(ConnectionError),
    ):
        connection.ask("GET", "/", headers={})


def test_an_answer_that_takes_for_ever():
    """The time is for the whole answer, also where a byte comes now and then."""
    began = time.monotonic()
    with (
        server(*(bytes([byte]) for byte in ANSWER), pause=0.1) as port,
        Connection(port, seconds=0.5) as connection,
        pytest.raises(TimeoutError),
    ):
        connection.ask("GET", "/", headers={})
    assert time.monotonic() - began >= 0.5


def test_nobody_there():
    """Where nobody listens there is no connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        Connection(port, seconds=5)
