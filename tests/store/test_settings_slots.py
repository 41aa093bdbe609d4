"""Slots and whole providers in the settings, set and removed."""

from __future__ import annotations

import pytest

from kimi_cli.errors import SettingsError, UsageError
from kimi_cli.store.settings import (
    ProviderSettings,
    read_settings,
    remove_provider,
    remove_slots,
    save_provider,
    save_slots,
)

BY_HAND = """\
# my settings

provider = "groq"   # for now

[providers.groq]
# the fast one
model = "moonshotai/kimi-k2-instruct-0905"
future = [1, 2, 3]  # not ours

[providers.groq.slots]
haiku = "openai/gpt-oss-20b"

[later]
x = 1
"""


@pytest.fixture
def by_hand(paths):
    """A file that was written by hand."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text(BY_HAND)
    return paths.settings_file


def test_slots(by_hand):
    """Slots are set one by one, given back by an empty id, or all together."""
    save_slots(by_hand, "groq", {"opus": "big", "subagent": " small "})
    assert read_settings(by_hand).of("groq").slots == {
        "opus": "big",
        "haiku": "openai/gpt-oss-20b",
        "subagent": "small",
    }
    save_slots(by_hand, "groq", {"haiku": "", "opus": "other"})
    assert read_settings(by_hand).of("groq").slots == {"opus": "other", "subagent": "small"}
    remove_slots(by_hand, "groq")
    assert read_settings(by_hand).of("groq") == ProviderSettings(model="moonshotai/kimi-k2-instruct-0905")
    assert "# the fast one" in by_hand.read_text()
    remove_slots(by_hand, "moonshot")


def test_no_such_slot(by_hand):
    """A slot that there is not is refused with the one that was probably meant, and nothing is changed."""
    with pytest.raises(UsageError, match="no slot 'sonet'; did you mean sonnet"):
        save_slots(by_hand, "groq", {"opus": "big", "sonet": "m"})
    with pytest.raises(UsageError, match="the slots are opus, sonnet, haiku, subagent"):
        save_slots(by_hand, "groq", {"zzz": "m"})
    assert by_hand.read_text() == BY_HAND


def test_removing_a_provider(by_hand):
    """What is set for a provider goes whole, the choice with it; another one's stays, comments included."""
    save_provider(by_hand, "moonshot", model="kimi-k3")
    remove_provider(by_hand, "moonshot")
    assert read_settings(by_hand).provider == "groq"
    remove_provider(by_hand, "groq")
    found = read_settings(by_hand)
    assert (found.provider, dict(found.providers)) == (None, {})
    assert by_hand.read_text().startswith("# my settings")
    assert "[later]\nx = 1" in by_hand.read_text()


def test_changes_to_a_full_disk(by_hand, full_disk):
    """On a full disk slots and providers stay as they were."""
    for change in (
        lambda: save_slots(by_hand, "groq", {"opus": "big"}),
        lambda: remove_slots(by_hand, "groq"),
        lambda: remove_provider(by_hand, "groq"),
    ):
        with full_disk(), pytest.raises(SettingsError, match="cannot be written"):
            change()
    assert by_hand.read_text() == BY_HAND
