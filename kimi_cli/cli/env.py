"""`kimi env`: the variables of a session that belongs to the shell which takes them up."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.cli.screen import narration, show_json, show_warning
from kimi_cli.cli.shell_syntax import (
    Shell,
    evaluated,
    hide_variables,
    quote,
    set_variable,
    shell_of,
    show_variables,
    unset_variables,
)
from kimi_cli.launcher.calling_shell import find_caller
from kimi_cli.launcher.resolve import resolve
from kimi_cli.launcher.shell_session import close_shell_session, open_shell_session, variable_names
from kimi_cli.launcher.tools_choice import tools_choice
from kimi_cli.record import replace
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kimi_cli.launcher.calling_shell import Caller
    from kimi_cli.launcher.resolve import Resolution
    from kimi_cli.launcher.tools_choice import ToolsAsked

COMMAND: Final = "kimi env"


def env(*, shell: Shell | None, provider: str | None, model: str | None, tools: ToolsAsked, as_json: bool) -> None:
    """Open the caller's session, or find the one that it has, and print its variables.

    The JSON form has `base_url`, `token`, `provider`, `model` and `session`, `owner` with `pid` and `name`,
    `variables` to set, and `unset`, the names of those that programs must not get.
    """
    caller = find_caller(sys.argv[1:])
    syntax = _syntax(shell, caller, as_json=as_json)
    paths = Paths.find(os.environ)
    today, cwd = datetime.now(tz=UTC).date(), Path.cwd()
    resolution = resolve(paths, os.environ, provider=provider, model=model, cwd=cwd, today=today)
    choice = tools_choice(tools, paths, os.environ, cwd=cwd, offers_always=True)
    route = replace(resolution.route, tools=choice)
    session = open_shell_session(paths, os.environ, route, owner=caller.process, project=cwd)
    if as_json:
        show_json(
            {
                "base_url": session.base_url,
                "token": session.token,
                "provider": route.provider,
                "model": route.main.id,
                "session": session.id,
                "owner": {"pid": caller.process.pid, "name": caller.name},
                "variables": dict(session.variables),
                "unset": list(session.hidden),
            }
        )
    else:
        sets = [set_variable(syntax, name, value) for name, value in session.variables.items()]
        print_statements([*hide_variables(syntax, session.hidden), *sets])
    options = {"provider": provider, "model": model, "execute-tools": tools.level, "progress": tools.progress}
    _tell(caller, resolution, syntax, again=_typed(syntax, options))


def close(*, shell: Shell | None, as_json: bool) -> None:
    """End the caller's session, and print what unsets its variables.

    The JSON form has `closed`, whether there was a session, and `unset`, the names of the variables.
    """
    caller = find_caller(sys.argv[1:])
    syntax = _syntax(shell, caller, as_json=as_json)
    is_closed = close_shell_session(Paths.find(os.environ), owner=caller.process)
    ours, hidden = variable_names()
    if as_json:
        show_json({"closed": is_closed, "unset": list(ours)})
    else:
        print_statements([*unset_variables(syntax, ours), *show_variables(syntax, hidden)])
    if sys.stderr.isatty():
        what = "The session has ended." if is_closed else "There was no session."
        how = _how(syntax, f"{COMMAND} --close", "The variables go with")
        narration().print(f"{what}{how}", soft_wrap=True, markup=False)


def print_statements(statements: Iterable[str]) -> None:
    """Print statements for a shell to carry out.

    Each ends with a semicolon, so that they stay apart where the shell makes one line of them, as `eval $(kimi env)`
    without quotes does. They are bytes to the shell, whatever encoding the console has.
    """
    text = "".join(f"{statement};\n" for statement in statements)
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.flush()


def _syntax(shell: Shell | None, caller: Caller, *, as_json: bool) -> Shell:
    if shell is not None:
        return shell
    return Shell.SH if as_json else shell_of(caller.name)


def _typed(syntax: Shell, options: Mapping[str, str | None]) -> str:
    """The command as it was typed, as far as it matters for what the session is."""
    given = (f" --{name} {quote(syntax, value)}" for name, value in options.items() if value)
    return COMMAND + "".join(given)


def _tell(caller: Caller, resolution: Resolution, syntax: Shell, *, again: str) -> None:
    """Say to a person whose session it is, until when, how to undo it, and how to repeat it."""
    if not sys.stderr.isatty():
        return
    from rich.markup import escape

    console, route = narration(), resolution.route
    for warning in resolution.warnings:
        show_warning(warning)
    console.print(
        f"A session on {escape(route.main.display_name)} of {escape(route.host)}, until {escape(caller.name)} "
        f"(process {caller.process.pid}) ends.{escape(_how(syntax, again, 'It is taken up with'))}",
        soft_wrap=True,
    )
    console.print(f"  [dim]To end it sooner:[/] {escape(evaluated(syntax, f'{COMMAND} --close'))}", soft_wrap=True)
    console.print(
        f"  [dim]To bring it back, should the proxy die:[/] {escape(evaluated(syntax, again))}", soft_wrap=True
    )


def _how(syntax: Shell, command: str, words: str) -> str:
    """How to carry out what was only shown; nothing where it went to a shell."""
    return f" {words}: {evaluated(syntax, command)}" if sys.stdout.isatty() else ""
