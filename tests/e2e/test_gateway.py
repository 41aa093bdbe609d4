"""What the user of a team's LiteLLM gets beside conversations: its list of models, whole answers, and its refusals."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest

from tests.doubles.scenario import HttpError, Scenario, say

if TYPE_CHECKING:
    from tests.doubles.scenario import JsonObject
    from tests.e2e.stage import Stage

pytestmark = pytest.mark.claude
BOTH = pytest.mark.parametrize("stage", ["litellm-chat", "litellm-messages"], indirect=True)
LIMIT = "Your account org-3f8a1b2c4d5e request reached organization max RPM: 3, please try again after 1 seconds"
LONG = "Invalid request: Your request exceeded model token limit : 1048576"


def ask(served: JsonObject) -> tuple[int, JsonObject, dict[str, str]]:
    """One question that is not streamed, to `kimi serve`."""
    body = {"model": "kimi-k3", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello?"}]}
    request = urllib.request.Request(
        f"{served['base_url']}/v1/messages",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {served['token']}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return answer.status, json.load(answer), dict(answer.headers)
    except HTTPError as error:
        with error:
            return error.code, json.load(error), dict(error.headers)


@BOTH
def test_its_list_tells_the_window(stage: Stage) -> None:
    """The model is found in the gateway's list, with the window that stands there."""
    done = stage.run(*stage.command("models", "--json"))
    (model,) = [one for one in json.loads(done.stdout)["models"] if one["id"] == "kimi-k3"]
    assert (model["standing"], model["context_window"]) == ("live", 1_048_576), done.stderr


@BOTH
def test_whole_answers_and_the_hosts_refusals(stage: Stage) -> None:
    """An answer comes whole where that is asked for; the host's refusals come as its own sentence, on one line."""
    refusals = [
        (HttpError(429, {"error": {"message": LIMIT, "type": "rate_limit_reached_error"}}), (429, "rate_limit_error")),
        (HttpError(400, {"error": {"message": LONG, "type": "invalid_request_error"}}), (400, "invalid_request_error")),
        (HttpError(503, {"error": {"message": "busy", "type": "engine_overloaded_error"}}), (529, "overloaded_error")),
    ]
    said = []
    with stage.serving() as served:
        stage.double.scenario = Scenario(default=say("Hello", " there."))
        status, message, _ = ask(served)
        assert (status, message["content"][-1]["text"]) == (200, "Hello there.")
        for answer, expected in refusals:
            stage.double.scenario = Scenario(default=answer)
            status, message, _ = ask(served)
            assert (status, message["error"]["type"]) == expected
            said.append(message["error"]["message"])
    assert said[0].endswith("Your account request reached organization max RPM: 3, please try again after 1 seconds")
    assert said[1].startswith("prompt is too long: ")
    assert said[2].endswith("busy")
    assert not any("itellm" in sentence or "\n" in sentence for sentence in said), said


@BOTH
@pytest.mark.parametrize(
    ("key", "status", "kind", "says"),
    [
        ("sk-team-spent", 402, "billing_error", "Budget has been exceeded! Key=ada"),
        ("sk-team-hurried", 429, "rate_limit_error", "Rate limit exceeded for api_key: "),
        ("sk-team-nobody", None, "authentication_error", "Invalid proxy server token passed."),
    ],
)
def test_its_own_refusals(stage: Stage, key: str, status: int | None, kind: str, says: str) -> None:
    """A key without money, without patience or without an owner is told from each other, and neither key is shown."""
    stage.key = key
    with stage.serving() as served:
        answered, message, headers = ask(served)
    error = message["error"]
    assert error["type"] == kind, error
    assert status in (None, answered)
    assert says in error["message"]
    assert "\n" not in error["message"]
    assert (headers.get("x-should-retry") == "false") is (kind != "rate_limit_error")
    assert "a1a1" not in error["message"], "what LiteLLM stores of a key"
    assert stage.asks == []
