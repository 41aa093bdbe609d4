"""`kimi model` and `kimi models`, without a terminal."""

from __future__ import annotations

import json
import os
import tomllib

import pytest

from kimi_cli.store.paths import Paths
from tests.cli.run import kimi
from tests.doubles.groq import KIMI, Groq
from tests.doubles.serve import running


@pytest.fixture
def double():
    """A host that serves three models, chosen as the provider."""
    found = Groq()
    with running(found):
        kimi("provider", "groq", "--base-url", found.base_url)
        yield found


def slots() -> dict:
    """What the settings hold for the provider."""
    return tomllib.loads(Paths.find(os.environ).settings_file.read_text())["providers"]["groq"]


def test_the_list_says_what_is_live(double):
    """Each model has its facts and its standing at the host, whole ids included."""
    ran = kimi("models", "--json", GROQ_API_KEY=double.key)
    rows = {row["id"]: row for row in json.loads(ran.out)["models"]}
    assert rows[KIMI]["standing"] == "live"
    assert rows[KIMI]["slots"] == ["main"]
    assert rows["moonshotai/kimi-k2-instruct"]["standing"] == "retired"
    assert rows["openai/gpt-oss-20b"]["standing"] == "not listed"
    assert KIMI in kimi("models", GROQ_API_KEY=double.key).out


def test_a_host_out_of_reach_is_a_warning(double):
    """Where the host does not answer, the catalogue is shown, with a word about it."""
    kimi("provider", "groq", "--base-url", "http://127.0.0.1:9/v1")
    ran = kimi("models", GROQ_API_KEY=double.key)
    assert ran.status == 0
    assert "could not be reached" in ran.err
    assert "unknown" in ran.out


def test_choosing_a_model_and_a_slot(double):
    """A model is set for the provider, and another one behind a slot; both show."""
    kimi("model", KIMI, GROQ_API_KEY=double.key)
    kimi("model", "openai/gpt-oss-120b", "--slot", "haiku", GROQ_API_KEY=double.key)
    assert slots()["model"] == KIMI
    assert slots()["slots"] == {"haiku": "openai/gpt-oss-120b"}
    assert kimi("model", GROQ_API_KEY=double.key).out.split() == ["main", KIMI, "haiku", "openai/gpt-oss-120b"]


def test_a_model_that_is_not_listed_is_set_with_a_warning(double):
    """The user may know better than the list, and is told what it says."""
    ran = kimi("model", "kimi-k9", GROQ_API_KEY=double.key)
    assert ran.status == 0
    assert "does not list kimi-k9" in ran.err
    assert slots()["model"] == "kimi-k9"


def test_an_unknown_slot_is_a_usage_error(double):
    """There are four slots."""
    ran = kimi("model", KIMI, "--slot", "fast", GROQ_API_KEY=double.key)
    assert ran.status == 2
    assert "opus, sonnet, haiku, subagent" in ran.err


def test_without_a_provider_it_says_so():
    """Models are a provider's."""
    assert kimi("models").status == 3
