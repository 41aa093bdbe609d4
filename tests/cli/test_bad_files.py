"""Files and directories that are broken, closed, full or missing: one sentence, the fix, and nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kimi_cli.store.paths import Paths
from tests.cli.hardship import as_nobody_known, homeless, on_a_full_disk, unprivileged
from tests.cli.run import GROQ_KEY, Ran, kimi

posix = pytest.mark.skipif(sys.platform == "win32", reason="directories and modes are those of POSIX")
BROKEN = '# mine\nprovider = "groq\n'
GOOD = '# mine\nprovider = "groq"\n'
ADD = ("provider", "add", "mine", "--format", "openai", "--base-url", "https://h.example/v1", "--model", "m")
READERS = [
    ("provider",),
    ("provider", "list"),
    ("provider", "moonshot"),
    ADD,
    ("provider", "remove", "mine"),
    ("set-key", "groq", "--stdin"),
    ("unset-key", "mine"),
    ("model",),
    ("model", "kimi-k3"),
    ("models",),
    ("models", "--json"),
    ("config", "show"),
    ("setup", "--yes"),
    ("reset", "--provider", "groq", "--yes"),
    ("serve", "--port", "0"),
]
"""Every command that goes by the settings, `launch` and `check` apart."""
WRITERS = [
    ("provider", "moonshot"),
    ("provider", "groq", "--model", "m"),
    ADD,
    ("model", "m"),
    ("model", "m", "--slot", "haiku"),
    ("setup", "--provider", "custom", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--yes"),
]
"""Every command that changes the settings."""
STORE = ("set-key", "groq", "--stdin", "--insecure-storage")


@pytest.fixture
def settings() -> Path:
    """The settings file, with one provider chosen."""
    file = Paths.find(os.environ).settings_file
    file.parent.mkdir(parents=True, mode=0o700)
    file.write_text(GOOD)
    return file


def assert_told(ran: Ran, *, says: str, fix: str, status: int = 3) -> None:
    """It ended with one sentence and the command that mends it, and nothing went to stdout."""
    assert ran.status == status, ran
    assert ran.out == ""
    assert ran.err.count("Error:") == 1
    sentence, _, remedy = ran.err.partition("Error: ")[2].partition("\n  Try: ")
    assert says in sentence
    assert "\n" not in sentence
    assert remedy.splitlines()[0] == fix
    assert "Traceback" not in ran.err
    assert "unforeseen" not in ran.err


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_broken_settings(settings, command):
    """A file that is no TOML is told with line and column, and left alone."""
    settings.write_text(BROKEN)
    ran = kimi(*command, stdin=GROQ_KEY, GROQ_API_KEY=GROQ_KEY)
    ran = Ran(ran.status, ran.out, ran.err[ran.err.index("Error:") :])  # what comes before is narration
    assert_told(ran, says=f"{settings}: line 2, column 17 is not valid TOML", fix="kimi config edit")
    assert settings.read_text() == BROKEN


@posix
def test_broken_settings_and_a_launch(settings, tmp_path):
    """A launch does not start, and `check` says why."""
    settings.write_text(BROKEN)
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\necho '9.9.9 (Claude Code)'\n")
    program.chmod(0o700)
    assert_told(kimi("--print", "hello", KIMI_CLAUDE=str(program)), says="line 2, column 17", fix="kimi config edit")
    ran = kimi("check", KIMI_CLAUDE=str(program))
    assert ran.status == 3
    assert "line 2, column 17" in ran.out
    assert "Try: kimi config edit" in ran.out
    assert settings.read_text() == BROKEN


@pytest.mark.parametrize("command", [("status",), ("stop",), ("config", "path"), ("unset-key", "groq"), ("--version",)])
def test_broken_settings_do_not_matter_to_the_others(settings, command):
    """What has nothing to do with the settings works with broken ones."""
    settings.write_text(BROKEN)
    assert kimi(*command).status == 0


@posix
@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_settings_without_permission_to_read(settings, command):
    """A file that may not be read is told with the command that opens it, and keeps its mode."""
    settings.chmod(0)
    ran = unprivileged(*command, stdin=GROQ_KEY)
    ran = Ran(ran.status, ran.out, ran.err[ran.err.index("Error:") :])
    assert_told(ran, says="it exists, and you may not read it", fix=f"chmod u+rw {settings}")
    assert settings.stat().st_mode & 0o777 == 0
    settings.chmod(0o600)
    assert settings.read_text() == GOOD


@posix
def test_a_directory_in_the_place_of_the_settings(settings):
    """A directory of that name is told with the command that moves it away, and not removed."""
    settings.unlink()
    settings.mkdir()
    (settings / "precious").write_text("mine")
    for command in (("provider",), ("provider", "groq"), ("config", "edit")):
        assert_told(
            kimi(*command, EDITOR="true"),
            says="it cannot be read (Is a directory)",
            fix=f"mv {settings} {settings}.old",
        )
    assert kimi("reset", "--yes").status == 0
    assert (settings / "precious").read_text() == "mine"


@posix
def test_a_file_in_the_place_of_the_directory(settings):
    """A file where our directory should be is told, and not removed."""
    settings.unlink()
    folder = settings.parent
    folder.rmdir()
    folder.write_text("mine")
    for command in (("provider", "groq"), STORE, ("config", "edit")):
        ran = kimi(*command, stdin=GROQ_KEY, EDITOR="true")
        assert ran.status == 3
        assert f"Try: mv {folder} {folder}.old" in ran.err
    assert folder.read_text() == "mine"


@posix
@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_directory_that_may_not_be_written(settings, command):
    """Settings that cannot be written are as they were, and the command that opens the directory is named."""
    settings.parent.chmod(0o500)
    ran = unprivileged(*command)
    ran = Ran(ran.status, ran.out, ran.err[ran.err.index("Error:") :])
    settings.parent.chmod(0o700)
    assert_told(ran, says="it cannot be written (Permission denied)", fix=f"chmod u+rwx {settings.parent}")
    assert settings.read_text() == GOOD
    assert [path.name for path in settings.parent.iterdir()] == [settings.name]


@posix
def test_a_directory_in_which_no_key_can_be_kept(settings):
    """The same for the protected file."""
    settings.parent.chmod(0o500)
    ran = unprivileged(*STORE, stdin=GROQ_KEY)
    settings.parent.chmod(0o700)
    assert_told(ran, says="cannot be written (Permission denied)", fix=f"chmod u+rwx {settings.parent}")


@posix
def test_a_directory_that_may_not_be_entered(settings):
    """Where even looking is not allowed it is the directory that has to be opened."""
    settings.parent.chmod(0)
    for command in (("provider",), ("provider", "groq"), ("config", "edit"), ("config", "show")):
        ran = unprivileged(*command, EDITOR="true")
        assert_told(ran, says="you may not read it", fix=f"chmod u+rwx {settings.parent}")
    settings.parent.chmod(0o700)
    assert settings.read_text() == GOOD


@posix
def test_a_home_in_which_nothing_can_be_made(sandbox):
    """Where not even our directory can be made it is the one above that is named."""
    sandbox.home.chmod(0o500)
    for command in (("provider", "groq"), STORE, ("config", "edit")):
        ran = unprivileged(*command, stdin=GROQ_KEY, EDITOR="true")
        assert ran.status == 3
        assert "(Permission denied)" in ran.err
        assert f"Try: chmod u+rwx {sandbox.home}" in ran.err
    sandbox.home.chmod(0o700)


@posix
@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_full_disk(settings, command):
    """On a full disk the old file survives, and no piece of a new one is left."""
    ran = on_a_full_disk(*command)
    ran = Ran(ran.status, ran.out, ran.err[ran.err.index("Error:") :])
    assert_told(
        ran,
        says="it cannot be written (File too large)",
        fix=f"df -h {settings.parent}, to see what is full, and make room",
    )
    assert settings.read_text() == GOOD
    assert [path.name for path in settings.parent.iterdir()] == [settings.name]


@posix
def test_a_full_disk_and_a_key(settings):
    """A key that replaces another one on a full disk leaves that one."""
    kimi(*STORE, stdin=GROQ_KEY)
    keys = Paths.find(os.environ).keys_file
    before = keys.read_bytes()
    ran = on_a_full_disk(*STORE, stdin="gsk_another_one_altogether")
    assert_told(
        ran, says="cannot be written (File too large)", fix=f"df -h {keys.parent}, to see what is full, and make room"
    )
    assert keys.read_bytes() == before
    assert sorted(path.name for path in keys.parent.iterdir()) == [keys.name, settings.name]


@posix
def test_a_full_disk_does_not_keep_anything_from_being_shown(settings):
    """Whatever only looks works on a full disk."""
    for command in (("provider",), ("provider", "list"), ("status",), ("config", "show")):
        assert on_a_full_disk(*command).status == 0


def test_no_home():
    """Without HOME and XDG directories the user database knows where files go; looking makes none."""
    done = subprocess.run(
        [sys.executable, "-m", "kimi_cli", "config", "path"],
        env=homeless(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_absolute()
    assert done.stderr == ""


@pytest.mark.parametrize(
    "command", [("provider",), STORE, ("check",), ("status",), ("reset", "--yes"), ("config", "path")]
)
def test_no_home_and_nobody_who_has_one(command):
    """Where there is no home directory at all it says so, with the variable that gives one."""
    ran = as_nobody_known(*command)
    assert_told(ran, says="Your home directory cannot be found.", fix="export HOME=/path/to/home")


@posix
@pytest.mark.parametrize("home", ["relative", "", "."])
def test_a_home_that_is_no_directory_of_its_own(home, tmp_path, monkeypatch):
    """A relative HOME would be another one in every directory; it counts as none."""
    monkeypatch.chdir(tmp_path)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, "-m", "kimi_cli", "config", "path"],
        env={**environ, "HOME": home, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert Path(done.stdout.strip()).is_absolute()
    assert list(tmp_path.iterdir()) == []
