"""Errors that are no upstream's."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import ClientError, web

from kimi_cli.proxy.keys import SESSION
from tests.proxy.gate import Gate, gate


async def broken(_request: web.Request) -> web.StreamResponse:
    raise RuntimeError("boom")


async def broken_midway(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"half")
    raise RuntimeError("boom")


class Endless:
    """A request that is never answered; it says when it has begun and when it has been given up."""

    def __init__(self) -> None:
        self.begun, self.over = asyncio.Event(), asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        with request[SESSION].attached():
            self.begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.over.set()
        raise AssertionError


@pytest.fixture
async def endless():
    return Endless()


@pytest.fixture
async def proxy(tmp_path, endless):
    def add_routes(app: web.Application) -> None:
        app.router.add_get("/broken", broken)
        app.router.add_get("/midway", broken_midway)
        app.router.add_get("/endless", endless.answer)

    async with gate(tmp_path, extend=add_routes) as proxy:
        yield proxy


async def ask(proxy: Gate, method: str, path: str, **given) -> tuple[int, dict]:
    async with proxy.request(method, path, token=proxy.open().token, **given) as answer:
        body = await answer.json()
        assert body["request_id"] == answer.headers["request-id"]
        return answer.status, body["error"]


async def test_an_unknown_path_is_not_found(proxy: Gate):
    """A client with a session is told that there is no such path."""
    assert await ask(proxy, "GET", "/v1/complete") == (
        404,
        {"type": "not_found_error", "message": "There is no /v1/complete here."},
    )


async def test_a_wrong_method_is_named(proxy: Gate):
    """A path that exists says which method it does not take."""
    status, error = await ask(proxy, "DELETE", "/v1/models")
    assert (status, error["type"]) == (405, "invalid_request_error")
    assert "DELETE" in error["message"]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'"text"', b"[" * 100_000])
async def test_a_body_that_is_no_request_is_the_client_s_fault(proxy: Gate, data):
    """Nonsense is an invalid request and never a failure of ours."""
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        status, error = await ask(proxy, "POST", path, data=data)
        assert (status, error["type"]) == (400, "invalid_request_error")


async def test_a_failure_of_ours_is_logged_and_not_told(proxy: Gate, caplog):
    """What nobody foresaw is a 500 whose request id is in the log, with the traceback and without the token."""
    session = proxy.open()
    with caplog.at_level(logging.ERROR):
        async with proxy.request("GET", "/broken?x=1", token=session.token) as answer:
            body = await answer.json()
    assert answer.status == 500
    assert body["error"]["type"] == "api_error"
    assert "boom" not in str(body)
    (record,) = [record for record in caplog.records if record.name.startswith("kimi_cli")]
    facts = {"request_id": body["request_id"], "method": "GET", "path": "/broken", "session": session.id}
    assert record.fields == facts
    assert "RuntimeError: boom" in caplog.text
    assert session.token not in caplog.text


async def test_a_failure_after_the_answer_began_cuts_the_connection(proxy: Gate):
    """Half an answer is never made to look whole, and no second answer is put inside it."""
    token = proxy.open().token
    with pytest.raises(ClientError):
        async with proxy.request("GET", "/midway", token=token) as answer:
            await answer.read()
    raw = await proxy.raw(
        f"GET /midway HTTP/1.1\r\nHost: {proxy.authority}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    assert raw.endswith(b"\r\n4\r\nhalf\r\n")


async def test_a_request_whose_session_ends_is_told_so(proxy: Gate, endless: Endless):
    """Whoever waits for an answer when the session ends gets an error, and not silence."""
    session = proxy.open()
    asking = asyncio.create_task(proxy.request("GET", "/endless", token=session.token).__aenter__())
    await endless.begun.wait()
    proxy.sessions.end(session.id, reason="closed")
    async with await asking as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["type"]) == (529, "overloaded_error")
    assert "closed" in error["message"]


async def test_a_client_that_leaves_cancels_its_request(proxy: Gate, endless: Endless):
    """Nothing runs on for a client that has gone."""
    session = proxy.open()
    asking = asyncio.create_task(proxy.request("GET", "/endless", token=session.token).__aenter__())
    await endless.begun.wait()
    asking.cancel()
    async with asyncio.timeout(5):
        await endless.over.wait()
