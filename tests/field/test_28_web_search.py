"""Claude Code's WebSearch finds something.

It is a request of its own whose only tool is Anthropic's `web_search`. It is answered as Anthropic answers it: the
model searches, by the engine of the user's choice, and the client gets calls, results with their addresses, and a text.
"""

from __future__ import annotations

import os

import pytest

from kimi_cli.store.paths import Paths
from tests.doubles.scenario import Call, Scenario, call, say
from tests.doubles.searxng import running_searxng

pytestmark = pytest.mark.claude

QUERY = "kimi k3 window"
ALLOWED = 8
"""How many searches the client allows for one call of its tool."""


def searches(ask) -> bool:
    """Whether this is a step of WebSearch's own request."""
    return ask.tools == ("web_search",)


def choose_searxng(engine):
    """Have the user's sessions search there."""
    settings = Paths.find(os.environ).settings_file
    choice = f'[search]\nengine = "searxng"\nbase_url = "{engine.origin}"\n'
    settings.write_text(f"{settings.read_text()}{choice}")


def found(ask):
    """The model searches, and then says what it has found."""
    if ask.result:
        return say(f"Found: {'docs.moonshot.example' in ask.result}, {'spam.example' in ask.result}.")
    return call(Call("web_search", {"query": QUERY}))


@pytest.mark.parametrize("stage", ["groq", "moonshot"], indirect=True)
def test_the_client_gets_results(stage):
    """The model is told the addresses and what was found there, without those that it wanted left out."""
    asked = call(Call("WebSearch", {"query": QUERY, "blocked_domains": ["spam.example"]}))
    stage.double.scenario = Scenario(asked, lambda ask: say(ask.result), rules=[(searches, found)])
    with running_searxng() as engine:
        choose_searxng(engine)
        done = stage.launch("-p", "How large is its window?", "--allowedTools", "WebSearch")
        assert engine.queries == [f"{QUERY} -site:spam.example"]
    assert done.status == 0, done
    assert "https://docs.moonshot.example/k3" in done.stdout
    assert "https://spam.example" not in done.stdout
    assert "Found: True, False." in done.stdout


@pytest.mark.parametrize("stage", ["moonshot"], indirect=True)
def test_the_clients_limits(stage):
    """Beyond the searches that the client allows, and outside of the domains that it names, nothing is found."""
    told = []

    def greedy(ask):
        if not ask.results:
            return call(*(Call("web_search", {"query": f"{QUERY} {number}"}) for number in range(ALLOWED + 2)))
        told.extend(result.text for result in ask.results)
        return say("Enough.")

    asked = call(Call("WebSearch", {"query": QUERY, "allowed_domains": ["docs.moonshot.example"]}))
    stage.double.scenario = Scenario(asked, lambda ask: say(ask.result), rules=[(searches, greedy)])
    with running_searxng() as engine:
        choose_searxng(engine)
        done = stage.launch("-p", "How large is its window?", "--allowedTools", "WebSearch")
        assert len(engine.queries) == ALLOWED
        assert all(query.endswith(" site:docs.moonshot.example") for query in engine.queries)
    assert done.status == 0, done
    assert sum("No more searches" in text for text in told) == 2
    assert sum("docs.moonshot.example/k3" in text for text in told) == ALLOWED
    assert not any("blog.example" in text or "spam.example" in text for text in told)
    assert "max_uses_exceeded" in done.stdout


@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_without_an_engine(stage):
    """Where nothing can search, the model is told so, and never that nothing was found."""
    asked = call(Call("WebSearch", {"query": QUERY}))
    told = []

    def answered(ask):
        if not ask.result:
            return call(Call("web_search", {"query": QUERY}))
        told.append(ask.result)
        return say("It cannot be searched.")

    stage.double.scenario = Scenario(asked, lambda ask: say(ask.result), rules=[(searches, answered)])
    settings = Paths.find(os.environ).settings_file
    settings.write_text(f'{settings.read_text()}[search]\nengine = "off"\n')
    done = stage.launch("-p", "How large is its window?", "--allowedTools", "WebSearch")
    assert done.status == 0, done
    assert "switched off" in told[0]
    assert "unavailable" in done.stdout
