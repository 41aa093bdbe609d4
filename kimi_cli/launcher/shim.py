"""The `.cmd` files that package managers of Windows put in place of programs.

Only the command interpreter can run one, and its quoting is not that of programs: an argument such as a prompt could
be changed, or executed. So what a shim would run is run in its place; one that we do not understand goes through the
interpreter with everything escaped that means something to it.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LIMIT: Final = 64 * 1024
"""Bytes; a shim has a few hundred."""
_TARGET: Final = r'(?i)"%(?:~dp0|dp0%)\\?(?P<target>[^"%]+\.(?:exe|[cm]?js))"'
"""What npm, pnpm and yarn write: `"%dp0%\\node_modules\\...\\cli.js"`, or with `%~dp0`."""
_META: Final = r"([()\][%!^\"`<>&|;, *?])"
"""What the interpreter acts upon, also inside quotation marks."""


def is_shim(path: Path) -> bool:
    """Whether a file is one that only the command interpreter can run."""
    return path.suffix.lower() in {".cmd", ".bat"}


def shim_target(shim: Path) -> Path | None:
    """The program or script that a shim runs, or None where that cannot be told."""
    try:
        with shim.open("rb") as file:
            text = file.read(_LIMIT).decode("utf-8", "replace")
    except OSError:
        return None
    for found in re.finditer(_TARGET, text):
        target = shim.parent.joinpath(*PureWindowsPath(found["target"]).parts)
        if target.is_file() and target.stem.lower() != "node":
            return target
    return None


def interpreter_line(interpreter: str, shim: Path, arguments: Sequence[str]) -> str:
    """The command line that runs a shim through the command interpreter with exactly these arguments.

    Raises:
        UsageError: an argument has a line break, which would end the line for the interpreter.
    """
    if any("\n" in argument or "\r" in argument for argument in arguments):
        raise UsageError(
            f"{shim} cannot be given arguments of several lines.", fix="irm https://claude.ai/install.ps1 | iex"
        )
    words = [re.sub(_META, r"^\1", str(shim))]
    for argument in arguments:
        quoted = subprocess.list2cmdline([argument])
        if not quoted.startswith('"'):
            # Backslashes count twice before a quotation mark, where there was none before.
            slashes = quoted[len(quoted.rstrip("\\")) :]
            quoted = f'"{quoted}{slashes}"'
        # Twice: the interpreter reads the line, and the shim reads it again when it passes its arguments on.
        words.append(re.sub(_META, r"^\1", re.sub(_META, r"^\1", quoted)))
    return f'"{interpreter}" /d /s /c "{" ".join(words)}"'
