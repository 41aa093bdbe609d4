"""Every provider that a user can choose."""

from __future__ import annotations

import pytest

from kimi_cli.errors import BaseUrlError, NotConfiguredError, ProviderUnknownError
from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.dialect import GATEWAY
from kimi_cli.providers.provider import Format, Provider
from kimi_cli.store.keyring_backend import KeyringFault
from kimi_cli.store.known import configured, is_added, key_variables, known_providers, only_with_key
from kimi_cli.store.secrets import SecretStore
from kimi_cli.store.settings import ProviderSettings, Settings
from tests.store.rings import FakeKeyring

LOCAL = ProviderSettings(base_url="http://127.0.0.1:8000/v1", model="kimi", format=Format.OPENAI)
RELAY = ProviderSettings(
    base_url="https://relay.example/v1/messages", format=Format.ANTHROPIC, key_variable="RELAY_KEY"
)
SETTINGS = Settings(providers={"local-1": LOCAL, "relay": RELAY})


def test_the_catalogue_and_the_users_own():
    """The user's own come after the catalogue's, which are as they always are."""
    known = known_providers(SETTINGS)
    assert list(known) == [*PROVIDERS, "local-1", "relay"]
    assert all(known[name] is PROVIDERS[name] for name in PROVIDERS)
    assert dict(known_providers(Settings())) == dict(PROVIDERS)


def test_one_that_speaks_openai():
    """An added provider has the address that was given, a list where its format has it, and a variable of its name."""
    assert known_providers(SETTINGS)["local-1"] == Provider(
        id="local-1",
        name="local-1",
        format=Format.OPENAI,
        base_url="http://127.0.0.1:8000/v1",
        models_url="http://127.0.0.1:8000/v1/models",
        dialect_name=GATEWAY.name,
        key_variables=("LOCAL_1_API_KEY",),
    )


def test_one_that_speaks_anthropic():
    """An Anthropic address stands before `/v1`; a variable that was named is the only one."""
    relay = configured("relay", SETTINGS)
    assert (relay.format, relay.base_url) == (Format.ANTHROPIC, "https://relay.example")
    assert relay.models_url == "https://relay.example/v1/models"
    assert relay.key_variables == ("RELAY_KEY",)
    assert relay == known_providers(SETTINGS)["relay"]


@pytest.mark.parametrize("name", ["groq", "list", "Mine", "no_hyphen", "empty"])
def test_tables_that_are_no_provider(name):
    """A table under a name that cannot be one, or without an address, adds nothing."""
    own = ProviderSettings(model="m") if name == "empty" else LOCAL
    settings = Settings(providers={name: own})
    assert not is_added(name, settings)
    assert list(known_providers(settings)) == list(PROVIDERS)


def test_bad_address():
    """One bad entry does not make the others useless: it is listed, and an error only when it is used."""
    settings = Settings(providers={"bad": ProviderSettings(base_url="http://h.example"), "local": LOCAL})
    assert known_providers(settings)["bad"].base_url == ""
    assert configured("local", settings).base_url
    with pytest.raises(BaseUrlError, match="unencrypted"):
        configured("bad", settings)


def test_the_catalogues_as_the_user_changed_them():
    """What is set for a provider of the catalogue is over the catalogue's facts."""
    settings = Settings(providers={"groq": ProviderSettings(base_url="https://gate.example/v1/", key_variable="GATE")})
    gate = configured(" Groq ", settings)
    assert (gate.id, gate.base_url, gate.key_variables) == ("groq", "https://gate.example/v1", ("GATE",))
    assert configured("groq", Settings()) == PROVIDERS["groq"]


def test_suggestions():
    """A name that is none leads to one of all that there are."""
    with pytest.raises(ProviderUnknownError, match="did you mean 'local-1'"):
        configured("local1", SETTINGS)
    with pytest.raises(ProviderUnknownError, match="did you mean 'groq'"):
        configured("grok", SETTINGS)


@pytest.fixture
def only(paths):
    """The provider that is meant, with these variables and this keyring."""

    def find(settings=SETTINGS, *, environ=None, ring=None):
        environ = environ or {}
        return only_with_key(settings, SecretStore(paths, environ, keyring=ring or FakeKeyring()), environ)

    return find


def test_only_with_key(only):
    """The only provider with a key is meant, wherever the key is, and an added one like any other."""
    assert only(environ={"GROQ_API_KEY": "gsk_1"}).id == "groq"
    assert only(environ={"LOCAL_1_API_KEY": "k"}).id == "local-1"
    assert only(ring=FakeKeyring(relay="k")).id == "relay"
    assert only(environ={"RELAY_KEY": "k"}, ring=FakeKeyring(groq="gsk_1", moonshot="sk-1")).id == "relay"


def test_none_or_several_with_key(only):
    """Where none has a key, or several have, nothing is guessed."""
    with pytest.raises(NotConfiguredError, match="none has a key"):
        only()
    with pytest.raises(NotConfiguredError, match="none has a key"):
        only(ring=FakeKeyring(fault=KeyringFault.LOCKED))
    with pytest.raises(NotConfiguredError, match=r"Several providers have a key \(groq, relay\)") as caught:
        only(ring=FakeKeyring(groq="gsk_1", relay="k"))
    assert caught.value.fix == "kimi provider groq"


def test_bad_address_of_another(only):
    """A bad address matters only where no other provider is meant."""
    settings = Settings(providers={"bad": ProviderSettings(base_url="h.example")})
    assert only(settings, environ={"GROQ_API_KEY": "gsk_1"}).id == "groq"
    with pytest.raises(BaseUrlError):
        only(settings)


def test_key_variables():
    """Every variable that may hold a key of anybody is known: the catalogue's, and those of added providers."""
    settings = Settings(providers={**SETTINGS.providers, "groq": ProviderSettings(key_variable="GATE")})
    found = key_variables(settings)
    assert {"GROQ_API_KEY", "GATE", "LOCAL_1_API_KEY", "RELAY_KEY", "KIMI_API_KEY"} <= set(found)
    assert list(found) == sorted(set(found))
