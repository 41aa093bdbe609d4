"""The settings that Claude Code is started with."""

from __future__ import annotations

import json
import os
import stat
import sys

import pytest

from kimi_cli.launcher.client_settings import ClientSettings
from kimi_cli.launcher.settings_file import SettingsFile, build_settings
from kimi_cli.store.identity import ProcessIdentity
from tests.launcher.conftest import make_route

VARIABLES = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8090", "ANTHROPIC_API_KEY": ""}


def build(own: dict | None = None, user: dict | None = None) -> dict:
    """Settings for a user with these of their own."""
    layers = (("user", user or {}), ("--settings", own or {}))
    return build_settings(make_route(), variables=VARIABLES, own=own or {}, settings=ClientSettings(layers))


def test_nothing_of_the_users():
    """Variables, mode and models; nothing else."""
    built = build()
    assert built.pop("modelPicker")["replaceBuiltInOptions"] is True
    assert built == {"env": VARIABLES, "permissions": {"defaultMode": "default"}}


def test_the_users_own_settings_are_merged():
    """Everything of theirs stays; where both set a variable, ours counts."""
    own = {
        "env": {"THEIRS": "1", "ANTHROPIC_BASE_URL": "https://elsewhere"},
        "permissions": {"allow": ["Bash(ls)"]},
        "hooks": {"Stop": []},
        "model": "opus",
    }
    built = build(own)
    assert built["env"] == {"THEIRS": "1", **VARIABLES}
    assert built["permissions"] == {"allow": ["Bash(ls)"], "defaultMode": "default"}
    assert built["hooks"] == {"Stop": []}
    assert built["model"] == "opus"
    assert own["env"]["ANTHROPIC_BASE_URL"] == "https://elsewhere"  # not changed in place


@pytest.mark.parametrize("mode", ["auto", "plan", "bypassPermissions", "nonsense"])
def test_a_mode_of_theirs(mode):
    """The mode in their `--settings` is passed on whatever it is."""
    assert build({"permissions": {"defaultMode": mode}})["permissions"] == {"defaultMode": mode}


@pytest.mark.parametrize("mode", ["auto", "plan", None])
def test_auto_mode_is_not_advised(mode):
    """It does not work here, so nobody is asked to switch to it who did not choose it."""
    user = {"permissions": {"defaultMode": mode}} if mode else {}
    settings = ClientSettings((("user", user),))
    built = build_settings(make_route(), variables=VARIABLES, own={}, settings=settings, offers_auto=False)
    assert built.get("permissions", {}).get("disableAutoMode") == (None if mode == "auto" else "disable")
    assert "disableAutoMode" not in str(build(user=user))


def test_modes_of_their_files():
    """A mode of their files is repeated, so that auto mode is not offered in its place; auto mode itself is not."""
    assert build(user={"permissions": {"defaultMode": "plan"}})["permissions"] == {"defaultMode": "plan"}
    assert "permissions" not in build(user={"permissions": {"defaultMode": "auto"}})


@pytest.mark.parametrize("own", [{"env": 1, "permissions": "x"}, {"env": None}])
def test_their_mistakes_are_theirs(own):
    """What has the wrong form is replaced where it is ours to set, and left for the client to report elsewhere."""
    built = build(own)
    assert built["env"] == VARIABLES
    assert built["permissions"] == own.get("permissions", {"defaultMode": "default"})


def test_foreign_keys_and_lists_of_models():
    """A helper that makes keys is switched off, and a list of permitted models gets ours: only where there is one."""
    built = build(user={"apiKeyHelper": "get-key", "availableModels": ["sonnet"]})
    assert built["apiKeyHelper"] == ""
    assert built["availableModels"] == ["big", "small"]
    assert not {"apiKeyHelper", "availableModels"} & set(build())


@pytest.mark.parametrize("kind", ["for_session", "for_direct"])
def test_the_file(user, kind):
    """It is private from the first moment, its name is new each time, and nothing is left of it."""
    file, other = (getattr(SettingsFile, kind)(user.paths) for _ in range(2))
    assert file.path != other.path
    assert not user.paths.runtime_dir.exists()
    file.write({"a": "ü"})
    assert json.loads(file.path.read_bytes()) == {"a": "ü"}
    if sys.platform != "win32":
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    file.remove()
    file.remove()
    assert user.sandbox.runtime_files() == []


def test_files_with_keys_do_not_outlive_their_launch(user):
    """The next launch removes what one that was killed has left, and nothing else."""
    alive, current = SettingsFile.for_direct(user.paths), ProcessIdentity.current()
    alive.write({})
    folder = alive.path.parent
    left = [folder / f"{os.getpid()}_{current.created - 100}_x.json", folder / "4194300_5.0_x.json", folder / "odd"]
    for path in left:
        path.write_text("{}")
    SettingsFile.for_direct(user.paths)
    assert list(folder.iterdir()) == [alive.path]
