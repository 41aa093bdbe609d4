"""What a command line means, and what its end means to the shell.

`kimi COMMAND ...` is ours; anything else is Claude Code with those arguments, so that `kimi` stands in for `claude`.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from kimi_cli.errors import KimiError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = (
    *("launch", "demo", "clean-session", "setup", "provider", "model", "models", "set-key", "unset-key"),
    *("search", "config", "check", "reset", "status", "stop", "logs", "usage", "serve", "env", "help"),
)
"""Our own words; a test holds this list and the application's commands together."""
COMPLETION: Final = "_KIMI_COMPLETE"
"""Set by a shell that asks for completions; the words are then in other variables."""
_CLOSE: Final = 0.75
"""How alike a word and a command must be for it to be a slip: `statsu` is one, `start` is not."""
_COLLECTED: Final = 20_000
"""New objects after which garbage is looked for. A start makes some ten thousand, none of which is garbage."""
INTERRUPTED: Final = 130
"""What a shell expects of a program that Ctrl-C has ended."""


def run(argv: Sequence[str]) -> int:
    """Carry out a command line and return the exit status."""
    gc.set_threshold(_COLLECTED)
    try:
        if argv and argv[0] in {"--version", "-V"}:
            show_version()
            return 0
        # PowerShell leaves the variable behind, empty.
        return _run(list(argv) if os.environ.get(COMPLETION) else _confirmed(argv))
    except KimiError as error:
        from kimi_cli.cli.screen import show_failure

        if _is_debugging():
            raise
        show_failure(error)
        return error.exit_code
    except (KeyboardInterrupt, EOFError):  # Ctrl-D at a question is as good
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left. What is still buffered would raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if _is_debugging():
            raise
        from kimi_cli.cli.screen import show_failure

        show_failure(
            KimiError(f"Something unforeseen went wrong ({type(error).__name__}: {error}).", fix="KIMI_DEBUG=1")
        )
        return KimiError.exit_code


def leave(status: int) -> NoReturn:
    """End this process.

    A thread may be left that waits for somebody else: a host, a keyring, a name server. The interpreter's own end
    frees what such a thread still works with, OpenSSL's locks for one, and then crashes now and then. So where there
    are threads, everything is put in order as that end would do it, and nothing is freed.
    """
    threading = sys.modules.get("threading")
    if threading is None or threading.active_count() == 1:
        sys.exit(status)
    import atexit

    # Nothing public ends pools of threads, waits for those that have to be waited for, and does what is registered.
    threading._shutdown()  # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError, ValueError):  # nobody reads it any more, or it is closed
            stream.flush()
    os._exit(status)


def show_version() -> None:
    """Say the version on stdout."""
    from kimi_cli import __version__

    print(f"kimi {__version__}", flush=True)


def meaning(argv: Sequence[str]) -> list[str]:
    """The command line with its command: `launch` is left out by those who type it most."""
    if not argv:
        return ["launch"]
    if argv[0] == "help":
        return [*argv[1:2], "--help"]
    if argv[0] in COMMANDS or argv[0] in {"--help", "-h", "--install-completion", "--show-completion"}:
        return ["--help" if argument == "-h" and at == 0 else argument for at, argument in enumerate(argv)]
    return ["launch", *argv]


def slip(argv: Sequence[str]) -> str | None:
    """The command that was probably meant, where the first word is none and looks like one."""
    if not argv or argv[0].startswith("-") or argv[0] in COMMANDS:
        return None
    from difflib import get_close_matches

    close = get_close_matches(argv[0].lower(), COMMANDS, n=1, cutoff=_CLOSE)
    return close[0] if close else None


def _confirmed(argv: Sequence[str]) -> list[str]:
    """What the command line means; somebody at a terminal is asked about a slip, everybody else gets Claude Code."""
    meant = slip(argv)
    if meant is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return meaning(argv)
    from rich.prompt import Confirm

    from kimi_cli.cli.screen import narration

    question = f"There is no command {argv[0]!r}. Run kimi {meant} instead of Claude Code"
    return meaning([meant, *argv[1:]] if Confirm.ask(question, console=narration(), default=True) else argv)


def _run(argv: list[str]) -> int:
    if not os.environ.get(COMPLETION):
        from kimi_cli.cli.launch_line import read_launch_line

        plain = read_launch_line(argv)
        if plain is not None:
            from kimi_cli.cli.launch import launch

            request, quiet = plain
            return launch(request, quiet=quiet)
    from kimi_cli.cli.app import app

    try:
        # Outside its standalone mode the application raises usage errors itself and returns a command's status.
        status = app(argv, prog_name="kimi", standalone_mode=True)
    except SystemExit as end:
        status = end.code
    return status if isinstance(status, int) else 0


def _is_debugging() -> bool:
    return os.environ.get("KIMI_DEBUG", "") not in {"", "0"}
