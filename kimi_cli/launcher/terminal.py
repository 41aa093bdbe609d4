"""The user's terminal, put back in order after a program that was killed and could not do so itself."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, Final, Self

_RESET: Final = (
    b"\x1b[?1047l"  # the ordinary screen
    b"\x1b[?25h"  # a visible cursor
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l"  # no reports of the mouse
    b"\x1b[?1004l\x1b[?2004l\x1b[?2026l"  # nor of focus; no marks around what is pasted; output shown at once
    b"\x1b[<u\x1b[>4;0m"  # ordinary keys
    b"\x1b[0m"
)
_INPUT, _OUTPUT = 0, 1


class TerminalState:
    """How the terminal was before a program ran. Does nothing where there is none, and on Windows, which keeps it."""

    def __init__(self, modes: list[Any] | None) -> None:
        self._modes = modes

    @classmethod
    def read(cls) -> Self:
        """The state of the terminal at standard input."""
        return cls(_read_modes())

    def restore(self) -> None:
        """Gives the terminal its modes back, if it is ours to set: a background job would be stopped for that."""
        if self._modes is not None:
            _write_modes(self._modes)


if sys.platform == "win32":

    def is_in_background() -> bool:
        """There are no such jobs."""
        return False

    def _read_modes() -> list[Any] | None:
        return None

    def _write_modes(modes: list[Any]) -> None:
        """There are none."""

else:
    import termios

    def is_in_background() -> bool:
        """Whether this process is a job in the background of the terminal at standard input."""
        try:
            return os.tcgetpgrp(_INPUT) != os.getpgrp()
        except OSError:  # there is no terminal
            return False

    def _read_modes() -> list[Any] | None:
        try:
            return termios.tcgetattr(_INPUT)
        except (termios.error, OSError):
            return None

    def _write_modes(modes: list[Any]) -> None:
        with suppress(termios.error, OSError):
            if os.tcgetpgrp(_INPUT) != os.getpgrp():
                return
            termios.tcsetattr(_INPUT, termios.TCSANOW, modes)
            if os.isatty(_OUTPUT):
                os.write(_OUTPUT, _RESET)
