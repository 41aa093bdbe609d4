"""The real Claude Code as the demo's client: `--print`, in directories of its own that go with the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.demo.model import READER, SHELL
from kimi_cli.demo.report import DemoError
from kimi_cli.demo.transcript import Transcript
from kimi_cli.launcher.claude import unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from kimi_cli.demo.outcome import Outcome
    from kimi_cli.launcher.claude import Claude

ARGUMENTS: Final = (
    "--print",
    "--output-format",
    "stream-json",
    "--verbose",
    "--include-partial-messages",
    "--no-session-persistence",
    "--allowedTools",
    f"{READER},{SHELL}(wc:*)",
)
"""The prompt goes in by stdin: it holds a path, and shims of Windows would quote that in ways of their own."""
_DEADLINE: Final = 120.0
"""Seconds for a run that takes about five; the client itself retries failing requests for minutes."""
_STDERR_TAIL: Final = 300
"""Characters of what the client complains about that are worth a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeRun:
    """How to run the client: its settings and environment, which put it on our session, and a directory of its own.

    `folder` is where it works.
    """

    claude: Claude
    settings: Path
    environ: Mapping[str, str]
    home: Path
    folder: Path
    deadline: float = _DEADLINE
    clock: Callable[[], float] = time.monotonic

    def converse(self, prompt: str) -> Outcome:
        """Holds the conversation that `prompt` starts.

        Raises:
            ClaudeUnusableError: the client cannot be started.
            DemoError: it takes too long, or ends without an answer.
        """
        complaints = self.home / "stderr"
        started, transcript = self.clock(), Transcript()
        with complaints.open("wb") as stderr, self._process(stderr.fileno()) as process, self._limit(process) as limit:
            _tell(process, prompt)
            for line in process.stdout or ():
                transcript.feed(line, seconds=self.clock() - started)
            status = process.wait()
        if limit.is_set():
            raise DemoError(f"Claude Code had not ended after {self.deadline:.0f} seconds.")
        try:
            return transcript.finish()
        except DemoError as error:
            said = complaints.read_text(encoding="utf-8", errors="replace").strip()[-_STDERR_TAIL:]
            raise DemoError(f"{error} It ended with status {status}{f' and said: {said}' if said else ''}") from error

    @contextmanager
    def _process(self, stderr: int) -> Iterator[subprocess.Popen[bytes]]:
        """The client, in a session of its own, which has ended when the block has."""
        try:
            process = subprocess.Popen(  # noqa: S603 - the Claude Code that was found, with our own arguments
                self.claude.command(["--settings", str(self.settings), *ARGUMENTS]),
                cwd=self.folder,
                env=private_environment(self.environ, home=self.home),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        except OSError as error:
            raise unusable(self.claude.path, error) from error
        with process:
            try:
                yield process
            finally:
                _kill(process)

    @contextmanager
    def _limit(self, process: subprocess.Popen[bytes]) -> Iterator[threading.Event]:
        """Kills the client at the deadline; the event is set where that was needed."""
        reached = threading.Event()

        def end() -> None:
            reached.set()
            _kill(process)

        timer = threading.Timer(self.deadline, end)
        timer.start()
        try:
            yield reached
        finally:
            timer.cancel()
            timer.join()


def private_environment(environ: Mapping[str, str], *, home: Path) -> dict[str, str]:
    """The environment in which the client finds nothing of the user's, and leaves nothing outside of `home`."""
    place = str(home)
    return {
        **environ,
        **dict.fromkeys(("HOME", "USERPROFILE", "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_TMPDIR"), place),
        **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), place),
        **dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"), place),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }


def _tell(process: subprocess.Popen[bytes], prompt: str) -> None:
    with suppress(BrokenPipeError):  # it has ended already, and says why
        if process.stdin is not None:
            process.stdin.write(prompt.encode())
            process.stdin.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the client and what it started, unless it was waited for: only then its number can be somebody else's.

    It is not asked whether it runs. Where it has ended, something that it started may still hold its output open.
    """
    if process.returncode is not None:
        return
    if sys.platform == "win32":
        import psutil

        with suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
