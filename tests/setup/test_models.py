"""The models of a provider: which its host serves, which stand behind the slots, and choosing them."""

from __future__ import annotations

import json
from datetime import date

import pytest

from kimi_cli.errors import NotConfiguredError, ProviderUnknownError, UsageError
from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.setup.models import Standing, choose_model, model_table
from kimi_cli.store.live_models import LiveModel, read_live, write_live
from kimi_cli.store.project import PROJECT_FILE
from kimi_cli.store.settings import choose_provider, read_settings, save_provider
from tests.doubles.groq import KIMI, Groq
from tests.doubles.serve import running

TODAY = date(2026, 11, 23)
NOW = 1_795_000_000.0
GROQ = PROVIDERS["groq"]


@pytest.fixture
def double(paths):
    """A host that serves three models, chosen as the provider."""
    found = Groq()
    with running(found):
        save_provider(paths.settings_file, "groq", base_url=found.base_url)
        choose_provider(paths.settings_file, "groq")
        yield found


@pytest.fixture
def look(paths, tmp_path):
    """Looks at the models of a provider, the chosen one where none is named, in a directory of its own."""

    def run(provider=None, **environ):
        return model_table(paths, environ, provider=provider, cwd=tmp_path, today=TODAY, now=lambda: NOW)

    return run


def standings(table):
    """How it stands with each model."""
    return {row.model.id: row.standing for row in table.rows}


def test_live_ones_and_others(double, look):
    """What the host lists is live; of the rest the catalogue says what is retired. Kimi models come first."""
    table = look(GROQ_API_KEY=double.key)
    assert standings(table) == {
        KIMI: Standing.LIVE,
        "moonshotai/kimi-k2-instruct": Standing.RETIRED,
        "openai/gpt-oss-120b": Standing.LIVE,
        "qwen/qwen3.8-27b": Standing.LIVE,
        "openai/gpt-oss-20b": Standing.UNLISTED,
    }
    assert [row.model.id for row in table.rows][:2] == [KIMI, "moonshotai/kimi-k2-instruct"]
    assert (table.main, table.trouble, table.fix) == (KIMI, "", None)


def test_the_list_is_remembered(double, look, paths):
    """A list that was fetched is there for the next launch."""
    look(GROQ_API_KEY=double.key)
    found = read_live(paths, "groq", double.base_url, now=NOW)
    assert found.is_fresh
    assert found.model(KIMI) is not None


def test_slots_and_a_model_of_the_settings(double, look, paths):
    """What is set stands behind its slots, listed or not."""
    save_provider(paths.settings_file, "groq", model="mine", slots={"haiku": "openai/gpt-oss-20b", "opus": "mine"})
    rows = {row.model.id: row for row in look(GROQ_API_KEY=double.key).rows}
    assert rows["mine"].slots == ("main", "opus")
    assert rows["mine"].standing is Standing.UNLISTED
    assert rows["openai/gpt-oss-20b"].slots == ("haiku",)
    assert rows[KIMI].slots == ()


def test_a_project_and_a_variable_count(double, look, tmp_path):
    """The model of a session is the one that a launch would use here."""
    (tmp_path / PROJECT_FILE).write_text('model = "openai/gpt-oss-120b"\n')
    assert look(GROQ_API_KEY=double.key).main == "openai/gpt-oss-120b"
    assert look(GROQ_API_KEY=double.key, KIMI_MODEL=KIMI).main == KIMI


def test_a_refused_key(double, look):
    """A host that refuses the key leaves the catalogue, with the host's words and the command for another key."""
    table = look(GROQ_API_KEY="gsk_wrong0123456789")
    assert "refused the key" in table.trouble
    assert table.fix == "kimi set-key groq"
    assert standings(table)[KIMI] is Standing.RETIRED
    assert standings(table)["openai/gpt-oss-120b"] is Standing.UNKNOWN
    assert table.main is None


def test_the_last_list_is_second_best(double, look, paths):
    """A host that does not answer now leaves what it said last."""
    write_live(paths, "groq", double.base_url, [LiveModel("old/kimi", context_window=7)], now=NOW - 1_000_000)
    table = look(GROQ_API_KEY="gsk_wrong0123456789")
    assert standings(table)["old/kimi"] is Standing.LIVE
    assert next(row for row in table.rows if row.model.id == "old/kimi").model.context_window == 7
    assert table.trouble


def test_without_a_key_nobody_is_asked(look, paths):
    """A host that wants a key is not asked without one; that is said, with the command that stores it."""
    choose_provider(paths.settings_file, "moonshot")
    table = look()
    assert "No API key is set for Moonshot" in table.trouble
    assert table.fix == "kimi set-key moonshot"
    assert table.main == "kimi-k3"


def test_a_key_that_cannot_be_read(look, paths):
    """A key that cannot be read is told, and the catalogue is shown all the same."""
    choose_provider(paths.settings_file, "moonshot")
    paths.keys_file.write_text(json.dumps({"schema": 9}))
    paths.keys_file.chmod(0o600)
    table = look()
    assert "is not one of ours" in table.trouble
    assert table.rows


def test_no_provider(look):
    """Models are a provider's; one that is named need not be chosen."""
    with pytest.raises(NotConfiguredError) as caught:
        look()
    assert caught.value.fix.startswith("kimi setup")
    assert look("moonshot").provider.id == "moonshot"
    with pytest.raises(ProviderUnknownError):
        look("grok")


def test_choosing(paths):
    """A model is set for its provider; in a slot an empty id gives it back to the main model."""
    choose_model(paths, GROQ, " m1 ", slot=None)
    choose_model(paths, GROQ, "m2", slot="haiku")
    own = read_settings(paths.settings_file).of("groq")
    assert (own.model, dict(own.slots)) == ("m1", {"haiku": "m2"})
    choose_model(paths, GROQ, " ", slot="haiku")
    assert dict(read_settings(paths.settings_file).of("groq").slots) == {}


@pytest.mark.parametrize(
    ("model_id", "slot", "fix"),
    [
        ("m", "haikuu", "kimi model m --slot haiku"),
        ("m", "fast", "kimi model m --slot haiku"),
        ("", "opuss", "kimi model ID --slot opus"),
        ("", None, "kimi models"),
        ("two words", None, "kimi models"),
        ("bell\x07", "haiku", "kimi models"),
    ],
)
def test_what_cannot_be_chosen(paths, model_id, slot, fix):
    """A slot that there is not, or an id that is none, changes nothing."""
    with pytest.raises(UsageError) as caught:
        choose_model(paths, GROQ, model_id, slot=slot)
    assert caught.value.fix == fix
    assert not paths.settings_file.exists()
