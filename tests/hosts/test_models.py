"""Reading what hosts answer when they are asked for their models."""

from __future__ import annotations

import json

import pytest

from kimi_cli.errors import HostError
from kimi_cli.hosts.failure import HostAnswerError, KeyRefusedError
from kimi_cli.store.live_models import LiveModel
from tests.hosts.asking import KEY, answering, ask


@pytest.mark.parametrize(
    ("entry", "model"),
    [
        ({"id": "a"}, LiveModel("a")),
        ({"id": "a", "context_window": 131072}, LiveModel("a", 131072)),
        ({"id": "a", "context_length": 262144, "supports_image_in": True}, LiveModel("a", 262144, vision=True)),
        ({"id": "a", "context_length": 262144, "supports_image_in": False}, LiveModel("a", 262144, vision=False)),
        ({"id": "a", "max_model_len": 32768}, LiveModel("a", 32768)),
        ({"id": "a", "max_context_length": 8192}, LiveModel("a", 8192)),
        ({"id": "a", "context_size": 8192}, LiveModel("a", 8192)),
        ({"id": "a", "max_input_tokens": 8192, "max_output_tokens": 64}, LiveModel("a", 8192)),
        ({"id": "a", "metadata": {"context_length": 8192}}, LiveModel("a", 8192)),
        ({"id": "a", "architecture": {"input_modalities": ["text", "image"]}}, LiveModel("a", vision=True)),
        ({"id": "a", "architecture": {"input_modalities": ["text"]}}, LiveModel("a", vision=False)),
        ({"id": "a", "supports_image_input": True}, LiveModel("a", vision=True)),
        ({"id": "a", "context_length": None, "context_window": 5}, LiveModel("a", 5)),
        ({"id": "a", "context_length": "131072"}, LiveModel("a")),
        ({"id": "a", "context_length": True}, LiveModel("a")),
        ({"id": "a", "context_length": -1}, LiveModel("a")),
        ({"id": "a", "context_length": 0, "metadata": None, "architecture": "moe"}, LiveModel("a")),
        ({"id": "a", "supports_image_in": "yes"}, LiveModel("a")),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_entries(host, entry, model):
    """The window and vision of a model are found under every name that hosts give them."""
    host.answer = answering({"object": "list", "data": [entry]})
    assert ask(host) == (model,)


@pytest.mark.parametrize(
    "whole", [{"data": [{"id": "b"}, {"id": "a"}]}, [{"id": "b"}, {"id": "a"}]], ids=["data", "bare"]
)
def test_lists(host, whole):
    """A list is read in the host's order, bare as well as in OpenAI's form."""
    host.answer = answering(whole)
    assert ask(host) == (LiveModel("b"), LiveModel("a"))


def test_empty_list(host):
    """A host that serves nothing gives an empty list, which is no error."""
    host.answer = answering({"data": []})
    assert ask(host) == ()


def test_entries_that_are_none(host):
    """Entries without a usable id are passed over."""
    bad = [
        None,
        5,
        "x",
        [],
        {},
        {"id": None},
        {"id": ""},
        {"id": 5},
        {"id": "a\x1b[2J"},
        {"id": "a\nb"},
        {"id": "a" * 300},
    ]
    host.answer = answering({"data": [*bad, {"id": "good"}]})
    assert ask(host) == (LiveModel("good"),)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "Invalid API Key", "type": "x"}}, ": Invalid API Key."),
        ({"error": "bad key"}, ": bad key."),
        ({"message": "no\nsuch \x1b[31mkey."}, ": no such [31mkey."),
        ({"detail": "Unauthorized"}, ": Unauthorized."),
        ({"error": {"code": 5}}, ")."),
        ({"error": {"message": "m" * 500}}, ": " + "m" * 200),
        ("<html><h1>Forbidden</h1></html>", ")."),
        ("", ")."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_refused_keys(host, status, body, said):
    """A refused key is told with the host's own words, on one line, and the command for another."""
    host.answer = answering(body, status=status)
    with pytest.raises(KeyRefusedError) as caught:
        ask(host, provider_id="groq")
    assert str(caught.value).startswith(f"127.0.0.1 refused the key ({status})")
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    assert caught.value.fix == "kimi set-key groq"
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503, 204, 304])
def test_other_statuses(host, status):
    """Any other status is an answer without a list, with the status and the host's words."""
    host.answer = answering({"error": {"message": "not now"}}, status=status)
    with pytest.raises(HostAnswerError) as caught:
        ask(host)
    assert caught.value.status == status
    assert f"status {status}" in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        "<!doctype html><p>Sign in to the network</p>",
        "",
        "null",
        "5",
        '"models"',
        "{}",
        '{"data": {}}',
        "[" * 90_000,
        b"\xff\xfe",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_answers_of_another_form(host, body):
    """A page of a hotel's network, or anything else that is no list, is told as such."""
    host.answer = answering(body, content_type="text/html")
    with pytest.raises(HostAnswerError, match="another form"):
        ask(host)


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 500])
def test_no_error_holds_the_key(host, status):
    """Whatever a host repeats, our error does not hold the key."""
    body = {"error": {"message": f"bad key {KEY}"}, "message": KEY, "data": KEY}
    host.answer = answering(body, status=status, Location=f"https://{KEY.replace('_', '-')}.example/{KEY}")
    with pytest.raises(HostError) as caught:
        ask(host)
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value.__dict__)
