"""The whole self-test, from the model's start to the last file's removal."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from kimi_cli.demo.case import write_case
from kimi_cli.demo.checks import check_answer, check_requests, check_thinking, check_tools
from kimi_cli.demo.claude import ClaudeRun
from kimi_cli.demo.client import Client
from kimi_cli.demo.journal import Journal, StoppedError
from kimi_cli.demo.report import DemoReport, Step
from kimi_cli.demo.stage import Stage
from kimi_cli.launcher.client_settings import ClientSettings
from kimi_cli.launcher.environment import (
    child_environment,
    proxied_variables,
    session_variables,
    with_program_folder,
)
from kimi_cli.launcher.settings_file import build_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from random import Random
    from types import FrameType

    from kimi_cli.demo.case import Case
    from kimi_cli.demo.outcome import Outcome
    from kimi_cli.launcher.claude import Claude
    from kimi_cli.store.paths import Paths

CLAUDE: Final = "claude"
BUILT_IN: Final = "built-in"
_DEATH_BY_SIGNAL: Final = 128
"""Added to the signal's number, as shells do."""


def run_demo(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    claude: Claude | None,
    report: Callable[[Step], None],
    random: Random | None = None,
) -> DemoReport:
    """Runs the demo with Claude Code, or with the built-in client where `claude` is None.

    `report` hears of each step as it ends. What fails is a step too, so nothing is raised but what interrupts the whole
    command; and whatever happens, everything that was set up is taken down.
    """
    journal, stage = Journal(report), Stage(paths, environ)
    answer = ""
    try:
        with suppress(StoppedError), _ending_in_order():
            answer = _play(journal, stage, claude=claude, environ=environ, random=random or SystemRandom())
    finally:
        journal.check("clean-up", stage.clear)
    client = BUILT_IN if claude is None else CLAUDE
    return DemoReport(steps=journal.steps, seconds=journal.seconds, client=client, answer=answer)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Lets SIGTERM and SIGHUP end the run as Ctrl-C does: with everything taken down. They otherwise end it at once."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(_DEATH_BY_SIGNAL + number)

    numbers: list[int] = []
    if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
        numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _play(journal: Journal, stage: Stage, *, claude: Claude | None, environ: Mapping[str, str], random: Random) -> str:
    """The conversation and what must be true of it: the answer that it ended with."""
    with journal.step("demo model") as entry:
        entry.detail = stage.start_model()
        case = write_case(stage.subfolder("work"), random=random)
    with journal.step("proxy") as entry:
        entry.detail = stage.open_session()
    with journal.step("conversation") as entry:
        if claude is None:
            outcome = _with_built_in(stage, case)
            entry.detail = "held by the built-in client, without Claude Code"
        else:
            outcome = _with_claude(stage, case, claude=claude, environ=environ)
            entry.detail = f"held by Claude Code {outcome.version}".rstrip()
    served = stage.upstream.served
    if outcome.first_token is not None:
        journal.note("first token", "after the client's start", seconds=outcome.first_token)
    journal.check("translation", lambda: check_requests(served))
    journal.check("thinking", lambda: check_thinking(outcome, served, is_shown=claude is None))
    journal.check("tools", lambda: check_tools(outcome, case))
    journal.check("answer", lambda: check_answer(outcome, case))
    return outcome.answer


def _with_built_in(stage: Stage, case: Case) -> Outcome:
    hold = stage.hold
    client = Client(base_url=hold.base_url, token=hold.token, model=stage.route.main.id, folder=case.file.parent)
    return client.converse(case.prompt)


def _with_claude(stage: Stage, case: Case, *, claude: Claude, environ: Mapping[str, str]) -> Outcome:
    """Runs the client as a launch does, except that its output is ours and its directories are not the user's."""
    hold, route, no_settings = stage.hold, stage.route, ClientSettings()
    variables = session_variables(route, base_url=hold.base_url, token=hold.token)
    variables |= proxied_variables(environ, no_settings)
    stage.settings.write(build_settings(route, variables=variables, own={}, settings=no_settings))
    child = child_environment(environ, session=variables, key=route.key)
    if claude.is_off_path:
        child = with_program_folder(child, claude.path.parent, separator=os.pathsep)
    run = ClaudeRun(
        claude=claude,
        settings=stage.settings.path,
        environ=child,
        home=stage.subfolder("home"),
        folder=case.file.parent,
    )
    return run.converse(case.prompt)
