"""The catalogue: what must hold for every entry, and what we know of some."""

from __future__ import annotations

from collections import Counter
from datetime import date
from urllib.parse import urlsplit

import pytest

from kimi_cli.errors import ProviderUnknownError
from kimi_cli.providers.catalogue import PROVIDERS, customised, find_provider, model_facts
from kimi_cli.providers.dialect import DIALECTS
from kimi_cli.providers.model import Model, Price, Thinking
from kimi_cli.providers.provider import Format, is_kimi
from kimi_cli.record import replace

TODAY = date(2026, 11, 23)
EVERY = list(PROVIDERS.values())
MODELS = [(provider, model) for provider in EVERY for model in provider.models]

every_provider = pytest.mark.parametrize("provider", EVERY, ids=lambda provider: provider.id)
every_model = pytest.mark.parametrize(
    ("provider", "model"), MODELS, ids=[f"{provider.id}:{model.id}" for provider, model in MODELS]
)


def test_the_hosts():
    """These are the hosts, under these names."""
    assert set(PROVIDERS) == {
        "moonshot",
        "moonshot-cn",
        "openrouter",
        "fireworks",
        "together",
        "deepinfra",
        "baseten",
        "novita",
        "groq",
        "custom",
    }
    assert all(PROVIDERS[provider.id] is provider for provider in EVERY)


@every_provider
def test_addresses(provider):
    """Addresses are https, have no slash at the end and no query; only the user's own host has none yet."""
    for url in (provider.base_url, provider.models_url, provider.keys_url):
        if provider.id == "custom":
            assert url == ""
            continue
        parts = urlsplit(url)
        assert parts.scheme == "https"
        assert parts.hostname
        assert not (parts.username)
        assert not (parts.query)
        assert not (parts.fragment)
        assert not (url.endswith("/"))


@every_provider
def test_live_list_is_at_the_same_host(provider):
    """The live list, which is asked with the key, is at the host that the key is for."""
    assert urlsplit(provider.models_url).hostname == urlsplit(provider.base_url).hostname


@every_provider
def test_texts(provider):
    """Names are short and notes are sentences."""
    assert 0 < len(provider.name) <= 20
    assert provider.id == provider.id.lower()
    assert not provider.note or provider.note.endswith(".")


@every_provider
def test_dialect_exists(provider):
    """Every provider's dialect is one of those that there are."""
    assert provider.dialect is DIALECTS[provider.dialect_name]


def test_variables_mean_one_provider():
    """No environment variable holds the keys of two providers, so that a key tells which one is meant."""
    counts = Counter(variable for provider in EVERY for variable in provider.key_variables)
    assert set(counts.values()) == {1}
    assert all(provider.key_variables for provider in EVERY)
    assert all(variable == variable.upper() and variable.isascii() for variable in counts)


@every_provider
def test_model_ids_are_unique(provider):
    """No host lists a model twice."""
    ids = [model.id for model in provider.models]
    assert len(ids) == len(set(ids))


@every_model
def test_limits(provider, model):
    """An answer fits into the window, and what Claude Code asks for fits where the model is served."""
    assert 0 < model.max_output <= model.context_window <= 1_048_576
    if model.retired is None and "k2-" not in model.id.lower():
        assert model.max_output >= 16_384


@every_model
def test_prices(provider, model):
    """Prices are positive, and cached tokens never cost more than new ones."""
    if model.price is None:
        return
    assert 0 < model.price.input <= model.price.output
    assert model.price.cached is None or 0 < model.price.cached <= model.price.input


@every_model
def test_successors_are_served(provider, model):
    """A retired model names a successor that the same host serves today; others name none."""
    if model.retired is None:
        assert model.successor is None
        return
    successor = provider.model(model.successor)
    assert successor is not None
    assert not successor.is_retired(today=TODAY)


@every_model
def test_efforts_need_thinking(provider, model):
    """Only a model that reasons takes efforts, and each of them once."""
    assert len(set(model.efforts)) == len(model.efforts)
    assert not model.efforts or model.thinking is not Thinking.NEVER


@pytest.mark.parametrize(
    ("provider_id", "model_id"),
    [
        ("moonshot", "kimi-k3"),
        ("moonshot-cn", "kimi-k3"),
        ("openrouter", "moonshotai/kimi-k3"),
        ("fireworks", "accounts/fireworks/models/kimi-k3"),
        ("together", "moonshotai/Kimi-K3"),
        ("deepinfra", "moonshotai/Kimi-K3"),
        ("baseten", "moonshotai/Kimi-K3"),
        ("novita", "moonshotai/kimi-k3"),
        ("groq", None),
        ("custom", None),
    ],
)
def test_defaults(provider_id, model_id):
    """The default of every host is a Kimi model that it serves today; Groq has none, and its others do not step in."""
    default = PROVIDERS[provider_id].default_model(today=TODAY)
    assert (default.id if default else None) == model_id
    assert default is None or (is_kimi(default.id) and not default.is_retired(today=TODAY))


def test_groq_then_and_now():
    """Groq served Kimi until its last day, says that it does no more, and serves other models."""
    groq = PROVIDERS["groq"]
    assert groq.default_model(today=date(2026, 4, 14)).id == "moonshotai/kimi-k2-instruct-0905"
    assert groq.default_model(today=date(2026, 4, 15)) is None
    assert groq.model("moonshotai/kimi-k2-instruct").retired == date(2025, 10, 10)
    assert "2026-04-15" in groq.note
    assert groq.model("openai/gpt-oss-120b").price == Price(0.15, 0.60, 0.075)


def test_moonshot():
    """Moonshot is spoken to in Anthropic's format, its live list is on the other surface, and China is its own host."""
    moonshot, china = PROVIDERS["moonshot"], PROVIDERS["moonshot-cn"]
    assert moonshot.format is china.format is Format.ANTHROPIC
    assert moonshot.base_url == "https://api.moonshot.ai/anthropic"
    assert moonshot.models_url == "https://api.moonshot.ai/v1/models"
    assert china.base_url == "https://api.moonshot.cn/anthropic"
    assert [model.id for model in china.models] == [model.id for model in moonshot.models]
    assert not any(model.price for model in china.models)
    assert moonshot.model("kimi-k3").efforts == ("low", "high", "max")
    assert moonshot.model("kimi-k2.6").thinking is Thinking.SWITCHABLE
    assert moonshot.model("kimi-k2.7-code").forced_tools is False
    assert moonshot.model("kimi-k2-0905-preview").retired == date(2026, 5, 25)


@pytest.mark.parametrize("name", ["groq", "GROQ", " Groq "])
def test_finds(name):
    """A provider is found by its id, however it is written."""
    assert find_provider(name) is PROVIDERS["groq"]


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("grok", "groq"),
        ("moonshoot", "moonshot"),
        ("moonshot_cn", "moonshot-cn"),
        ("firework", "fireworks"),
        ("openruter", "openrouter"),
        ("kimi", "moonshot"),
        ("vllm", "custom"),
        ("zzz", None),
        ("", None),
    ],
)
def test_suggests(name, suggestion):
    """A name that is none leads to the one that was probably meant, or to the list."""
    with pytest.raises(ProviderUnknownError) as caught:
        find_provider(name)
    assert caught.value.suggestion == suggestion
    assert caught.value.fix == (f"kimi provider {suggestion}" if suggestion else "kimi provider list")


def test_finds_among_others():
    """Where there are more providers than the catalogue's, they are found and suggested too."""
    providers = {**PROVIDERS, "local-vllm": replace(PROVIDERS["custom"], id="local-vllm")}
    assert find_provider("Local-vLLM", providers=providers).id == "local-vllm"
    with pytest.raises(ProviderUnknownError) as caught:
        find_provider("local-vlm", providers=providers)
    assert caught.value.suggestion == "local-vllm"
    assert caught.value.known == tuple(providers)


def test_suggests_only_what_there_is():
    """A name that people try leads to a provider only where that provider is one of those in question."""
    with pytest.raises(ProviderUnknownError) as caught:
        find_provider("vllm", providers={"groq": PROVIDERS["groq"]})
    assert caught.value.suggestion is None


def test_facts_of_a_listed_model():
    """A model of the catalogue comes with its facts, and the live list's go over them."""
    provider = PROVIDERS["deepinfra"]
    known = provider.model("moonshotai/Kimi-K3")
    assert model_facts(provider, known.id) == known
    assert model_facts(provider, known.id, window=1_048_576) == replace(known, context_window=1_048_576)
    assert model_facts(provider, known.id, vision=False) == replace(known, vision=False)
    small = model_facts(provider, known.id, window=8_192)
    assert (small.context_window, small.max_output) == (8_192, 8_192)


def test_facts_of_an_unknown_model():
    """A model that is in no catalogue gets cautious facts, and the live list's go over them."""
    provider = PROVIDERS["custom"]
    assert model_facts(provider, "kimi-k9-thinking") == Model(
        id="kimi-k9-thinking", context_window=131_072, max_output=16_384, thinking=Thinking.NEVER
    )
    told = model_facts(provider, "kimi-k9", window=2_000_000, vision=True)
    assert (told.context_window, told.max_output, told.vision) == (2_000_000, 16_384, True)
    assert model_facts(provider, "kimi-k9", window=0).context_window == 131_072


def test_customised():
    """What the user changed replaces the catalogue's; behind another address keys may look like anything."""
    groq, moonshot = PROVIDERS["groq"], PROVIDERS["moonshot"]
    assert customised(groq) == groq
    assert customised(groq, base_url=groq.base_url) == groq
    gate = customised(groq, base_url="https://gate.example/v1", key_variable="GATE_KEY")
    assert (gate.base_url, gate.models_url) == ("https://gate.example/v1", "https://gate.example/v1/models")
    assert (gate.key_prefixes, gate.key_variables, gate.models) == ((), ("GATE_KEY",), groq.models)
    relay = customised(moonshot, base_url="https://gate.example")
    assert (relay.format, relay.models_url) == (Format.ANTHROPIC, "https://gate.example/v1/models")
    other = customised(moonshot, base_url="https://gate.example/v1", format=Format.OPENAI)
    assert (other.format, other.models_url) == (Format.OPENAI, "https://gate.example/v1/models")
