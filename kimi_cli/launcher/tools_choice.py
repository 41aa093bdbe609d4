"""What of tools the proxy carries out for a session, as options, variables and settings say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import UsageError
from kimi_cli.providers.tools import DEFAULT_STEPS, MOST_STEPS, Level, Progress, ToolsChoice
from kimi_cli.record import Record
from kimi_cli.store.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.store.paths import Paths

STEPS_VARIABLE: Final = "KIMI_MAX_TOOL_ITERATIONS"
DIRECTORY_VARIABLE: Final = "KIMI_WORKING_DIR"


class ToolsAsked(Record):
    """What the command line says of tools; None where it says nothing. `command` is whose line it is."""

    level: Level | None = None
    progress: Progress | None = None
    command: str = "kimi launch"


def tools_choice(
    asked: ToolsAsked, paths: Paths, environ: Mapping[str, str], *, cwd: Path, offers_always: bool
) -> ToolsChoice:
    """The session's tools. `offers_always` is for clients that have none of their own.

    Raises:
        UsageError: progress is asked for without tools; a variable says what cannot be.
        SettingsError: the settings cannot be read.
    """
    steps = steps_of(environ)
    level = asked.level or Level.OFF
    if level is Level.OFF:
        if asked.progress is not None:
            raise UsageError(
                "--progress tells of tools, and without --execute-tools none are carried out here.",
                fix=f"{asked.command} --execute-tools read-only --progress {asked.progress}",
            )
        return ToolsChoice(steps=steps)
    wording = read_settings(paths.settings_file).progress
    return ToolsChoice(
        level=level,
        directory=str(_directory(environ, cwd)),
        offers_always=offers_always,
        progress=asked.progress or Progress.THINKING,
        emoji=wording.emoji,
        words=wording.words,
        steps=steps,
    )


def steps_of(environ: Mapping[str, str]) -> int:
    """How often the model is asked for one request.

    Raises:
        UsageError: the variable says no such number.
    """
    text = environ.get(STEPS_VARIABLE, "").strip()
    if not text:
        return DEFAULT_STEPS
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_STEPS:
        raise UsageError(
            f"{STEPS_VARIABLE} is {text[:50]!r}, and must be a number from 1 to {MOST_STEPS}.",
            fix=f"export {STEPS_VARIABLE}={DEFAULT_STEPS}",
        )
    return int(text)


def _directory(environ: Mapping[str, str], cwd: Path) -> Path:
    text = environ.get(DIRECTORY_VARIABLE, "")
    directory = cwd / Path(text).expanduser() if text else cwd
    if not directory.is_dir():
        raise UsageError(
            f"{DIRECTORY_VARIABLE} is {text!r}, which is not a directory.", fix=f"unset {DIRECTORY_VARIABLE}"
        )
    return directory.resolve()
