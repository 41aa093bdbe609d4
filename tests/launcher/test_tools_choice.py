"""What a session's proxy carries out, as options, variables and settings say."""

from __future__ import annotations

import os

import pytest

from kimi_cli.errors import SettingsError, UsageError
from kimi_cli.launcher.tools_choice import ToolsAsked, tools_choice
from kimi_cli.providers.tools import Level, Progress, ToolsChoice
from kimi_cli.store.paths import Paths

READING = ToolsAsked(Level.READ_ONLY)


def choose(asked, tmp_path, **environ):
    """The choice of somebody in this directory."""
    return tools_choice(asked, Paths.find(os.environ), environ, cwd=tmp_path, offers_always=True)


def write_settings(text):
    """The user's settings."""
    file = Paths.find(os.environ).settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_nothing_is_carried_out_unless_asked_for(tmp_path):
    """Off is the default; the number of steps holds for searches, too."""
    assert choose(ToolsAsked(), tmp_path, KIMI_MAX_TOOL_ITERATIONS="3") == ToolsChoice(steps=3)
    assert ToolsChoice().level is Level.OFF


def test_directory_words_and_progress(tmp_path):
    """The directory is where the launch happened, or the one that is named; words come from the settings."""
    write_settings('[progress]\nemoji = "on"\nstarting = "Los"\n')
    choice = choose(READING, tmp_path)
    assert (choice.level, choice.directory, choice.steps) == (Level.READ_ONLY, str(tmp_path.resolve()), 15)
    assert (choice.emoji, choice.words, choice.progress) == (True, (("starting", "Los"),), Progress.THINKING)
    (tmp_path / "sub").mkdir()
    asked = ToolsAsked(Level.ALL, Progress.TEXT)
    for named in ("sub", str(tmp_path / "sub")):
        choice = choose(asked, tmp_path, KIMI_WORKING_DIR=named)
        assert (choice.directory, choice.progress) == (str((tmp_path / "sub").resolve()), Progress.TEXT)
    assert ToolsChoice.from_json(choice.to_json()) == choice


@pytest.mark.parametrize(
    ("asked", "environ"),
    [
        (ToolsAsked(None, Progress.TEXT), {}),
        (READING, {"KIMI_WORKING_DIR": "/does/not/exist"}),
        (READING, {"KIMI_MAX_TOOL_ITERATIONS": "0"}),
        (READING, {"KIMI_MAX_TOOL_ITERATIONS": "many"}),
        (READING, {"KIMI_MAX_TOOL_ITERATIONS": "9" * 5_000}),
    ],
)
def test_what_cannot_be(tmp_path, asked, environ):
    """It is said in a sentence, with what mends it."""
    with pytest.raises(UsageError) as error:
        choose(asked, tmp_path, **environ)
    assert error.value.fix


@pytest.mark.parametrize("line", ["starting = 1", 'thinking = "{nothing}"', 'executed = "{"'])
def test_words_that_cannot_be(tmp_path, line):
    """A mistake in the settings is named."""
    write_settings(f"[progress]\n{line}\n")
    with pytest.raises(SettingsError, match="progress"):
        choose(READING, tmp_path)


@pytest.mark.parametrize(
    "change", [{"level": "some"}, {"progress": 1}, {"words": {"x": "y"}}, {"steps": "x"}, {"directory": ""}]
)
def test_what_is_no_choice(change):
    """Over the control API it is refused."""
    whole = ToolsChoice(Level.ALL, "/work").to_json()
    with pytest.raises((KeyError, ValueError, TypeError)):
        ToolsChoice.from_json(whole | change)
