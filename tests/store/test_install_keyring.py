"""The script that installs what the tests with a real keyring need, on machines that are only pretended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no sh there")

SCRIPT = Path(__file__).parents[2] / "scripts" / "install-keyring"
TOOLS = ("sh", "env", "echo", "grep", "tail")


@pytest.fixture
def machine(tmp_path):
    """Runs the script where there are these programs and no others; each stub's text is a shell script."""

    def run(environ=None, **stubs):
        programs = tmp_path / "bin"
        programs.mkdir()
        for tool in TOOLS:
            (programs / tool).symlink_to(shutil.which(tool))
        for name, script in {"uname": "echo Linux", "id": "echo 0", **stubs}.items():
            stub = programs / name.replace("_", "-")
            stub.write_text(f"#!{shutil.which('sh')}\n{script}\n")
            stub.chmod(0o755)
        done = subprocess.run(
            [str(SCRIPT)],
            env={"PATH": str(programs), "LOG": str(tmp_path / "log"), **(environ or {})},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        log = tmp_path / "log"
        return done.stdout, log.read_text() if log.exists() else ""

    return run


APT = 'echo "apt-get $*" >> "$LOG"'
SUDO = 'echo "sudo $*" >> "$LOG"; shift; exec "$@"'


def test_nothing_to_do(machine):
    """Where both programs are there nothing is said and nothing is done."""
    assert machine(dbus_run_session="", gnome_keyring_daemon="", apt_get=APT) == ("", "")


def test_as_root(machine):
    """Root installs what is missing, and only that."""
    said, log = machine(dbus_run_session="", apt_get=APT)
    assert said == "Installing gnome-keyring with apt-get ...\nInstalled: gnome-keyring.\n"
    update, install = log.splitlines()
    assert update.endswith(" update")
    assert install.endswith(" install -y --no-install-recommends gnome-keyring")


def test_with_sudo(machine):
    """Another user installs where sudo wants no password."""
    said, log = machine(id="echo 1000", sudo=SUDO, true="", apt_get=APT)
    assert said.endswith("Installed: dbus gnome-keyring.\n")
    assert log.count("sudo -n") == 3
    assert "install -y --no-install-recommends dbus gnome-keyring" in log


@pytest.mark.parametrize(
    ("stubs", "environ", "reason"),
    [
        ({"uname": "echo Darwin", "apt_get": APT}, {}, "the GNOME keyring is for Linux"),
        ({}, {}, "there is no apt-get here"),
        ({"apt_get": APT}, {"KIMI_NO_INSTALL": "1"}, "KIMI_NO_INSTALL is set"),
        ({"id": "echo 1000", "apt_get": APT}, {}, "that takes root, and there is no sudo here"),
        ({"id": "echo 1000", "apt_get": APT, "sudo": "exit 1"}, {}, "try: sudo apt-get install dbus gnome-keyring"),
    ],
)
def test_not_possible(machine, stubs, environ, reason):
    """Where it cannot install it says why, changes nothing, and is no failure."""
    said, log = machine(environ, **stubs)
    assert said.startswith("Not installed: dbus gnome-keyring (")
    assert reason in said
    assert said.endswith("tests with a real keyring will skip.\n")
    assert log == ""


def test_apt_get_that_fails(machine):
    """What apt-get says of a failure is told in one line."""
    said, _ = machine(apt_get='case "$*" in *install*) echo reading; echo "E: no space"; exit 100;; esac')
    assert "Not installed: dbus gnome-keyring (apt-get says: E: no space);" in said
    assert "Installed:" not in said.replace("Not installed:", "")


def test_executable():
    """The script can be run as it is."""
    assert os.access(SCRIPT, os.X_OK)
