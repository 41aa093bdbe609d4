"""Hosts that repeat the key in their own words."""

from __future__ import annotations

import json

import pytest

from tests.faults.network import DIALOGS, SAID, answer, ask, head, raw_host
from tests.faults.network_proxy import real_proxy
from tests.proxy.served import served

KEY = "correct-horse-battery-staple"
"""A key of no known form, so that nothing but its being the session's key gives it away."""
SENTENCE = f"Incorrect API key provided: {KEY}. You can find yours (Bearer {KEY}) elsewhere."
AS_JSON = json.dumps({"error": {"message": SENTENCE, "type": "invalid_request_error", "code": KEY}}).encode()
AS_EVENT = b"event: error\ndata: " + AS_JSON.replace(b'{"error"', b'{"type": "error", "error"') + b"\n\n"


def says(status: str, kind: str, body: bytes, *lines: str):
    """A host that answers everything with this."""

    async def script(link):
        await link.send(head(f"Content-Length: {len(body)}", *lines, status=status, kind=kind) + body)

    return script


async def in_the_middle(link):
    await link.begin()
    await link.send(AS_EVENT)


async def in_a_broken_chunk(link):
    await link.begin()
    await link.send(b"event: message_delta\ndata: " + KEY.encode() + b"\n\n")


ECHOES = {
    "401": says("401 Unauthorized", "application/json", AS_JSON),
    "400": says("400 Bad Request", "application/json", AS_JSON),
    "429": says("429 Slow", "application/json", AS_JSON, f"retry-after: {KEY}", f"x-request-id: {KEY}"),
    "500 as text": says("500 Sorry", "text/plain", SENTENCE.encode()),
    "502 as a page": says("502 Bad Gateway", "text/html", f"<p>{SENTENCE}</p><!-- {KEY} -->".encode()),
    "its status line": says(f"403 {KEY}", "text/plain", b""),
    "a redirect": says("302 Found", "text/plain", b"", f"Location: http://127.0.0.1:9/{KEY}"),
    "an event at the start": says("200 OK", "text/event-stream", AS_EVENT),
    "an error in place of an answer": says("200 OK", "application/json", AS_JSON),
    "an event in the middle": in_the_middle,
    "an event that is no JSON": in_a_broken_chunk,
    "its content type": says("200 OK", f"text/{KEY}", SENTENCE.encode()),
    "a head that cannot be read": says("200 OK", "text/plain", b"", f"X {KEY}"),
}


@pytest.fixture(params=DIALOGS.values(), ids=DIALOGS)
def dialog(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["stream", "whole"])
def stream(request):
    return request.param


@pytest.mark.parametrize("debug", [False, True])
async def test_a_key_that_a_host_repeats_goes_no_further(dialog, stream, debug, sandbox):
    """Neither the client nor the log gets it, at any level of detail, whatever the host says it in."""
    with real_proxy(sandbox, debug=debug) as proxy:
        async with raw_host(dialog, answer) as host:
            session = proxy.open(dialog.route(host.origin, key=KEY))
            host.heard.set()
            for name, script in ECHOES.items():
                host.script = script
                answered = await ask(proxy.base_url, session.token, stream=stream)
                assert answered.failure["message"], name
                assert KEY not in answered.body.decode(), name
                assert KEY not in str(answered.headers), name
            host.script = answer
            assert (await ask(proxy.base_url, session.token, stream=stream)).text == SAID
            assert all(KEY.encode() in link.request for link in host.links)
            assert not any(session.token.encode() in link.request for link in host.links)
    assert "Incorrect API key provided" in proxy.log
    for secret in (KEY, session.token, proxy.control.state.control_token):
        assert secret not in proxy.log


@pytest.mark.parametrize("name", ["400", "an event at the start", "an event in the middle"])
async def test_what_is_left_of_the_sentence_is_passed_on(dialog, name, tmp_path):
    """The user reads what the host said, without the key in it."""
    stream = name != "400"
    async with raw_host(dialog, ECHOES[name]) as host, served(dialog.route(host.origin, key=KEY), tmp_path) as proxy:
        host.heard.set()
        answered = await ask(proxy.base_url, proxy.session.token, stream=stream)
    assert "Incorrect API key provided: [redacted]. You can find yours (" in answered.failure["message"]


async def test_a_key_that_is_a_word_is_no_secret(dialog, stream, tmp_path):
    """Local servers want any key at all; a word in its place is left in sentences."""
    refusal = says("400 Bad Request", "text/plain", b"none of the models is loaded")
    async with raw_host(dialog, refusal) as host, served(dialog.route(host.origin, key="none"), tmp_path) as proxy:
        answered = await ask(proxy.base_url, proxy.session.token, stream=stream)
    assert "none of the models is loaded" in answered.failure["message"]
