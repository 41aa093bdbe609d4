"""Every value that a launch would go by, with where it comes from."""

from __future__ import annotations

from datetime import date

import pytest

from kimi_cli.errors import SettingsError
from kimi_cli.setup.values import Value, effective_values
from kimi_cli.store.keyring_backend import KeyringFault
from kimi_cli.store.live_models import LiveModel, write_live
from kimi_cli.store.project import PROJECT_FILE
from kimi_cli.store.settings import choose_provider, save_provider
from kimi_cli.store.wanted import Origin
from tests.store.rings import FakeKeyring

TODAY = date(2026, 11, 23)
NAMES = [
    *("provider", "model", "base_url", "format", "key"),
    *("slots.opus", "slots.sonnet", "slots.haiku", "slots.subagent", "fallback", "ledger", "search"),
    *("progress.emoji", "progress.starting", "progress.thinking", "progress.executing"),
    *("progress.executed", "progress.failed", "progress.stopped"),
    *("KIMI_PROXY_PORT", "KIMI_IDLE_GRACE", "KIMI_RETRY_SECONDS", "KIMI_KEYRING_TIMEOUT"),
    *("KIMI_MAX_TOOL_ITERATIONS", "KIMI_WORKING_DIR", "KIMI_CLAUDE", "KIMI_DEBUG"),
]


@pytest.fixture
def cwd(sandbox):
    """A repository."""
    cwd = sandbox.home.resolve() / "repository"
    cwd.mkdir()
    return cwd


@pytest.fixture
def values(paths, cwd, sandbox):
    """All values by name, in this environment and with this keyring."""

    def look(ring=None, **given):
        environ = {
            **sandbox.environ(),
            "KIMI_RETRY_SECONDS": "",
            **{name: given.pop(name) for name in list(given) if name.isupper()},
        }
        found = effective_values(
            paths, environ, cwd=cwd, today=TODAY, now=lambda: 1000.0, keyring=ring or FakeKeyring(), **given
        )
        return {value.name: value for value in found}

    return look


def test_defaults(values, paths):
    """Where nothing is set the catalogue and our own defaults count."""
    choose_provider(paths.settings_file, "moonshot")
    found = values()
    assert list(found) == NAMES
    assert found.pop("provider") == Value("provider", "moonshot", Origin.USER, str(paths.settings_file))
    assert {(value.origin, value.detail) for value in found.values()} == {(Origin.DEFAULT, "")}
    assert found["model"].value == "kimi-k3"
    assert found["base_url"].value == "https://api.moonshot.ai/anthropic"
    assert found["format"].value == "anthropic"
    assert (found["key"].value, found["slots.haiku"].value, found["KIMI_CLAUDE"].value) == (None, None, None)
    assert [value.value for name, value in found.items() if name.startswith("KIMI_")][:5] == [
        "8090",
        "10",
        "15",
        "5",
        "15",
    ]
    assert (found["progress.emoji"].value, found["progress.thinking"].value) == ("off", "Thinking (step {step})")


def test_what_the_user_set(values, paths):
    """What is in the settings is told with their file."""
    save_provider(paths.settings_file, "local", base_url="http://127.0.0.1:9/v1", model="m", slots={"haiku": "h"})
    choose_provider(paths.settings_file, "local")
    found = values()
    for name, value in (("base_url", "http://127.0.0.1:9/v1"), ("model", "m"), ("slots.haiku", "h")):
        assert found[name] == Value(name, value, Origin.USER, str(paths.settings_file))
    assert found["format"].origin is Origin.DEFAULT
    assert found["ledger"] == Value("ledger", "on", Origin.DEFAULT)
    paths.settings_file.write_text('ledger = "off"\n' + paths.settings_file.read_text())
    assert values()["ledger"] == Value("ledger", "off", Origin.USER, str(paths.settings_file))


def test_the_words_of_progress(values, paths):
    """Every line that may be changed is told, as it is, and which of them the user has changed."""
    file = paths.settings_file
    file.parent.mkdir(parents=True)
    file.write_text('provider = "moonshot"\n[progress]\nemoji = "on"\nstarting = "Off we go"\nthinking = ""\n')
    found = values()
    assert found["progress.emoji"] == Value("progress.emoji", "on", Origin.USER, str(file))
    assert found["progress.starting"] == Value("progress.starting", "Off we go", Origin.USER, str(file))
    assert found["progress.thinking"] == Value("progress.thinking", None, Origin.USER, str(file))
    assert found["progress.executing"] == Value("progress.executing", "🔧 Executing {tools}", Origin.DEFAULT)


def test_stronger_sources(values, paths, cwd):
    """A project's file, a variable and a flag each count over what comes after them."""
    save_provider(paths.settings_file, "moonshot", model="kimi-k3", slots={"opus": "o"})
    choose_provider(paths.settings_file, "groq")
    file = cwd / PROJECT_FILE
    file.write_text('provider = "moonshot"\nmodel = "kimi-k2.6"\n[slots]\nhaiku = "h"\n')
    found = values()
    assert found["provider"] == Value("provider", "moonshot", Origin.PROJECT, str(file))
    assert found["model"] == Value("model", "kimi-k2.6", Origin.PROJECT, str(file))
    assert found["slots.haiku"] == Value("slots.haiku", "h", Origin.PROJECT, str(file))
    assert found["slots.opus"].origin is Origin.USER
    assert values(KIMI_MODEL="kimi-k2.7-code")["model"] == Value(
        "model", "kimi-k2.7-code", Origin.ENVIRONMENT, "KIMI_MODEL"
    )
    found = values(provider="groq", KIMI_PROVIDER="moonshot", KIMI_MODEL="kimi-k3", model="openai/gpt-oss-20b")
    assert found["provider"] == Value("provider", "groq", Origin.FLAG, "--provider")
    assert found["model"] == Value("model", "openai/gpt-oss-20b", Origin.FLAG, "--model")


def test_the_only_one_with_a_key(values):
    """Where nobody names a provider the only one with a key is told as such."""
    found = values(GROQ_API_KEY="gsk_0123456789abcdefwxyz")
    assert found["provider"] == Value("provider", "groq", Origin.DEFAULT, "the only one with a key")
    assert found["key"] == Value("key", "gsk_...wxyz", Origin.ENVIRONMENT, "GROQ_API_KEY")


def test_key_of_the_keyring(values, paths):
    """A key is shown masked, with its place."""
    choose_provider(paths.settings_file, "groq")
    found = values(ring=FakeKeyring(groq="gsk_0123456789abcdefwxyz"))
    assert found["key"] == Value("key", "gsk_...wxyz", Origin.USER, "keyring kimi-cli/groq")


def test_keys_that_cannot_be_read(values, paths):
    """A key that cannot be used is told with its reason and never with its text."""
    choose_provider(paths.settings_file, "groq")
    assert values(ring=FakeKeyring(fault=KeyringFault.LOCKED))["key"].trouble == "The keyring is locked."
    bad = values(GROQ_API_KEY="sk-ant-secret0123456789")["key"]
    assert (bad.value, bad.origin, bad.detail) == (None, Origin.ENVIRONMENT, "GROQ_API_KEY")
    assert "secret" not in bad.trouble


def test_model_chosen_at_launch(values, paths):
    """Without a model of the catalogue's the remembered list counts, as for a launch; nobody is asked."""
    choose_provider(paths.settings_file, "groq")
    assert values()["model"] == Value(
        "model", None, Origin.DEFAULT, trouble="It is chosen at launch from what Groq lists then."
    )
    write_live(paths, "groq", "https://api.groq.com/openai/v1", [LiveModel("moonshotai/kimi-k4")], now=999.0)
    assert values()["model"] == Value("model", "moonshotai/kimi-k4", Origin.DEFAULT)
    write_live(paths, "groq", "https://api.groq.com/openai/v1", [LiveModel("x")], now=999.0)
    assert "retired" in values()["model"].trouble


def test_retired_model(values, paths):
    """A model that the host has ended is shown, with that."""
    save_provider(paths.settings_file, "groq", model="moonshotai/kimi-k2-instruct-0905")
    choose_provider(paths.settings_file, "groq")
    found = values()["model"]
    assert found.value == "moonshotai/kimi-k2-instruct-0905"
    assert "2026-04-15" in found.trouble


@pytest.mark.parametrize(
    ("name", "text", "trouble"),
    [
        ("KIMI_PROXY_PORT", "9000", None),
        ("KIMI_PROXY_PORT", "http", "is not a port"),
        ("KIMI_IDLE_GRACE", "soon", "is not a number of seconds"),
        ("KIMI_MAX_TOOL_ITERATIONS", "20", None),
        ("KIMI_MAX_TOOL_ITERATIONS", "all", "must be a number from 1"),
        ("KIMI_WORKING_DIR", "/work", None),
        ("KIMI_CLAUDE", "/opt/claude", None),
        ("KIMI_DEBUG", "1", None),
    ],
)
def test_variables(values, name, text, trouble):
    """A variable that is set is told, and what is wrong with it."""
    found = values(**{name: text})[name]
    assert (found.value, found.origin, found.detail) == (text, Origin.ENVIRONMENT, name)
    assert (trouble in found.trouble) if trouble else found.trouble is None


def test_no_provider(values):
    """Without a provider that is told, and the variables are shown all the same."""
    found = values()
    assert list(found) == ["provider", *(name for name in NAMES if name.startswith("KIMI_"))]
    assert "none has a key" in found["provider"].trouble


def test_provider_that_there_is_not(values):
    """A provider that there is not is shown as it was named, and with what is wrong."""
    found = values(KIMI_PROVIDER="grok")["provider"]
    assert (found.value, found.origin, found.detail) == ("grok", Origin.ENVIRONMENT, "KIMI_PROVIDER")
    assert "did you mean 'groq'" in found.trouble


def test_bad_address(values, paths):
    """An address that cannot be used is told."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text('provider = "groq"\n[providers.groq]\nbase_url = "http://h.example"\n')
    assert "unencrypted" in values()["provider"].trouble
    paths.settings_file.write_text('provider = "custom"\n')
    assert "has no address" in values()["base_url"].trouble


def test_broken_files(values, paths, cwd):
    """A broken file is an error with its place."""
    (cwd / PROJECT_FILE).write_text("provider =")
    with pytest.raises(SettingsError, match=r"\.kimi\.toml: line 1"):
        values()
