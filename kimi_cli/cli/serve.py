"""`kimi serve`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.cli.duration import in_words, parse_duration
from kimi_cli.cli.logs import warn_of_recording
from kimi_cli.cli.screen import narration, results, show_json
from kimi_cli.cli.shell_syntax import USUAL, Shell, ShellUnknownError, set_from_file, set_variable, shell_of
from kimi_cli.launcher.calling_shell import NoCallerError, find_caller
from kimi_cli.launcher.resolve import resolve_route
from kimi_cli.launcher.serve import Serving, serving, serving_paths
from kimi_cli.launcher.tools_choice import tools_choice
from kimi_cli.record import replace
from kimi_cli.store.session_token import kept_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimi_cli.launcher.tools_choice import ToolsAsked


ADDRESS_VARIABLE: Final = "ANTHROPIC_BASE_URL"
TOKEN_VARIABLE: Final = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105 - a name


class _Ended(BaseException):
    """A signal asks for the end; no handler of ordinary errors may swallow it."""


def serve(  # noqa: PLR0913 - one for each option
    *,
    provider: str | None,
    model: str | None,
    port: int | None,
    token_file: Path | None,
    session_ttl: str | None,
    shell: Shell | None,
    debug_bodies: bool,
    tools: ToolsAsked,
    as_json: bool,
) -> int:
    """Serve until a signal ends it, or until `session_ttl` has passed since the last request was answered.

    With `token_file` the token stays in that file: the JSON form then has null for `token` and the path for
    `token_file`, and without it the other way round.
    """
    idle = None if session_ttl is None else parse_duration(session_ttl, option="--session-ttl")
    paths = serving_paths(os.environ)
    with _until_signalled():
        today = datetime.now(tz=UTC).date()
        route = resolve_route(paths, os.environ, provider=provider, model=model, cwd=Path.cwd(), today=today)
        choice = tools_choice(tools, paths, os.environ, cwd=Path.cwd(), offers_always=True)
        route = replace(route, tools=choice)
        file = None if token_file is None else Path.cwd() / token_file.expanduser()
        token = None if file is None else kept_token(file)
        with serving(paths, os.environ, route, port=port, token=token, record=debug_bodies) as running:
            if debug_bodies:
                warn_of_recording(paths.bodies_dir)
            if as_json:
                show_json(
                    {
                        "base_url": running.base_url,
                        "token": running.token if file is None else None,
                        "token_file": None if file is None else str(file),
                        "provider": running.provider,
                        "model": running.model,
                        "pid": running.pid,
                    }
                )
            else:
                _show_variables(running, file, shell or _shell())
                until = "Ctrl-C" if idle is None else f"Ctrl-C, or until no request has come for {in_words(idle)}"
                narration().print(f"Serving {running.model} of {route.host} until {until}.")
            running.wait(idle=idle)
            narration().print(f"No request has come for {in_words(idle or 0)}, so kimi serve ends.")
    return 0


def _show_variables(running: Serving, token_file: Path | None, shell: Shell) -> None:
    """What a client's shell is to be told; a token that has a file is not shown."""
    if token_file is None:
        sets_token = set_variable(shell, TOKEN_VARIABLE, running.token)
    else:
        sets_token = set_from_file(shell, TOKEN_VARIABLE, token_file)
    for line in (set_variable(shell, ADDRESS_VARIABLE, running.base_url), sets_token):
        results().print(line, soft_wrap=True, markup=False)
    sys.stdout.flush()  # whoever reads it through a pipe waits for it


def _shell() -> Shell:
    """The shell that this was typed in, or the usual one: under a service manager nobody did."""
    try:
        return shell_of(find_caller(sys.argv[1:]).name)
    except (NoCallerError, ShellUnknownError):
        return USUAL


@contextmanager
def _until_signalled() -> Iterator[None]:
    """Leave the context in order on SIGINT, SIGTERM and SIGHUP: an end that was asked for is no failure."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        numbers.append(signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        numbers = []
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]  # as under nohup

    def end(*_: object) -> None:
        # Once: a second signal must not interrupt the cleaning up.
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise _Ended

    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    except _Ended:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
