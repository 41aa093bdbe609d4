"""Where files lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kimi_cli.store.paths import Paths, home_of

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux's directories")
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


@linux
def test_defaults_of_linux(tmp_path):
    """Without XDG variables everything lies under the home directory, the runtime files beside the state."""
    found = Paths.find({"HOME": str(tmp_path)})
    assert found.settings_file == tmp_path / ".config/kimi-cli/settings.toml"
    assert found.keys_file == tmp_path / ".config/kimi-cli/keys.json"
    assert found.live_models_dir == tmp_path / ".cache/kimi-cli/models"
    assert found.log_file == tmp_path / ".local/state/kimi-cli/log/proxy.log"
    assert found.usage_dir == tmp_path / ".local/state/kimi-cli/usage"
    assert found.state_file == tmp_path / ".local/state/kimi-cli/run/proxy.json"


@posix
def test_xdg_variables_count(sandbox):
    """The XDG variables of the given environment decide."""
    found = Paths.find(sandbox.environ())
    assert found.config_dir == sandbox.home / ".config/kimi-cli"
    assert found.cache_dir == sandbox.home / ".cache/kimi-cli"
    assert found.runtime_dir == sandbox.runtime / "kimi-cli"
    assert found.lock_file == sandbox.runtime / "kimi-cli/proxy.lock"
    assert found.sessions_dir == sandbox.runtime / "kimi-cli/sessions"


def test_finding_creates_nothing(sandbox):
    """Finding the paths leaves the disk as it was."""
    before = sorted(sandbox.root.rglob("*"))
    found = Paths.find(sandbox.environ())
    assert found.state_file.name == "proxy.json"
    assert sorted(sandbox.root.rglob("*")) == before


@posix
def test_relative_xdg_variables_are_ignored(sandbox):
    """A relative directory in an XDG variable counts as unset."""
    found = Paths.find(sandbox.environ() | {"XDG_CACHE_HOME": "cache", "XDG_RUNTIME_DIR": "run"})
    assert found.cache_dir.is_relative_to(sandbox.home)
    assert found.runtime_dir.is_relative_to(sandbox.home)


@posix
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_shared_runtime_directory_is_not_used(sandbox, mode):
    """A runtime directory that others can write to is passed over."""
    sandbox.runtime.chmod(mode)
    assert Paths.find(sandbox.environ()).runtime_dir.is_relative_to(sandbox.home)


@posix
def test_missing_runtime_directory_is_not_used(sandbox):
    """A runtime directory that does not exist is passed over."""
    environ = sandbox.environ() | {"XDG_RUNTIME_DIR": str(sandbox.root / "gone")}
    assert Paths.find(environ).runtime_dir.is_relative_to(sandbox.home)


@posix
def test_another_users_runtime_directory_is_not_used(sandbox, unprivileged):
    """A runtime directory of another user, left in the environment by su, is passed over."""
    found = Paths.find(sandbox.environ() | {"XDG_RUNTIME_DIR": "/"})
    assert found.runtime_dir.is_relative_to(sandbox.home)


@posix
def test_home_unset_is_found_in_the_user_database():
    """Without HOME the user database tells the home directory."""
    assert Paths.find({}).config_dir.is_relative_to(Path("/"))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no user database")
@pytest.mark.parametrize("home", ["", ".", "relative/home"])
def test_a_home_that_is_not_absolute_counts_as_none(home):
    """A relative HOME would be another one in every directory; the user database has the real one."""
    import pwd

    listed = pwd.getpwuid(os.getuid()).pw_dir
    assert home_of({"HOME": home}) == Path(listed)
    assert Paths.find({"HOME": home}).settings_file.is_relative_to(listed)
