"""Everything that a launch needs, looked at."""

from __future__ import annotations

import sys
import time
from datetime import date

import jsonschema
import pytest

from kimi_cli.setup.checkup import check_up
from kimi_cli.setup.finding import Checkup, Finding, Level
from kimi_cli.store.key_file import change_key
from kimi_cli.store.live_models import LiveModel, write_live
from kimi_cli.store.project import PROJECT_FILE
from kimi_cli.store.settings import choose_provider, save_provider
from tests.doubles.groq import KIMI, Groq
from tests.doubles.serve import running
from tests.launcher.conftest import make_program

TODAY = date(2026, 11, 23)
KEY = "gsk_0123456789abcdefwxyz"
SCHEMA = {
    "type": "object",
    "required": ["schema", "ok", "findings"],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": 1},
        "ok": {"type": "boolean"},
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["topic", "level", "text", "fix"],
                "properties": {
                    "topic": {"type": "string"},
                    "level": {"enum": ["ok", "warning", "error"]},
                    "text": {"type": "string", "minLength": 1},
                    "fix": {"type": ["string", "null"]},
                },
            },
        },
    },
}
"""What scripts may rely on."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Claude Code is a script")


@pytest.fixture
def claude(tmp_path):
    """Something that says it is Claude Code."""
    return make_program(tmp_path / "bin" / "claude", "print('2.1.330 (Claude Code)')")


@pytest.fixture
def look(paths, sandbox, claude, tmp_path):
    """Looks at everything for a launch in a directory of its own."""

    def run(*, online=False, **variables) -> Checkup:
        environ = {**sandbox.environ(), "PATH": "", **variables}
        return check_up(paths, environ, online=online, claude=claude, today=TODAY, cwd=tmp_path)

    return run


def of(found: Checkup, topic: str) -> list[Finding]:
    """The findings of one topic."""
    return [finding for finding in found.findings if finding.topic == topic]


def only(found: Checkup, topic: str) -> Finding:
    """The one finding of a topic."""
    (finding,) = of(found, topic)
    return finding


def test_everything_in_place(look, paths):
    """With client, provider, model and key a launch would work; nothing is warned of."""
    choose_provider(paths.settings_file, "moonshot")
    found = look(MOONSHOT_API_KEY="sk-0123456789abcdefwxyz")
    assert found.ok
    assert {finding.level for finding in found.findings} == {Level.OK}
    assert [finding.topic for finding in found.findings] == [
        *("kimi", "claude", "provider", "model", "key", "search", "proxy", "files"),
    ]
    assert only(found, "claude").facts["tested"]
    assert only(found, "model").facts["live"] is None
    assert only(found, "key").text == "sk-0...wxyz from MOONSHOT_API_KEY"
    jsonschema.validate(found.to_json(), SCHEMA)


def test_nothing_is_made(look, paths):
    """Looking leaves no file behind."""
    assert not look().ok
    assert not any(place.exists() for place in (paths.config_dir, paths.cache_dir, paths.log_dir, paths.runtime_dir))


def test_nothing_set_up(look):
    """Without anything every error has its command."""
    found = look()
    assert only(found, "provider").fix.startswith("kimi setup")
    assert all(finding.fix for finding in found.findings if finding.level is not Level.OK)


@pytest.mark.parametrize(
    ("settings", "topic", "says", "fix"),
    [
        ("provider =\n", "settings", "line 1", "kimi config edit"),
        ('provider = "grok"\n', "provider", "did you mean 'groq'", "kimi provider groq"),
        ('provider = "custom"\n', "provider", "has no address", "kimi provider custom --base-url URL --model ID"),
        (
            'provider = "groq"\n[providers.groq]\nbase_url = "http://h.example"\n',
            *("provider", "unencrypted", "kimi provider groq --base-url https://HOST/v1"),
        ),
        ('provider = "moonshot"\n', "provider", "No API key is set", "kimi set-key moonshot"),
    ],
)
def test_errors_of_the_settings(look, paths, settings, topic, says, fix):
    """What keeps a launch from working is an error with the command that mends it."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text(settings)
    found = look()
    assert not found.ok
    finding = only(found, topic)
    assert finding.level is Level.ERROR
    assert says in finding.text
    assert finding.fix == fix
    jsonschema.validate(found.to_json(), SCHEMA)


def test_what_means_nothing_in_the_files(look, paths, tmp_path):
    """A word that is not understood is a warning about its file, and not about the model."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text('provider = "moonshot"\nmodle = "x"\n')
    (tmp_path / PROJECT_FILE).write_text('base_url = "https://evil.example"\n')
    found = look(MOONSHOT_API_KEY="sk-0123456789abcdefwxyz")
    assert found.ok
    assert (only(found, "settings").level, only(found, "settings").fix) == (Level.WARNING, "kimi config edit")
    assert only(found, "project").fix == f"edit {tmp_path / PROJECT_FILE}"
    assert len(of(found, "model")) == 1


def test_a_word_that_is_not_understood_explains_what_is_missing(look, paths):
    """A misspelt `provider` is told beside the provider that is missing."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text('provder = "moonshot"\n')
    found = look()
    assert "did you mean provider" in only(found, "settings").text
    assert only(found, "provider").level is Level.ERROR


def test_a_model_that_the_host_does_not_list(look, paths):
    """The remembered list tells whether the model is live; one that is not is a warning with its command."""
    save_provider(paths.settings_file, "moonshot", model="kimi-k9")
    choose_provider(paths.settings_file, "moonshot")
    write_live(paths, "moonshot", "https://api.moonshot.ai/anthropic", [LiveModel("kimi-k3")], now=time.time())
    found = look(MOONSHOT_API_KEY="sk-0123456789abcdefwxyz")
    first, warning = of(found, "model")
    assert first.facts["live"] is False
    assert (warning.level, warning.fix) == (Level.WARNING, "kimi model ID --provider moonshot")


def test_other_keys(look, paths):
    """Keys of providers that are not in use are shown, masked, with their places; a wrong one is a warning."""
    choose_provider(paths.settings_file, "moonshot")
    change_key(paths.keys_file, "groq", key=KEY)
    found = look(
        MOONSHOT_API_KEY="sk-0123456789abcdefwxyz",
        OPENROUTER_API_KEY="sk-or-0123456789abcdefwxyz",
        TOGETHER_API_KEY="sk-ant-0123456789abcdefwxyz",
    )
    others, wrong = of(found, "keys")
    assert others.facts["others"] == [
        {"provider": "openrouter", "source": "environment", "masked": "sk-o...wxyz"},
        {"provider": "groq", "source": "file", "masked": "gsk_...wxyz"},
    ]
    assert "TOGETHER_API_KEY" in wrong.text
    assert (wrong.level, found.ok) == (Level.WARNING, True)
    assert KEY not in str(found.to_json())


def test_no_key_where_none_is_needed(look, paths):
    """An engine on this machine needs none, which is said."""
    save_provider(paths.settings_file, "local", base_url="http://127.0.0.1:9/v1", model="m")
    choose_provider(paths.settings_file, "local")
    found = look()
    assert found.ok
    assert only(found, "key").text == "none, and none is needed"


def test_the_host_is_asked_only_online(look, paths):
    """Without `online` nobody is asked; with it the host's word counts."""
    double = Groq()
    with running(double) as url:
        save_provider(paths.settings_file, "groq", base_url=url, model=KIMI)
        choose_provider(paths.settings_file, "groq")
        assert of(look(GROQ_API_KEY=double.key), "host") == []
        assert double.refusals == []
        good = look(online=True, GROQ_API_KEY=double.key)
        refused = look(online=True, GROQ_API_KEY=KEY)
        missing = look(online=True, GROQ_API_KEY=double.key, KIMI_MODEL="kimi-k9")
    gone = look(online=True, GROQ_API_KEY=double.key)
    assert (good.ok, only(good, "host").facts["verdict"]) == (True, "accepted")
    assert only(refused, "host").fix == "kimi set-key groq"
    assert only(missing, "host").fix == "kimi models --provider groq"
    assert only(gone, "host").fix.startswith(f"curl -I {url}")
    assert not any(found.ok for found in (refused, missing, gone))
