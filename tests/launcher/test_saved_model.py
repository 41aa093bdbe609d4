"""A model of ours that Claude Code saved as the user's default."""

from __future__ import annotations

import json
import stat
import sys

import pytest

from kimi_cli.errors import SettingsError
from kimi_cli.launcher.saved_model import SavedModel, newly_saved, read_saved_model


@pytest.fixture
def settings(user):
    """The user's settings of Claude Code."""
    path = user.sandbox.home / ".claude" / "settings.json"
    path.parent.mkdir()
    return path


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"model": 1}', '{"model": ""}'])
def test_none(user, settings, text):
    """Without a file, a setting or sense there is no default, and nothing is made."""
    if text is not None:
        settings.write_text(text)
    assert read_saved_model(user.environ) is None
    assert settings.exists() is (text is not None)


@pytest.mark.parametrize(
    ("model", "is_ours"),
    [("kimi-k2.6", True), ("kimi-k3[1m]", True), ("openai/gpt-oss-120b", True), ("opus", False), ("claude-x", False)],
)
def test_whose_it_is(user, settings, model, is_ours):
    """Kimi models and those of our hosts are ours; names of Anthropic's are not."""
    settings.write_text(json.dumps({"model": model}))
    assert read_saved_model(user.environ) == SavedModel(settings, model)
    assert read_saved_model(user.environ).is_ours is is_ours


def test_what_a_launch_left(settings):
    """Only a model of ours that was not there before counts, and it remembers what it replaced."""
    kimi, other, opus = (SavedModel(settings, name) for name in ("kimi-k3", "kimi-k2.6", "opus"))
    own, profile, theirs = (
        SavedModel(settings, name) for name in ("qwen3-coder:30b", "arn:aws:x", "us.anthropic.x[1m]")
    )
    assert newly_saved(None, None) is None
    assert newly_saved(opus, opus) is None
    assert newly_saved(None, opus) is None
    assert newly_saved(kimi, kimi) is None
    assert newly_saved(None, kimi) == SavedModel(settings, "kimi-k3", None)
    assert newly_saved(opus, kimi) == SavedModel(settings, "kimi-k3", "opus")
    assert newly_saved(other, kimi) == SavedModel(settings, "kimi-k3", None)
    assert newly_saved(opus, own) == SavedModel(settings, "qwen3-coder:30b", "opus")
    assert newly_saved(profile, kimi) == SavedModel(settings, "kimi-k3", "arn:aws:x")
    assert newly_saved(kimi, theirs) is None


def test_undone(user, settings):
    """The default is what it was, or none; everything else in the file stays, as do its mode and a link to it."""
    real = user.sandbox.home / "dotfiles.json"
    real.write_text(json.dumps({"env": {"Ä": "1"}, "model": "kimi-k3", "hooks": {}}, indent=2))
    real.chmod(0o640)
    settings.symlink_to(real)
    SavedModel(settings, "kimi-k3", "opus").undo()
    assert real.read_text("utf-8") == '{\n  "env": {\n    "Ä": "1"\n  },\n  "model": "opus",\n  "hooks": {}\n}\n'
    assert settings.is_symlink()
    if sys.platform != "win32":
        assert stat.S_IMODE(real.stat().st_mode) == 0o640
    SavedModel(settings, "opus").undo()
    assert "model" not in json.loads(real.read_text("utf-8"))


def test_not_undone(user, settings):
    """Another choice since then is left alone, and a file that makes no sense is not touched."""
    settings.write_text('{"model": "opus"}')
    SavedModel(settings, "kimi-k3").undo()
    assert settings.read_text() == '{"model": "opus"}'
    settings.write_text("{")
    with pytest.raises(SettingsError, match="cannot be understood"):
        SavedModel(settings, "kimi-k3").undo()
    assert settings.read_text() == "{"
