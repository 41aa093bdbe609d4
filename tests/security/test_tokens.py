"""Every route, whatever is added to them, with every token but the right one."""

from __future__ import annotations

import pytest

from kimi_cli.proxy.guard import CONTROL, OPEN

WRONG = ["", "x", "Bearer", "x" * 43, "x" * 100_00, "../control", "%00", "'or''='", "\u00fc"]


def forms(token: str) -> list[dict[str, str]]:
    """The ways in which a token can be offered."""
    return [{"Authorization": f"Bearer {token}"}, {"x-api-key": token}]


async def ask(target, method, path, headers) -> int:
    async with target.gate.request(method, path, headers=headers) as answer:
        if method != "HEAD" and answer.status >= 400:
            assert (await answer.json())["type"] == "error"
        return answer.status


async def test_the_open_routes_are_these(target):
    """What is served without a token is a list, and nothing on it is more than a sign of life."""
    served = set(target.routes())
    assert served >= OPEN
    assert {method for method, _ in OPEN} == {"GET", "HEAD"}
    assert any(path.startswith(CONTROL) for _, path in served)


async def test_without_the_right_token_no_route_answers(target):
    """No token, a wrong one, or one that is nearly right opens nothing, on any route."""
    right = (target.own.token, target.gate.state.control_token)
    near = [wrong for token in right for wrong in (token[:-1], token + "x", token.swapcase(), token[::-1])]
    for method, path in target.routes():
        if (method, path) in OPEN:
            continue
        for headers in ({}, {"Authorization": "Basic eDp5"}, *(form for token in WRONG for form in forms(token))):
            assert await ask(target, method, path, headers) == 401, (method, path, headers)
        for headers in (form for token in near for form in forms(token)):
            assert await ask(target, method, path, headers) == 401, (method, path, headers)
    target.assert_untouched()


async def test_a_session_commands_nothing(target):
    """A session's token opens no control route, its own session's no more than another's."""
    commands = [(method, path) for method, path in target.routes() if path.startswith(CONTROL)]
    own = [(method, path.replace(target.other.id, target.own.id)) for method, path in commands]
    for method, path in {*commands, *own}:
        for headers in forms(target.own.token):
            assert await ask(target, method, path, headers) == 401, (method, path)
    target.assert_untouched()


async def test_the_control_token_is_nobody_s_session(target):
    """The control token opens no route but those of the control API."""
    for method, path in target.routes():
        if (method, path) not in OPEN and not path.startswith(CONTROL):
            for headers in forms(target.gate.state.control_token):
                assert await ask(target, method, path, headers) == 401, (method, path)
    target.assert_untouched()


async def test_a_session_is_over_when_it_is_over(target):
    """The token of a session that has ended opens nothing any more."""
    token = target.own.token
    assert await ask(target, "GET", "/v1/models", {"x-api-key": token}) == 200
    target.gate.sessions.end(target.own.id, reason="closed")
    assert await ask(target, "GET", "/v1/models", {"x-api-key": token}) == 401


@pytest.mark.parametrize("where", ["?token={}", "?api_key={}", "?x-api-key={}", "/{}"])
async def test_a_token_in_the_address_is_none(target, where):
    """A token counts in a header alone: addresses end up in histories and logs."""
    assert await ask(target, "GET", "/v1/models" + where.format(target.own.token), {}) == 401
    assert await ask(target, "GET", "/v1/models", {"Cookie": f"token={target.own.token}"}) == 401


async def test_nothing_is_told_apart_by_a_refusal(target):
    """Without a token what exists and what does not look alike, and so do right and wrong session ids."""
    seen = set()
    for path in ("/v1/models", "/nothing", "/control/status", "/control/nothing", f"/control/sessions/{target.own.id}"):
        async with target.gate.request("GET", path) as answer:
            body = await answer.json()
            seen.add((answer.status, body["error"]["message"], *sorted(set(answer.headers) - {"Allow"})))
    assert len(seen) == 1
