"""Claude Code, found wherever it was installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kimi_cli.errors import ClaudeNotFoundError, ClaudeUnusableError
from kimi_cli.launcher.claude import Claude, find_claude, install_command
from kimi_cli.launcher.places import installation_places
from tests.launcher.conftest import make_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are made executable as POSIX does")

PROGRAM = "import sys; print('2.1.330 (Claude Code)')"


@pytest.fixture
def home(tmp_path):
    """An empty home."""
    return tmp_path / "home"


@pytest.fixture
def environ(home, tmp_path):
    """An environment with one empty directory in its search path."""
    (tmp_path / "bin").mkdir()
    return {"HOME": str(home), "PATH": str(tmp_path / "bin")}


@pytest.fixture(autouse=True)
def _no_system_places(monkeypatch):
    """Whatever this machine has installed outside of the home does not count."""
    found = Path.is_file

    def is_file(path: Path) -> bool:
        return found(path) and not str(path).startswith(("/opt/", "/usr/local/", "/usr/bin/", "/home/linuxbrew/"))

    monkeypatch.setattr(Path, "is_file", is_file)


def test_in_the_search_path(environ, tmp_path):
    """The first in `PATH` is taken, before any other place."""
    program = make_program(tmp_path / "bin" / "claude", PROGRAM)
    make_program(Path(environ["HOME"]) / ".local/bin/claude", PROGRAM)
    found = find_claude(environ)
    assert found == Claude(program, (str(program),))
    assert found.command(["-p", "a b"]) == [str(program), "-p", "a b"]
    assert not found.is_off_path


@pytest.mark.parametrize(
    "place",
    [
        ".local/bin/claude",
        ".claude/local/claude",
        ".claude/local/node_modules/.bin/claude",
        ".npm-global/bin/claude",
        ".nvm/versions/node/v22.1.0/bin/claude",
        ".volta/bin/claude",
        ".bun/bin/claude",
        ".local/share/pnpm/claude",
        ".npm/_npx/0123abcd/node_modules/.bin/claude",
    ],
)
def test_where_installers_put_it(environ, home, place):
    """It is found where `PATH` does not lead to it: alias, package managers, version managers, npx."""
    program = make_program(home / place, PROGRAM)
    found = find_claude(environ)
    assert found.path == program
    assert found.is_off_path


def test_the_newest_node_comes_first(environ, home):
    """Of several versions of Node the highest is asked first, by number."""
    for version in ("v9.11.2", "v22.1.0", "v18.20.0"):
        make_program(home / ".nvm/versions/node" / version / "bin/claude", PROGRAM)
    assert "v22.1.0" in str(find_claude(environ).path)


def test_the_places_of_package_managers(environ, home, tmp_path):
    """Prefixes that the user set, by variable or in `~/.npmrc`, are looked into."""
    home.mkdir()
    (home / ".npmrc").write_text("registry=https://x\nprefix = ~/npm\n")
    places = list(installation_places({**environ, "NPM_CONFIG_PREFIX": "/prefix", "PNPM_HOME": "/pnpm"}))
    assert {home / "npm/bin", Path("/prefix/bin"), Path("/pnpm")} <= set(places)


def test_none(environ, home):
    """The error names every place that was tried, and the command that installs it."""
    with pytest.raises(ClaudeNotFoundError) as error:
        find_claude(environ)
    assert error.value.tried[0] == "PATH"
    assert "~/.local/bin" in str(error.value)
    assert str(home) not in str(error.value)
    assert "claude.ai/install.sh" in error.value.fix
    assert error.value.exit_code == 4


def test_the_install_command_fits(environ, tmp_path):
    """npm is offered where there is npm."""
    assert "npm" not in install_command(environ)
    make_program(tmp_path / "bin" / "npm", "")
    assert install_command(environ).endswith("npm install -g @anthropic-ai/claude-code")


def test_what_is_no_program(environ, home, tmp_path):
    """Directories, files that cannot be run and dangling links are passed over."""
    (tmp_path / "bin" / "claude").mkdir()
    (home / ".local/bin").mkdir(parents=True)
    (home / ".local/bin/claude").write_text("")
    (home / ".claude/local").mkdir(parents=True)
    (home / ".claude/local/claude").symlink_to(tmp_path / "nowhere")
    program = make_program(home / ".bun/bin/claude", PROGRAM)
    assert find_claude(environ).path == program


def test_never_ourselves(environ, home, tmp_path):
    """A `claude` that leads to `kimi` is not Claude Code, whatever `kimi` is called."""
    ours = make_program(tmp_path / "venv" / "kimi", PROGRAM)
    (tmp_path / "bin" / "claude").symlink_to(ours)
    renamed = make_program(tmp_path / "venv" / "other", PROGRAM)
    (home / ".local/bin").mkdir(parents=True)
    (home / ".local/bin/claude").symlink_to(renamed)
    with pytest.raises(ClaudeNotFoundError):
        find_claude(environ, own=renamed)


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        ('#!/bin/sh\nexec kimi launch "$@"\n', True),
        ("#!/usr/bin/env python3\nimport os; os.execvp('kimi', ['kimi'])\n", True),
        ("#!/bin/sh\nexec /opt/kimi-cli/claude --add-dir ~/kimi.d\n", False),
        ("#!/bin/sh\nexec /home/kimi/.nvm/bin/claude\n", False),
        ("#!/usr/bin/env node\n// kimi\n", False),
        ("#!/bin/sh\n" + "#" * 5000 + "\nkimi\n", False),
        ("kimi", False),
    ],
)
def test_a_script_that_runs_us(environ, tmp_path, text, is_ours):
    """It is passed over; one that has the word somewhere else is not."""
    program = make_program(tmp_path / "bin" / "claude", "")
    program.write_text(text)
    if is_ours:
        with pytest.raises(ClaudeNotFoundError):
            find_claude(environ)
    else:
        assert find_claude(environ).path == program


def test_relative_entries_do_not_count(environ, tmp_path, monkeypatch):
    """A `.` in the search path would run what lies in a project's directory."""
    make_program(tmp_path / "project" / "claude", PROGRAM)
    monkeypatch.chdir(tmp_path / "project")
    with pytest.raises(ClaudeNotFoundError):
        find_claude({**environ, "PATH": f".:{environ['PATH']}:"})


def test_the_one_that_was_named(environ, tmp_path):
    """A path given as a flag counts before the variable, and that before everything else."""
    make_program(tmp_path / "bin" / "claude", PROGRAM)
    flag, variable = (make_program(tmp_path / name / "program", PROGRAM) for name in ("a", "b"))
    environ |= {"KIMI_CLAUDE": str(variable)}
    assert find_claude(environ).path == variable
    assert find_claude(environ, explicit=flag).path == flag


def test_a_named_one_that_cannot_be_used(environ, tmp_path):
    """It is an error, and no other is taken in its place."""
    make_program(tmp_path / "bin" / "claude", PROGRAM)
    (tmp_path / "text").write_text("")
    with pytest.raises(ClaudeUnusableError, match="not there"):
        find_claude(environ, explicit=tmp_path / "nothing")
    with pytest.raises(ClaudeUnusableError, match="not a program"):
        find_claude(environ | {"KIMI_CLAUDE": str(tmp_path / "text")})


def test_version(environ, tmp_path):
    """Its version is asked of the program itself."""
    program = make_program(tmp_path / "x", PROGRAM)
    assert find_claude(environ, explicit=program).version(os.environ) == "2.1.330"


@pytest.mark.parametrize("source", ["import sys; sys.exit(1)", "", "raise SystemExit('no')"])
def test_no_version(environ, tmp_path, source):
    """One that does not say cannot be used."""
    program = make_program(tmp_path / "x", source)
    with pytest.raises(ClaudeUnusableError, match="does not tell its version"):
        find_claude(environ, explicit=program).version(os.environ)


def test_an_interpreter_that_is_missing(environ, tmp_path):
    """A script that the system cannot run is one sentence."""
    program = make_program(tmp_path / "x", "")
    program.write_text("#!/no/such/node\n")
    with pytest.raises(ClaudeUnusableError, match="what it needs in order to run is missing"):
        find_claude(environ, explicit=program).version(os.environ)
