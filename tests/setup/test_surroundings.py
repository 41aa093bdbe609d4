"""What a launch needs that is no choice of the user's."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from kimi_cli import __version__
from kimi_cli.setup.finding import Level
from kimi_cli.setup.surroundings import claude_code, files, other_kimi, proxy, saved_model, versions
from kimi_cli.setup.tested import NEWEST, OLDEST
from tests.launcher.conftest import make_program

posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are scripts")


def test_versions():
    """This program, its interpreter and the system are told."""
    found = versions()
    assert (found.level, found.facts["version"]) == (Level.OK, __version__)


@posix
@pytest.mark.parametrize(
    ("version", "remark"),
    [(NEWEST, ""), ("9.9.9", f" (newer than those tested, {OLDEST} to {NEWEST})")],
)
def test_claude_code(tmp_path, version, remark):
    """Path and version are told, and a version that was not tested as such; it is no reason not to start."""
    program = make_program(tmp_path / "claude", f"print('{version} (Claude Code)')")
    found = claude_code(dict(os.environ), program)
    assert (found.level, found.fix) == (Level.OK, None)
    assert found.text == f"Claude Code {version} at {program}{remark}"
    assert found.facts == {
        "path": str(program),
        "version": version,
        "tested": not remark,
        "oldest_tested": OLDEST,
        "newest_tested": NEWEST,
    }


def test_no_claude_code(sandbox):
    """Without it there is one short sentence, the places for scripts, and the command that installs it."""
    found = claude_code({**sandbox.environ(), "PATH": ""}, None)
    assert (found.level, found.text) == (Level.ERROR, "Claude Code was not found.")
    assert "PATH" in found.facts["tried"]
    assert "claude.ai/install" in found.fix


@posix
def test_claude_code_that_does_not_start(tmp_path):
    """One that fails is an error, and so is one that was named and is not there."""
    broken = make_program(tmp_path / "claude", "raise SystemExit(3)")
    assert claude_code(dict(os.environ), broken).level is Level.ERROR
    missing = claude_code(dict(os.environ), tmp_path / "nothing")
    assert (missing.level, missing.facts["path"]) == (Level.ERROR, None)
    assert "--claude PATH" in missing.fix


def test_no_proxy(paths):
    """A proxy that does not run is as it should be; its port is told."""
    found = proxy(paths, {})
    assert (found.level, found.facts) == (Level.OK, {"running": False, "port": 8090})
    assert proxy(paths, {"KIMI_PROXY_PORT": "0"}).text.endswith("any free port")


@pytest.mark.parametrize("name", ["KIMI_PROXY_PORT", "KIMI_IDLE_GRACE"])
def test_a_variable_that_makes_no_sense(paths, name):
    """A variable with which no proxy starts is an error that names it."""
    found = proxy(paths, {name: "soon"})
    assert (found.level, found.fix) == (Level.ERROR, f"unset {name}")
    assert "'soon'" in found.text


def test_a_port_that_is_taken(paths):
    """A launch would fail on a port that was asked for and belongs to somebody else, so this does, too."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = str(stranger.getsockname()[1])
        found = proxy(paths, {"KIMI_PROXY_PORT": port})
    assert (found.level, found.fix) == (Level.ERROR, "unset KIMI_PROXY_PORT")
    assert port in found.text
    assert proxy(paths, {"KIMI_PROXY_PORT": port}).level is Level.OK


def test_a_proxy_that_runs(world):
    """One that runs is told with its sessions."""
    control = world.ensure()
    world.open(control)
    found = proxy(world.paths, world.environ)
    assert (found.level, found.facts["running"], found.facts["sessions"]) == (Level.OK, True, 1)
    assert found.facts["port"] == control.state.port
    assert "1 session" in found.text
    control.stop(force=True)


def test_files(paths):
    """The places are told, and nothing is made."""
    found = files(paths)
    assert (found.level, found.facts["settings"]) == (Level.OK, str(paths.settings_file))
    assert not paths.runtime_dir.exists()


def test_a_directory_that_cannot_be_written(paths, unprivileged):
    """Where the proxy could not write its state a launch would fail; without a log it would not."""
    state, session = paths.log_dir.parent.parent, paths.runtime_dir.parent
    state.mkdir(parents=True)
    state.chmod(0o500)
    without_log = files(paths)
    session.chmod(0o500)
    without_state = files(paths)
    session.chmod(0o700)
    state.chmod(0o700)
    assert (without_log.level, without_log.fix) == (Level.WARNING, f"chmod u+rwx {state}")
    assert (without_state.level, without_state.fix) == (Level.ERROR, f"chmod u+rwx {session}")


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ('{"model": "kimi-k3"}', True),
        ('{"model": "qwen3-coder:30b"}', True),
        ('{"model": "opus"}', False),
        ("{}", False),
        ("{", False),
    ],
)
def test_a_model_of_ours_as_claude_codes_own(sandbox, text, is_told):
    """A model that plain `claude` cannot use is told with the file that it stands in."""
    settings = sandbox.home / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(text)
    found = saved_model(sandbox.environ(), ["kimi-k3", "qwen3-coder:30b"])
    assert (found is not None) is is_told
    if found is not None:
        assert str(settings) in found.fix


@posix
def test_another_kimi(tmp_path, monkeypatch):
    """Another program of our name that comes first is told; ours, by whatever link, is not."""
    own = make_program(tmp_path / "own" / "kimi", "")
    other = make_program(tmp_path / "other" / "kimi", "")
    link = tmp_path / "link"
    link.mkdir()
    (link / "kimi").symlink_to(own)
    (tmp_path / "dull").mkdir()
    (tmp_path / "dull" / "kimi").write_text("not a program")
    monkeypatch.setattr(sys, "argv", [str(own)])

    def first(*folders):
        return other_kimi({"PATH": os.pathsep.join(map(str, folders))})

    assert first(other.parent, own.parent).facts == {"other": str(other)}
    assert first(own.parent, other.parent) is None
    assert first(link, other.parent) is None
    assert first(tmp_path / "dull", tmp_path / "none", "", own.parent) is None
    assert first() is None


@posix
def test_our_own_command_beside_python(tmp_path, monkeypatch):
    """Run as `python -m kimi_cli` the command of the same environment is ours."""
    own = make_program(tmp_path / "bin" / "kimi", "")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "kimi_cli" / "__main__.py")])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert other_kimi({"PATH": str(own.parent)}) is None
    other = make_program(tmp_path / "other" / "kimi", "")
    found = other_kimi({"PATH": str(other.parent)})
    assert found.fix == f'export PATH="{own.parent}:$PATH"'
