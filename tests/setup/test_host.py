"""What a host says to a key, and which of its models can be offered."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kimi_cli.providers.catalogue import PROVIDERS, customised
from kimi_cli.record import replace
from kimi_cli.setup.host import Verdict, ask_host, offers
from kimi_cli.store.live_models import LiveModel
from tests.doubles.groq import KIMI, MODELS, Groq
from tests.doubles.serve import running

TODAY = date(2026, 11, 23)
GROQ = PROVIDERS["groq"]


@contextmanager
def saying(status: int, body: bytes):
    """A host that gives everybody the same answer; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def at(url: str):
    """Groq behind this address."""
    return customised(GROQ, base_url=url)


def test_a_key_that_is_taken():
    """A list of models is a key that was taken."""
    double = Groq()
    with running(double) as url:
        answer = ask_host(at(url), double.key)
    assert answer.verdict is Verdict.ACCEPTED
    assert [model.id for model in answer.models] == list(MODELS)
    assert answer.sentence == ""


@pytest.mark.parametrize("key", ["gsk_wrong0123456789", None])
def test_a_key_that_is_refused(key):
    """A refusal says so in the host's words, and does not repeat the key."""
    double = Groq()
    with running(double) as url:
        answer = ask_host(at(url), key)
    assert (answer.verdict, answer.models) == (Verdict.REFUSED, ())
    assert "refused the key (401): Invalid API Key." in answer.sentence
    assert "wrong0123456789" not in answer.sentence


def test_a_host_out_of_reach():
    """Nobody there is not a refusal."""
    with running(Groq()) as url:
        pass
    assert ask_host(at(url), "k").verdict is Verdict.UNREACHABLE


def test_a_host_that_never_answers():
    """A host that is silent is given up on, in the time that was given."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = ask_host(at(f"http://127.0.0.1:{silent.getsockname()[1]}/v1"), "k", seconds=0.2)
    assert answer.verdict is Verdict.UNREACHABLE


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b'{"data": 1}'), (404, b"{}"), (500, b""), (302, b"")]
)
def test_an_answer_that_is_no_list(status, body):
    """Anything else leaves it open whether the key is good."""
    with saying(status, body) as url:
        answer = ask_host(at(url), "k")
    assert (answer.verdict, answer.models) == (Verdict.NO_LIST, ())
    assert answer.sentence.endswith(".")


def test_offers_without_a_list():
    """Where the host gave no list the catalogue's models that are served are offered, Kimi first."""
    assert [offer.model.id for offer in offers(GROQ, None, today=TODAY)] == [
        "openai/gpt-oss-120b",
        "openai/gpt-oss-20b",
        "qwen/qwen3.8-27b",
    ]
    before = offers(GROQ, None, today=date(2026, 1, 1))
    assert before[0].model.id == KIMI
    assert {offer.is_live for offer in before} == {None}


def test_offers_of_a_list():
    """Of a list the known and the Kimi models are offered, Kimi first, with what the list says of them."""
    live = [
        LiveModel("z/other"),
        LiveModel("openai/gpt-oss-20b", context_window=5),
        LiveModel("new/Kimi-K9", vision=True),
    ]
    found = offers(GROQ, live, today=TODAY)
    assert [offer.model.id for offer in found] == ["new/Kimi-K9", "openai/gpt-oss-20b"]
    assert found[0].model.vision
    assert (found[1].model.context_window, found[1].model.price.input) == (5, 0.075)
    assert {offer.is_live for offer in found} == {True}


def test_offers_of_an_empty_list():
    """A host that lists nothing has nothing to offer, whatever the catalogue says."""
    assert offers(PROVIDERS["moonshot"], [], today=TODAY) == []


def test_a_host_of_the_users_own():
    """A host that is in no catalogue offers its Kimi models."""
    own = replace(PROVIDERS["custom"], base_url="http://127.0.0.1:9/v1")
    found = offers(own, [LiveModel("llama"), LiveModel("my-kimi")], today=TODAY)
    assert [offer.model.id for offer in found] == ["my-kimi"]
