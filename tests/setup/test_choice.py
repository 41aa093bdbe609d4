"""Which provider is chosen, and what it still lacks."""

from __future__ import annotations

from datetime import date

import pytest

from kimi_cli.errors import BaseUrlError, ProviderUnknownError, SettingsError, UsageError
from kimi_cli.setup.choice import all_choices, current_choice, look_at, switch
from kimi_cli.store.key_file import change_key
from kimi_cli.store.secrets import KeySource
from kimi_cli.store.settings import choose_provider, read_settings, save_provider

TODAY = date(2026, 11, 23)
KEY = {"GROQ_API_KEY": "gsk_0123456789abcdefwxyz", "MOONSHOT_API_KEY": "sk-0123456789abcdefwxyz"}


@pytest.fixture
def change(paths):
    """Switches, in an environment of these variables."""

    def run(name, environ=KEY, *, base_url=None, model=None):
        return switch(name, paths, environ, base_url=base_url, model=model, today=TODAY)

    return run


def test_none_is_chosen(paths):
    """Where the settings name none there is no current one, and looking makes nothing."""
    assert current_choice(paths, {}, today=TODAY) is None
    assert not paths.config_dir.exists()


def test_the_current_one(paths):
    """The provider of the settings comes with its model and its key, whatever the case of its name."""
    choose_provider(paths.settings_file, "Moonshot")
    found = current_choice(paths, KEY, today=TODAY)
    assert (found.provider.id, found.model.id, found.is_current) == ("moonshot", "kimi-k3", True)
    assert (found.key.source, found.key.detail) == (KeySource.ENVIRONMENT, "MOONSHOT_API_KEY")
    assert (found.lacks, found.trouble) == ((), None)


def test_another_one_than_the_current(paths):
    """One that is not chosen can be looked at, too."""
    choose_provider(paths.settings_file, "groq")
    assert not look_at("moonshot", paths, KEY, today=TODAY).is_current


@pytest.mark.parametrize(
    ("name", "environ", "lacks"),
    [
        ("moonshot", {}, [("It has no key.", "kimi set-key moonshot")]),
        (
            "groq",
            KEY,
            [("Groq retired its Kimi models on 2026-04-15 and serves none today.", "kimi provider groq --model ID")],
        ),
        (
            "custom",
            {},
            [
                ("It has no address.", "kimi provider custom --base-url URL --model ID"),
                ("No model is chosen.", "kimi provider custom --model ID"),
            ],
        ),
    ],
)
def test_what_is_missing(change, name, environ, lacks):
    """Everything that keeps a launch from working is a sentence with the command that mends it."""
    assert list(change(name, environ).lacks) == lacks


def test_a_retired_model_is_missing_another(change):
    """A model that its host has ended leads to its successor; behind an address of the user's own nobody knows."""
    retired = "moonshotai/kimi-k2-instruct-0905"
    assert change("groq", model=retired).lacks == (
        (f"{retired} was retired on 2026-04-15.", "kimi provider groq --model openai/gpt-oss-120b"),
    )
    assert change("groq", base_url="http://127.0.0.1:9/v1").lacks == ()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "https://localhost:9/v1", "http://[::1]:9/v1"])
def test_engines_on_this_machine_need_no_key(change, url):
    """Just like a launch, which starts without one there."""
    assert change("groq", {}, base_url=url, model="m").lacks == ()


def test_a_key_is_optional_for_a_host_of_the_users_own(change):
    """What `custom` leads to may want a key or not."""
    assert change("custom", {}, base_url="https://h.example/v1", model="m").lacks == ()


def test_a_key_that_cannot_be_read(change, paths):
    """Switching works all the same, and says why it cannot be told whether there is a key."""
    change_key(paths.keys_file, "groq", key="gsk_0123456789")
    paths.keys_file.write_text("{")
    found = change("moonshot", {})
    assert found.key is None
    assert found.lacks == ((str(found.trouble), found.trouble.fix),)
    assert "is not JSON" in str(found.trouble)
    assert read_settings(paths.settings_file).provider == "moonshot"


def test_switching(change, paths):
    """A switch stores what was given, and leaves what was not."""
    change(" GROQ", model=" m1 ", base_url="https://h.example/v1/")
    change("moonshot")
    found = change("groq", model="m2")
    assert (found.provider.base_url, found.model.id, found.is_current) == ("https://h.example/v1", "m2", True)
    assert read_settings(paths.settings_file).provider == "groq"


def test_an_empty_address_is_the_catalogues_again(change):
    """A host of the catalogue has one to go back to."""
    change("groq", base_url="https://h.example/v1")
    assert change("groq", base_url="").provider.base_url == "https://api.groq.com/openai/v1"


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("grok", {}, ProviderUnknownError),
        ("groq", {"base_url": "http://h.example/v1"}, BaseUrlError),
        ("groq", {"model": " "}, UsageError),
        ("groq", {"model": "two words"}, UsageError),
        ("groq", {"model": "bell\x07"}, UsageError),
        ("local", {"base_url": ""}, UsageError),
    ],
)
def test_what_cannot_be_changes_nothing(change, paths, name, given, error):
    """A wrong value leaves the settings as they are."""
    save_provider(paths.settings_file, "local", base_url="http://127.0.0.1:9/v1", model="m")
    before = paths.settings_file.read_bytes()
    with pytest.raises(error) as caught:
        change(name, **given)
    assert paths.settings_file.read_bytes() == before
    assert caught.value.fix or error is BaseUrlError


def test_an_address_that_cannot_be_used_gives_way(change, paths):
    """What is wrong in the settings can be mended with the command that its error names."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text('provider = "groq"\n[providers.groq]\nbase_url = "http://h.example"\n')
    with pytest.raises(BaseUrlError) as caught:
        current_choice(paths, KEY, today=TODAY)
    assert caught.value.fix == "kimi provider groq --base-url https://HOST/v1"
    with pytest.raises(BaseUrlError):
        change("groq", model="m")
    assert change("groq", base_url="https://h.example/v1").provider.base_url == "https://h.example/v1"


def test_broken_settings(change, paths):
    """A file that cannot be understood is left as it is, and leads to an editor."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text("provider =\n")
    with pytest.raises(SettingsError, match="line 1") as caught:
        change("groq")
    assert caught.value.fix == "kimi config edit"
    assert paths.settings_file.read_text() == "provider =\n"


def test_all_of_them(paths):
    """Every provider is listed, the user's own last, and the chosen one is marked."""
    save_provider(paths.settings_file, "local", base_url="http://127.0.0.1:9/v1", model="m")
    choose_provider(paths.settings_file, "local")
    choices = all_choices(paths)
    assert [(found.id, is_chosen) for found, is_chosen in choices if is_chosen] == [("local", True)]
    assert [choices[0][0].id, choices[-1][0].id] == ["moonshot", "local"]
