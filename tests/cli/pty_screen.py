"""What a command shows on a terminal of a given width, and how it takes what is typed there."""

from __future__ import annotations

import codecs
import os
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

SECONDS: Final = 60.0
INTERRUPT: Final = "\x03"
PATIENCE_SECONDS: Final = 10.0
"""After which a person presses Ctrl-C a second time."""
LINES: Final = 50
_ESCAPE: Final = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-_])")
_ON_ITS_OWN: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])"
)
"""Makes the terminal the controlling one of a new session, so that Ctrl-C on it is a signal."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a command ended, and what it sent to the terminal."""

    status: int
    sent: str

    @property
    def lines(self) -> list[str]:
        """What stands on the screen at the end, without colours and without spinners that have gone."""
        plain = _ESCAPE.sub("", self.sent).replace("\r\n", "\n")
        return [line.rpartition("\r")[2].rstrip() for line in plain.removesuffix("\n").split("\n")]

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines)

    @property
    def words(self) -> str:
        """The same on one line, for sentences that may be wrapped."""
        return " ".join(self.text.split())

    @property
    def is_coloured(self) -> bool:
        """Whether any colour or style was set."""
        return re.search(r"\x1b\[[0-9;]*m", self.sent) is not None


def on_terminal(*arguments: str, columns: int = 80, answers: Iterable[tuple[str, str]] = (), **variables: str) -> Shown:
    """Run a command of ours with stdin, stdout and stderr on one terminal.

    Each of `answers` is typed once its question, a part of the text, stands there.
    """
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", **variables}
    environ.pop("COLUMNS", None)
    command = [sys.executable, "-c", _ON_ITS_OWN, sys.executable, "-m", "kimi_cli", *arguments]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True)
    os.close(theirs)
    try:
        sent = _converse(ours, list(answers))
        status = process.wait(SECONDS)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return Shown(status, sent)


def _converse(terminal: int, answers: list[tuple[str, str]]) -> str:
    """Everything that comes until the other side is closed.

    Python sees a signal that comes just before `input()` begins to read only when that ends. Who presses Ctrl-C within
    these microseconds, as tests on a busy machine may, presses it once more.
    """
    deadline = time.monotonic() + SECONDS
    decoder = codecs.getincrementaldecoder("utf-8")()  # a character may come in two pieces
    sent, seen, interrupts = "", 0, 0
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([terminal], [], [], min(left, PATIENCE_SECONDS) if interrupts == 1 else left)[0]:
            if interrupts == 1:
                interrupts = 2
                os.write(terminal, INTERRUPT.encode())
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # which Linux says instead of an end
            data = b""
        if not data:
            assert not answers, f"{answers[0][0]!r} was not asked; it said:\n{sent}"
            return sent
        sent += decoder.decode(data)
        while answers and (at := sent.find(answers[0][0], seen)) >= 0:
            seen = at + len(answers[0][0])
            answer = answers.pop(0)[1]
            interrupts += answer == INTERRUPT
            os.write(terminal, answer.encode())
    raise AssertionError(f"it does not end; it said:\n{sent}")
