"""What the user set for Claude Code."""

from __future__ import annotations

import json

import pytest

from kimi_cli.launcher.client_settings import read_client_settings

ALL = {"user", "project", "local"}


@pytest.fixture
def place(tmp_path):
    """A home, a git checkout in it, and a way to write the settings files of both."""
    home, top = tmp_path / "home", tmp_path / "home" / "checkout"
    (top / ".git").mkdir(parents=True)
    (top / "sub").mkdir()

    class Place:
        cwd = top
        environ = {"HOME": str(home), "USERPROFILE": str(home)}  # noqa: RUF012
        own: dict = {}  # noqa: RUF012
        sources = ALL

        def write(self, where: str, settings: object) -> None:
            folder, name = {
                "user": (home, "settings.json"),
                "project": (top, "settings.json"),
                "local": (top, "settings.local.json"),
                "sub project": (top / "sub", "settings.json"),
                "sub local": (top / "sub", "settings.local.json"),
            }[where]
            (folder / ".claude").mkdir(exist_ok=True)
            text = settings if isinstance(settings, str) else json.dumps(settings)
            (folder / ".claude" / name).write_text(text)

        def read(self):
            return read_client_settings(self.environ, cwd=self.cwd, sources=self.sources, own=self.own)

    return Place()


def mode(name: str) -> dict:
    """Settings that choose a mode."""
    return {"permissions": {"defaultMode": name}}


def test_without_settings_it_asks_before_it_acts(place):
    """A newcomer starts in the mode that works, and nothing is made in their home."""
    assert place.read().permission_mode() == "default"
    assert not (place.cwd / ".claude").exists()


@pytest.mark.parametrize("name", ["acceptEdits", "plan", "dontAsk", "default"])
@pytest.mark.parametrize("where", ["user", "project", "local"])
def test_a_mode_of_the_users_is_kept(place, where, name):
    """A mode that was chosen anywhere is the one to start in."""
    place.write(where, mode(name))
    assert place.read().permission_mode() == name


def test_the_nearer_settings_count(place):
    """The local ones outrank the project's, those the user's, and `--settings` all of them."""
    for where, name in (("user", "plan"), ("project", "acceptEdits"), ("local", "dontAsk")):
        place.write(where, mode(name))
        assert place.read().permission_mode() == name
    place.own = mode("plan")
    assert place.read().permission_mode() == "plan"


@pytest.mark.parametrize("where", ["user", "project", "local"])
def test_auto_mode_stays_the_users_choice(place, where):
    """Who chose auto mode gets it, by Claude Code's own doing."""
    place.write(where, mode("auto"))
    assert place.read().permission_mode() is None


def test_a_project_gets_no_more_than_it_could_have_itself(place):
    """In our settings, bypassing all questions would count even where a project may not ask for it."""
    place.write("project", mode("bypassPermissions"))
    assert place.read().permission_mode() is None
    place.write("project", {})
    place.write("user", mode("bypassPermissions"))
    assert place.read().permission_mode() == "bypassPermissions"


def test_local_settings_of_the_checkout(place):
    """In a directory of a checkout, its own project file counts, and the checkout's local file."""
    place.cwd = place.cwd / "sub"
    place.write("project", mode("plan"))
    assert place.read().permission_mode() == "default"
    place.write("sub local", mode("plan"))
    place.write("local", mode("acceptEdits"))
    assert place.read().permission_mode() == "acceptEdits"
    place.write("sub project", mode("dontAsk"))
    assert place.read().permission_mode() == "acceptEdits"


def test_only_the_sources_that_are_read(place):
    """Settings that Claude Code was told not to read do not count."""
    place.write("user", mode("plan"))
    place.sources = {"project", "local"}
    assert place.read().permission_mode() == "default"


def test_another_configuration_directory(place, tmp_path):
    """`CLAUDE_CONFIG_DIR` moves the user's settings."""
    place.write("user", mode("plan"))
    place.environ = {**place.environ, "CLAUDE_CONFIG_DIR": str(tmp_path)}
    (tmp_path / "settings.json").write_text(json.dumps(mode("dontAsk")))
    assert place.read().permission_mode() == "dontAsk"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"permissions": 1}', '{"permissions": {"defaultMode": 7}}'])
def test_files_that_make_no_sense(place, text):
    """A broken file counts as none; Claude Code itself says what is wrong with it."""
    place.write("user", text)
    assert place.read().permission_mode() == "default"
    assert place.read().variable("X") is None


def test_variables_and_names(place):
    """Variables come from the nearest settings that have them; whether a setting is there can be asked."""
    place.write("user", {"env": {"A": "1", "B": "1"}, "apiKeyHelper": "x"})
    place.write("project", {"env": {"B": "2", "C": 3}})
    found = place.read()
    assert [found.variable(name) for name in "ABC"] == ["1", "2", None]
    assert found.has("apiKeyHelper")
    assert not found.has("availableModels")
