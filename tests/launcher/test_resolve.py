"""Which host, model and key a launch runs on."""

from __future__ import annotations

from datetime import date

import pytest

from kimi_cli.errors import (
    BaseUrlError,
    HostError,
    KeyMissingError,
    ModelMissingError,
    ModelRetiredError,
    NotConfiguredError,
    ProviderUnknownError,
    SecretError,
    SettingsError,
)
from kimi_cli.launcher.resolve import resolve
from kimi_cli.providers.provider import Format
from kimi_cli.store.known import key_variables
from kimi_cli.store.live_models import LiveModel, write_live
from kimi_cli.store.secrets import SecretStore
from kimi_cli.store.settings import Settings

TODAY = date(2026, 11, 23)
NOW = 1_795_000_000.0
GROQ_KEY = "gsk_resolvetests0123456789"
MOONSHOT_KEY = "sk-resolvetests0123456789"
GROQ_URL = "https://api.groq.com/openai/v1"
OLD_KIMI = "moonshotai/kimi-k2-instruct-0905"


class NoNetwork:
    """Fails whoever asks the network."""

    def __call__(self, provider, key, timeout):
        raise AssertionError("the network was asked")


@pytest.fixture
def asked():
    """The hosts that were asked for their lists."""
    return []


@pytest.fixture
def world(user, asked):
    """Resolves for a user whose keys are in variables; without `listed` nobody may be asked."""

    def run(*, provider=None, model=None, listed=None, **variables):
        def fetch(host, key, timeout):
            asked.append((host.id, key))
            if isinstance(listed, Exception):
                raise listed
            return tuple(LiveModel(model_id, context_window=77_000) for model_id in listed)

        return resolve(
            user.paths,
            {**user.environ, **variables},
            provider=provider,
            model=model,
            cwd=None,
            today=TODAY,
            now=lambda: NOW,
            fetch=NoNetwork() if listed is None else fetch,
        )

    return run


def remember(user, provider, base_url, *models, age=0.0):
    """What a host once listed."""
    write_live(user.paths, provider, base_url, [LiveModel(model) for model in models], now=NOW - age)


def test_flag_then_variable_then_settings(user, world):
    """Provider and model come from the flag, else the variable, else the settings."""
    user.write_settings("""
        provider = "moonshot"
        [providers.moonshot]
        model = "kimi-k2.6"
        [providers.openrouter]
        model = "moonshotai/kimi-k2.6"
    """)
    keys = {"MOONSHOT_API_KEY": MOONSHOT_KEY, "OPENROUTER_API_KEY": "sk-or-x0123456789"}
    assert world(**keys).route.main.id == "kimi-k2.6"
    assert world(**keys, KIMI_PROVIDER="openrouter").route.main.id == "moonshotai/kimi-k2.6"
    assert world(**keys, KIMI_PROVIDER="openrouter", provider="moonshot").route.provider == "moonshot"
    assert world(**keys, KIMI_MODEL="kimi-k3").route.main.id == "kimi-k3"
    assert world(**keys, KIMI_MODEL="kimi-k3", model="kimi-k3.1-pro").route.main.id == "kimi-k3.1-pro"


def test_the_route_is_whole(world):
    """Without any settings the only provider with a key is meant, with its first model."""
    found = world(MOONSHOT_API_KEY=MOONSHOT_KEY)
    route = found.route
    assert (route.provider, route.host, route.format) == ("moonshot", "Moonshot", Format.ANTHROPIC)
    assert (route.base_url, route.main.id, route.key) == ("https://api.moonshot.ai/anthropic", "kimi-k3", MOONSHOT_KEY)
    assert found.warnings == ()
    assert found.key_variables == key_variables(Settings())
    assert MOONSHOT_KEY not in repr(found)


def test_the_only_stored_key(user, world):
    """Keys that are stored count where no variable has one."""
    SecretStore(user.paths, user.environ).store_key("moonshot", MOONSHOT_KEY, insecure=True)
    assert world().route.provider == "moonshot"
    assert world(OPENROUTER_API_KEY="sk-or-x0123456789").route.provider == "openrouter"


def test_nothing_and_too_much(world):
    """Where no provider is meant, or more than one could be, the command that chooses one is named."""
    with pytest.raises(NotConfiguredError, match="none has a key") as none:
        world()
    assert none.value.fix.startswith("kimi setup")
    with pytest.raises(NotConfiguredError, match=r"Several providers have a key \(moonshot, groq\)"):
        world(MOONSHOT_API_KEY=MOONSHOT_KEY, GROQ_API_KEY=GROQ_KEY)


def test_what_is_missing_or_wrong(user, world):
    """Each fault has an error of its own."""
    with pytest.raises(ProviderUnknownError):
        world(provider="grok")
    with pytest.raises(KeyMissingError, match="MOONSHOT_API_KEY") as missing:
        world(provider="moonshot")
    assert missing.value.fix == "kimi set-key moonshot"
    with pytest.raises(SecretError, match="key of Groq"):
        world(provider="moonshot", MOONSHOT_API_KEY=GROQ_KEY)
    with pytest.raises(NotConfiguredError, match="no address"):
        world(provider="custom")
    user.write_settings('[providers.groq]\nbase_url = "http://elsewhere.example/v1"')
    with pytest.raises(BaseUrlError, match="unencrypted"):
        world(provider="groq", GROQ_API_KEY=GROQ_KEY)
    user.write_settings("provider =")
    with pytest.raises(SettingsError):
        world()


def test_hosts_that_need_no_key(user, world):
    """An engine on this machine, and a host of the user's own, work without a key."""
    user.write_settings("""
        [providers.custom]
        base_url = "https://engine.example/v1"
        model = "kimi-k2.6"
        [providers.groq]
        base_url = "http://127.0.0.1:8000/v1"
        model = "anything"
    """)
    assert world(provider="custom").route.key == ""
    assert world(provider="groq").route.key == ""
    assert world(provider="custom", KIMI_API_KEY="mine").route.key == "mine"


def test_key_variable_of_the_users_own(user, world):
    """A key may be in a variable that the settings name, which then is one to hide."""
    user.write_settings("""
        provider = "custom"
        [providers.custom]
        base_url = "https://engine.example/v1"
        model = "kimi"
        key_variable = "MY_KEY"
    """)
    found = world(MY_KEY="0123456789abcdef")
    assert found.route.key == "0123456789abcdef"
    assert "MY_KEY" in found.key_variables


def test_slots(user, world):
    """The models of the slots are part of the route, each once."""
    user.write_settings("""
        [providers.moonshot.slots]
        haiku = "kimi-k2.6"
        sonnet = "kimi-k3"
        subagent = "kimi-k2.6"
    """)
    route = world(MOONSHOT_API_KEY=MOONSHOT_KEY).route
    assert [model.id for model in route.models] == ["kimi-k3", "kimi-k2.6"]
    assert route.model_for("claude-haiku-4-5").id == "kimi-k2.6"


def test_groq_without_kimi(world, asked):
    """Groq has no Kimi model of its own accord: it is asked once, and the error names date and ways out."""
    with pytest.raises(ModelMissingError, match="2026-04-15") as error:
        world(GROQ_API_KEY=GROQ_KEY, listed=["openai/gpt-oss-120b"])
    assert "kimi provider groq --model MODEL" in error.value.fix
    with pytest.raises(ModelMissingError):
        world(GROQ_API_KEY=GROQ_KEY)  # remembered for a day
    assert asked == [("groq", GROQ_KEY)]


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (["x", "moonshotai/Kimi-K9", OLD_KIMI], OLD_KIMI),
        (["x", "moonshotai/Kimi-K9"], "moonshotai/Kimi-K9"),
    ],
)
def test_groq_with_kimi_again(world, listed, expected):
    """A Kimi model in the live list is used, one of the catalogue first, with the window that the list tells."""
    found = world(GROQ_API_KEY=GROQ_KEY, listed=listed)
    assert found.route.main.id == expected
    assert found.route.main.context_window == 77_000
    assert found.warnings == ()


def test_groq_out_of_reach(user, world):
    """The old list serves where the host does not answer; without one the error says what to do."""
    down = HostError("Groq could not be reached.")
    with pytest.raises(HostError, match="could not be reached") as error:
        world(GROQ_API_KEY=GROQ_KEY, listed=down)
    assert "--model MODEL" in error.value.fix
    remember(user, "groq", GROQ_URL, OLD_KIMI, age=10 * 86400)
    assert world(GROQ_API_KEY=GROQ_KEY, listed=down).route.main.id == OLD_KIMI


def test_a_retired_model_by_name(user, world, asked):
    """It is refused with its successor, unless the host lists it after all."""
    with pytest.raises(ModelRetiredError, match="gpt-oss-120b is its successor"):
        world(GROQ_API_KEY=GROQ_KEY, model=OLD_KIMI, listed=HostError("It is down."))
    with pytest.raises(ModelRetiredError):
        world(GROQ_API_KEY=GROQ_KEY, model=OLD_KIMI, listed=["other"])
    assert len(asked) == 2
    with pytest.raises(ModelRetiredError):
        world(GROQ_API_KEY=GROQ_KEY, model=OLD_KIMI)
    remember(user, "groq", GROQ_URL, OLD_KIMI)
    assert world(GROQ_API_KEY=GROQ_KEY, model=OLD_KIMI).warnings == ()


def test_another_address_has_its_own_models(user, world):
    """Behind an address of the user's own nothing is known to be retired."""
    user.write_settings(f'[providers.groq]\nbase_url = "https://gateway.example/v1"\nmodel = "{OLD_KIMI}"')
    found = world(GROQ_API_KEY=GROQ_KEY)
    assert found.route.main.id == OLD_KIMI
    assert found.warnings == ()


def test_named_models_need_no_network(world):
    """Any other name is taken as it is; a mark of Claude Code's for large windows is no part of it."""
    assert world(GROQ_API_KEY=GROQ_KEY, model="openai/gpt-oss-120b").route.main.context_window == 131_072
    assert world(MOONSHOT_API_KEY=MOONSHOT_KEY, model="kimi-k3[1m]").route.main.id == "kimi-k3"


def test_doubts_are_told(user, world):
    """A fresh list without the named model, and a retired model in a slot, are warnings and no more."""
    url = "https://api.moonshot.ai/anthropic"
    user.write_settings('[providers.moonshot.slots]\nhaiku = "kimi-k2.5"')
    remember(user, "moonshot", url, "kimi-k3", age=10 * 86400)
    assert world(MOONSHOT_API_KEY=MOONSHOT_KEY, model="kimi-k9").warnings == (
        "Moonshot retired kimi-k2.5 on 2026-08-31.",
    )
    remember(user, "moonshot", url, "kimi-k3")
    assert world(MOONSHOT_API_KEY=MOONSHOT_KEY, model="kimi-k9").warnings[0] == (
        "Moonshot does not list kimi-k9 among its models."
    )


def test_a_default_that_the_host_ended(user, world):
    """Where a fresh list has other Kimi models than our default, one of those is used."""
    remember(user, "moonshot", "https://api.moonshot.ai/anthropic", "kimi-k4", "kimi-k2.6")
    assert world(MOONSHOT_API_KEY=MOONSHOT_KEY).route.main.id == "kimi-k2.6"
    remember(user, "moonshot", "https://api.moonshot.ai/anthropic")
    assert world(MOONSHOT_API_KEY=MOONSHOT_KEY).route.main.id == "kimi-k3"


def test_those_that_stand_in(user, world):
    """They are routes of their own, with their own models, whatever the flags say of the first."""
    user.write_settings("""
        provider = "moonshot"
        fallback = ["openrouter", "moonshot"]
        [providers.openrouter]
        model = "moonshotai/kimi-k2.6"
        [providers.openrouter.slots]
        haiku = "moonshotai/kimi-k3"
    """)
    keys = {"MOONSHOT_API_KEY": MOONSHOT_KEY, "OPENROUTER_API_KEY": "sk-or-x0123456789"}
    found = world(**keys, model="kimi-k3.1-pro")
    (second,) = found.route.fallbacks
    assert (second.provider, second.key, second.main.id) == ("openrouter", "sk-or-x0123456789", "moonshotai/kimi-k2.6")
    assert second.slots == (("haiku", "moonshotai/kimi-k3"),)
    assert found.warnings == ()
    (other,) = world(**keys, provider="openrouter").route.fallbacks
    assert (other.provider, other.main.id) == ("moonshot", "kimi-k3")


def test_those_that_cannot_stand_in(user, world):
    """One without key, model or existence is a warning that says what to do, and never stops a launch."""
    user.write_settings('provider = "moonshot"\nfallback = ["openrouter", "nowhere", "groq"]\n')
    found = world(MOONSHOT_API_KEY=MOONSHOT_KEY, GROQ_API_KEY=GROQ_KEY)
    assert found.route.fallbacks == ()
    key, name, model = found.warnings
    assert "openrouter" in key
    assert "kimi set-key openrouter" in key
    assert "nowhere" in name
    assert "kimi provider groq --model" in model
