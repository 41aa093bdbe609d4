"""A login session with a real GNOME keyring in it: its own bus, home and password, gone with the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox

PACKAGES: Final = {"dbus-run-session": "dbus", "gnome-keyring-daemon": "gnome-keyring"}
"""The programs that this needs, and the Debian packages that they are in; `scripts/install-keyring` installs them."""
PASSWORD: Final = b"keyring of a test"
SECRETS: Final = "org.freedesktop.secrets"
_SECONDS: Final = 20.0
_POLL: Final = 0.02


def missing() -> str | None:
    """Why there can be no such session here."""
    if sys.platform != "linux":
        return "the GNOME keyring is for Linux"
    for program, package in PACKAGES.items():
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian package {package}; scripts/install-keyring)"
    return None


@dataclass(frozen=True, slots=True)
class KeyringSession:
    """A session that runs. `environ` leads a process into it."""

    environ: dict[str, str]

    def kimi(self, *arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of ours in the session."""
        return self.python("-m", "kimi_cli", *arguments, stdin=stdin, **variables)

    def python(self, *arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs Python in the session."""
        return subprocess.run(
            [sys.executable, *arguments],
            input=stdin,
            env={**self.environ, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@contextmanager
def keyring_session(sandbox: Sandbox, *, unlock: bool) -> Iterator[KeyringSession]:
    """A session of the sandbox's user. Without `unlock` nobody gives the keyring its password.

    There is no display in it, so that nobody is asked for a password on the screen of whoever runs the tests.
    """
    environ = {**sandbox.environ(), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    del environ["PYTHON_KEYRING_BACKEND"]
    bus = subprocess.Popen(
        ["dbus-run-session", "--", "sh", "-c", 'echo "$DBUS_SESSION_BUS_ADDRESS"; read -r _'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environ,
    )
    keyring: subprocess.Popen[bytes] | None = None
    try:
        environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()
        keyring = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock" if unlock else "--start"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environ,
        )
        keyring.stdin.write(PASSWORD if unlock else b"")
        keyring.stdin.close()
        _wait_for_owner(environ["DBUS_SESSION_BUS_ADDRESS"])
        yield KeyringSession(environ)
    finally:
        bus.communicate(b"\n", timeout=_SECONDS)  # the session's shell ends, and the bus with it
        if keyring is not None:
            try:
                keyring.wait(_SECONDS)  # it ends with the bus
            finally:
                keyring.kill()
                keyring.wait()


def wait_for_end(sandbox: Sandbox) -> list[str]:
    """The names of the session's processes that do not end."""
    deadline = time.monotonic() + _SECONDS
    while (left := sandbox.processes()) and time.monotonic() < deadline:
        time.sleep(_POLL)
    return [process.name() for process in left]


def _wait_for_owner(address: str) -> None:
    """Waits until the daemon serves on the bus. Whoever calls it before that would have another one started."""
    from jeepney import DBus
    from jeepney.io.blocking import Proxy, open_dbus_connection

    deadline = time.monotonic() + _SECONDS
    with open_dbus_connection(bus=address) as connection:
        while not Proxy(DBus(), connection).NameHasOwner(SECRETS)[0]:
            assert time.monotonic() < deadline, "the keyring does not come up"
            time.sleep(_POLL)
