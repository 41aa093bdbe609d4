"""The control API, where no launcher of ours would go."""

from __future__ import annotations

import pytest

from kimi_cli.proxy.control import CONTROL_BODY_LIMIT
from kimi_cli.store.identity import ProcessIdentity
from tests.proxy.gate import Gate, gate, make_session


@pytest.fixture
async def proxy(tmp_path):
    async with gate(tmp_path) as proxy:
        yield proxy


def opening(**changes) -> dict:
    me = ProcessIdentity.current().to_json()
    return {"route": make_session().route.to_json(), "owners": [me], "project": "/p"} | changes


async def ask(proxy: Gate, method: str, path: str, **given) -> tuple[int, dict]:
    async with proxy.request(method, path, token=proxy.state.control_token, **given) as answer:
        return answer.status, await answer.json()


async def test_a_session_is_opened_and_closed(proxy: Gate):
    """A session comes with a token that nobody could guess, and goes when it is closed."""
    status, opened = await ask(proxy, "POST", "/control/sessions", json=opening())
    assert status == 200
    assert len(opened["token"]) >= 32
    assert proxy.sessions.by_token(opened["token"]).id == opened["id"]
    assert (await ask(proxy, "DELETE", f"/control/sessions/{opened['id']}"))[0] == 200
    assert (await ask(proxy, "DELETE", f"/control/sessions/{opened['id']}"))[0] == 404
    assert len(proxy.sessions) == 0


@pytest.mark.parametrize(
    "body",
    [
        "{", "[]", "1", "", "null", {}, {"owners": []},
        opening(owners=[]), opening(owners={}), opening(owners=[{"pid": True, "created": 1}]), opening(owners=None),
        opening(owners=[{"pid": -1, "created": 1.0}]), opening(owners=[{"pid": 1}]), opening(route={}),
        opening(route=make_session().route.to_json() | {"models": []}),
        opening(route=make_session().route.to_json() | {"dialect": "klingon"}),
        opening(token=7), opening(files=[1]), opening(files=7),
    ],
)  # fmt: skip
async def test_what_is_no_opening_is_refused(proxy: Gate, body):
    """Whatever is wrong with a request is said, and nothing is opened."""
    given = {"data": body} if isinstance(body, str) else {"json": body}
    status, answer = await ask(proxy, "POST", "/control/sessions", **given)
    assert (status, answer["error"]["type"]) == (400, "invalid_request_error")
    assert len(proxy.sessions) == 0


async def test_a_body_is_counted_as_it_comes(proxy: Gate):
    """A body without an announced length is cut off at the limit."""

    async def body():
        for _ in range(3):
            yield b" " * (CONTROL_BODY_LIMIT // 2)

    status, answer = await ask(proxy, "POST", "/control/sessions", data=body())
    assert (status, answer["error"]["type"]) == (413, "request_too_large")


async def test_a_stop_waits_for_sessions_unless_forced(proxy: Gate):
    """A stop is refused while a session runs, and taken with force."""
    proxy.open()
    status, answer = await ask(proxy, "POST", "/control/stop", json={"force": False})
    assert (status, answer["error"]["type"]) == (409, "conflict_error")
    assert not proxy.sessions.is_closing
    assert (await ask(proxy, "POST", "/control/stop", json={"force": True}))[0] == 200
    assert proxy.sessions.is_closing
    status, answer = await ask(proxy, "POST", "/control/sessions", json=opening())
    assert (status, answer["error"]["type"]) == (503, "api_error")


async def test_status_shows_no_secret(proxy: Gate):
    """Neither a token nor a key is in the status."""
    session = proxy.open()
    status, answer = await ask(proxy, "GET", "/control/status")
    assert status == 200
    assert [one["id"] for one in answer["sessions"]] == [session.id]
    for secret in (session.token, session.route.key, proxy.state.control_token):
        assert secret not in str(answer)
