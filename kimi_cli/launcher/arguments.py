"""What Claude Code's own arguments mean for a launch.

They are its own and are passed on as they are, with one exception: of several `--settings` the client reads only the
last, so the user's is taken out and merged into ours. Facts are those of Claude Code 2.1.330, whose parser takes the
argument after an option with a value whatever it looks like.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import UsageError
from kimi_cli.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USER_SOURCE: Final = "user"
PROJECT_SOURCE: Final = "project"
LOCAL_SOURCE: Final = "local"

_VALUED: Final = frozenset(
    {
        *("--add-dir", "--agent", "--agents", "--allowedTools", "--allowed-tools", "--append-system-prompt"),
        *("--append-system-prompt-file", "--autocompact", "--betas", "--debug-file", "--disallowedTools"),
        *("--disallowed-tools", "--effort", "--environment", "--fallback-model", "--file", "--input-format"),
        *("--json-schema", "--max-budget-usd", "--max-turns", "--mcp-config", "--model", "--name", "-n"),
        *("--output-format", "--permission-mode", "--permission-prompt-tool", "--permission-prompts", "--plugin-dir"),
        *("--plugin-url", "--remote-control-session-name-prefix", "--session-id", "--setting-sources", "--settings"),
        *("--system-prompt", "--system-prompt-file", "--system-prompt-snapshot", "--tools"),
    }
)
"""Options that take the argument after them."""
_SUBCOMMANDS: Final = frozenset(
    {
        *("attach", "auth", "auto-mode", "doctor", "gateway", "import", "install", "kill", "logs", "mcp", "plugin"),
        *("plugins", "purge", "rm", "setup-token", "stop", "ultrareview", "update", "upgrade"),
    }
)
"""First words with which the client asks no model of ours; `--settings` before them it does not always understand."""
_ELSEWHERE: Final = frozenset({"agents", "rc", "remote-control", "respawn"})
"""First words with which it starts sessions in processes that are not its own."""
_ELSEWHERE_OPTIONS: Final = frozenset({"--background", "--bg", "--cloud", "--desktop"})
_INFORMATION: Final = frozenset({"--help", "--version", "-h", "-v"})
_PRINT: Final = re.compile(r"--print|-[cp]*p[cp]*")
"""`-p`, alone or with `-c`."""


class ClientArguments(Record):
    """The client's arguments, read.

    `rest` is what to pass on beside our settings; `settings` is the value of the user's own `--settings`. `sources`
    are the settings files that the client reads. `model` and `mode` are what it starts with, where they say: a model,
    and a permission mode. Without `needs_session` it talks to no model.
    """

    rest: tuple[str, ...]
    settings: str | None
    sources: frozenset[str]
    is_print: bool
    needs_session: bool
    model: str = ""
    mode: str = ""


def read_arguments(arguments: Sequence[str]) -> ClientArguments:
    """Reads the arguments that are meant for Claude Code.

    Raises:
        UsageError: they ask for sessions that cannot be put on our proxy.
    """
    options = list(_options(arguments))
    names = {name for name, _, _ in options}
    first = arguments[0] if arguments else ""
    informs = bool(names & _INFORMATION)
    if not informs:
        _refuse_sessions_elsewhere(first, names)
    taken = {place for name, _, places in options if name == "--settings" for place in places}
    values = {name: value for name, value, _ in options}  # of several equal ones the last counts
    sources = {USER_SOURCE, PROJECT_SOURCE, LOCAL_SOURCE}
    if "--setting-sources" in values:
        sources = {source.strip() for source in values["--setting-sources"].split(",")}
    if "--restricted" in names:
        sources = set()
    return ClientArguments(
        rest=tuple(argument for place, argument in enumerate(arguments) if place not in taken),
        settings=values.get("--settings"),
        sources=frozenset(sources),
        is_print=any(_PRINT.fullmatch(name) for name in names),
        needs_session=not informs and first not in _SUBCOMMANDS | _ELSEWHERE,
        model=values.get("--model", ""),
        mode=values.get("--permission-mode", ""),
    )


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, str, range]]:
    """Every option before `--`: its name, its value, and which arguments they are.

    One that lacks its value is left for the client to complain about.
    """
    place = 0
    while place < len(arguments) and arguments[place] != "--":
        argument, start = arguments[place], place
        place += 1
        if not argument.startswith("-"):
            continue
        name, equals, value = argument.partition("=")
        if name in _VALUED and not equals:
            if place == len(arguments):
                return
            value = arguments[place]
            place += 1
        yield name, value, range(start, place)


def _refuse_sessions_elsewhere(first: str, names: set[str]) -> None:
    asked = [first] if first in _ELSEWHERE and "--json" not in names else sorted(names & _ELSEWHERE_OPTIONS)
    if asked:
        raise UsageError(
            f"{asked[0]} starts sessions that outlive this command or run elsewhere, and this command's proxy session "
            "is not theirs.",
            fix="kimi launch, for a session in the foreground",
        )
