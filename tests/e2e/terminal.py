"""A terminal that a test types into and reads from, by way of tmux."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

COLUMNS: Final = 140
LINES: Final = 50
POLL_SECONDS: Final = 0.1
WAIT_SECONDS: Final = 40.0
"""How long a screen may take to appear on a loaded machine."""
REST_SECONDS: Final = 0.5
"""A screen that has not changed for this long is at rest."""
AGAIN_SECONDS: Final = 4.0
"""After this long a key that had no effect counts as lost."""


def find_tmux() -> str | None:
    """The path of tmux, or None."""
    return shutil.which("tmux")


@dataclass(frozen=True, slots=True)
class Terminal:
    """One tmux server with one window."""

    tmux: str
    socket: Path

    def screen(self) -> str:
        """What stands on the screen now; an empty string once the program has ended."""
        done = subprocess.run(
            [self.tmux, "-S", str(self.socket), "capture-pane", "-p"], capture_output=True, text=True, check=False
        )
        return done.stdout

    def press(self, key: str) -> None:
        """Press a key by tmux's name, such as `Enter` or `Down`, once the screen is at rest."""
        self._wait_for_rest()
        self._run("send-keys", key)

    def type(self, text: str) -> None:
        """Type text as it is, and wait until it stands on the screen."""
        self._run("send-keys", "-l", text)
        self.wait_for(re.escape(text))

    def enter(self, text: str) -> None:
        """Type text as it is, and press Enter once it stands on the screen."""
        self.type(text)
        self.press("Enter")

    def press_until(self, key: str, pattern: str) -> str:
        """Press a key until the screen matches: a dialog that was just drawn does not always listen yet."""
        tries = int(WAIT_SECONDS / AGAIN_SECONDS)
        for _ in range(tries - 1):
            self.press(key)
            with suppress(AssertionError):
                return self.wait_for(pattern, seconds=AGAIN_SECONDS)
        self.press(key)
        return self.wait_for(pattern)

    def wait_for(self, pattern: str, *, seconds: float = WAIT_SECONDS) -> str:
        """Wait until the screen matches, and give it; fail with what stood there where it does not."""
        deadline = time.monotonic() + seconds
        while True:
            screen = self.screen()
            if re.search(pattern, screen):
                return screen
            if time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} did not appear; the screen was:\n{screen}")
            time.sleep(POLL_SECONDS)

    def wait_for_end(self, *, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the program has ended and tmux with it."""
        deadline = time.monotonic() + seconds
        while self._run("has-session", check=False).returncode == 0:
            if time.monotonic() > deadline:
                raise AssertionError(f"the program did not end; the screen was:\n{self.screen()}")
            time.sleep(POLL_SECONDS)

    def _wait_for_rest(self) -> None:
        """Wait until the screen stands still: what is drawn is ahead of what the program listens to."""
        deadline = time.monotonic() + WAIT_SECONDS
        screen, since = self.screen(), time.monotonic()
        while time.monotonic() - since < REST_SECONDS and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            now = self.screen()
            if now != screen:
                screen, since = now, time.monotonic()

    def _run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.tmux, "-S", str(self.socket), *command], capture_output=True, text=True, check=check
        )


def get_ready(window: Terminal) -> None:
    """Through everything that stands before a newcomer's first prompt."""
    window.wait_for("Choose the text style")
    window.press_until("Enter", "Security notes")
    window.press_until("Enter", "Yes, I trust this folder")
    window.press_until("Down", r"(?m)^ \S Yes, I trust this folder")
    window.press_until("Enter", "manual mode on")


@contextmanager
def terminal(
    tmux: str, command: Sequence[str], *, socket: Path, environ: Mapping[str, str], cwd: Path
) -> Iterator[Terminal]:
    """Run a command in a terminal of its own; whatever is left of it ends with the block."""
    start = [tmux, "-S", str(socket), "-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES)]
    subprocess.run([*start, *command], env={**environ, "TERM": "xterm-256color"}, cwd=cwd, check=True)
    window = Terminal(tmux, socket)
    try:
        yield window
    finally:
        subprocess.run([tmux, "-S", str(socket), "kill-server"], capture_output=True, check=False)
        socket.unlink(missing_ok=True)
