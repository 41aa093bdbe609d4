"""What in the settings means nothing, as it is told."""

from __future__ import annotations

import pytest

from kimi_cli.providers.provider import Format
from kimi_cli.store.settings import choose_provider, read_settings, save_provider


@pytest.fixture
def path(paths):
    """Where the settings are."""
    return paths.settings_file


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('providr = "groq"', ["providr is not a setting; did you mean provider?"]),
        ("zzz = 1", ["zzz is not a setting; known: provider, fallback, ledger, search, progress, providers."]),
        ('model = "m"', ["model is not a setting here; it belongs under [providers.NAME]."]),
        ('api_key = "gsk_1"', ["api_key is not read; keys are stored with kimi set-key."]),
        ('[providers.groq]\nbase-url = "u"', ["providers.groq.base-url is not a setting; did you mean base_url?"]),
        ('[providers.groq]\nkey = "gsk_1"', ["providers.groq.key is not read; keys are stored with kimi set-key."]),
        ('[providers.groq.slots]\nhiaku = "m"', ["providers.groq.slots.hiaku is not a slot; did you mean haiku?"]),
        ("[providers.groq.slots]\nzzz = 1", ["slots.zzz is not a slot; known: opus, sonnet, haiku, subagent."]),
        ('[providers.grok]\nmodel = "m"', ["no provider grok; did you mean groq? One of your own needs a base_url."]),
        ('[providers.zzz]\nmodel = "m"', ["no provider zzz; one of your own needs a base_url."]),
        ('[providers.list]\nbase_url = "u"', ["providers.list is not used, because of its name: it is a word"]),
        ('[providers.Mine]\nbase_url = "u"', ["providers.Mine is not used, because of its name: it must be"]),
        ('"\\u001b[31m" = 1', [r"'\x1b[31m' is not a setting; known"]),
        ('a = 1\nprovidre = "g"\n[providers.groq]\nmodell = "m"', ["a is", "providre is", "providers.groq.modell is"]),
    ],
)
def test_what_means_nothing_is_a_warning(path, text, sentences):
    """Keys that we do not know are told, with the one that was probably meant, and are no error."""
    path.parent.mkdir(parents=True)
    path.write_text(text)
    warnings = read_settings(path).warnings
    assert len(warnings) == len(sentences)
    for warning, sentence in zip(warnings, sentences, strict=True):
        assert warning.startswith(f"{path}: ")
        assert sentence in warning
        assert warning.endswith((".", "?"))
        assert warning.isprintable()
    assert path.read_text() == text


def test_what_is_known_is_no_warning(path):
    """Everything that we write ourselves is known to us."""
    choose_provider(path, "groq")
    save_provider(
        path,
        "mine",
        base_url="https://h.example",
        model="m",
        format=Format.OPENAI,
        key_variable="K",
        slots={"opus": "o"},
    )
    assert read_settings(path).warnings == ()


def test_unknown_slots_do_nothing(path):
    """A slot that Claude Code does not have is not among the slots."""
    path.parent.mkdir(parents=True)
    path.write_text('[providers.groq.slots]\nhaiku = "h"\nfable = "f"\n')
    assert read_settings(path).of("groq").slots == {"haiku": "h"}
