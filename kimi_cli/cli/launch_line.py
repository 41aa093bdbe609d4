"""The command line of `kimi launch`, as long as there is nothing unusual about it.

The library that reads every other command line takes longer to load than all that a launch does before Claude Code
starts. So launches are read here, and that library has the word where something is to be explained: help, an option
without its value, a value that is none. What the options are called is said here for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kimi_cli.launcher import LaunchRequest

COMMAND: Final = "launch"
PROVIDER: Final = "--provider"
MODEL: Final = "--model"
CLAUDE: Final = "--claude"
TOOLS: Final = "--execute-tools"
PROGRESS: Final = "--progress"
DIRECT: Final = "--direct"
BODIES: Final = "--debug-bodies"
QUIET: Final = "--quiet"
VALUED: Final = frozenset({PROVIDER, MODEL, CLAUDE, TOOLS, PROGRESS})
SWITCHES: Final = frozenset({DIRECT, BODIES, QUIET})
_HELP: Final = "--help"


def read_launch_line(argv: Sequence[str]) -> tuple[LaunchRequest, bool] | None:
    """The launch that a command line means, and whether it is to be quiet; None where it is none, or not a plain one.

    Our options may stand among Claude Code's, which are left as they are, up to a `--`. Of several equal ones the last
    counts.
    """
    words = iter(argv)
    if next(words, None) != COMMAND:
        return None
    given: dict[str, str] = {}
    arguments: list[str] = []
    for word in words:
        if word == "--":
            arguments.extend(words)
            break
        name, equals, value = word.partition("=")
        if name in VALUED:
            following = value if equals else next(words, None)
            if following is None:
                return None
            given[name] = following
        elif name in SWITCHES or name == _HELP:
            if equals or name == _HELP:
                return None
            given[name] = value
        else:
            arguments.append(word)
    return _request(given, tuple(arguments))


def _request(given: Mapping[str, str], arguments: tuple[str, ...]) -> tuple[LaunchRequest, bool] | None:
    """What these options mean; None where one has a value that it does not take."""
    from pathlib import Path

    from kimi_cli.launcher import LaunchRequest
    from kimi_cli.launcher.tools_choice import ToolsAsked
    from kimi_cli.providers.tools import Level, Progress

    claude, level, progress = given.get(CLAUDE), given.get(TOOLS), given.get(PROGRESS)
    try:
        tools = ToolsAsked(
            level=None if level is None else Level(level), progress=None if progress is None else Progress(progress)
        )
    except ValueError:
        return None
    request = LaunchRequest(
        arguments,
        provider=given.get(PROVIDER),
        model=given.get(MODEL),
        claude=None if claude is None else Path(claude),
        direct=DIRECT in given,
        debug_bodies=BODIES in given,
        tools=tools,
    )
    return request, QUIET in given
