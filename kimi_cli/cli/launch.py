"""`kimi launch`, and so `kimi` alone."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import NotConfiguredError
from kimi_cli.launcher import launch as run
from kimi_cli.record import replace
from kimi_cli.store.paths import Paths
from kimi_cli.store.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimi_cli.launcher import Banner, LaunchRequest
    from kimi_cli.launcher.saved_model import SavedModel

_ALIASES: Final = frozenset({"default", "opus", "sonnet", "haiku", "fable", "opusplan", "best"})
"""Names for which Claude Code has slots: `--model haiku` is its own option and not the id of a Kimi model."""
_PLAIN: Final = frozenset({"dumb", "unknown"})
"""Terminals that would show how a text is to look in place of the look."""


def launch(request: LaunchRequest, *, quiet: bool) -> int:
    """Run Claude Code and return its exit status."""
    if request.model in _ALIASES:
        request = replace(request, arguments=("--model", request.model, *request.arguments), model=None)
    paths = Paths.find(os.environ)

    def start() -> int:
        return run(
            request,
            paths=paths,
            environ=os.environ,
            cwd=Path.cwd(),
            today=datetime.now(tz=UTC).date(),
            show=_silent if quiet else _show(),
            left=_offer_undo,
        )

    try:
        return start()
    except NotConfiguredError:
        if request.provider is not None or not _is_first_time(paths):
            raise
    from kimi_cli.cli.setup import Given, setup

    setup(Given(), goes_on=True)
    return start()


def _offer_undo(saved: SavedModel) -> None:
    """A model of ours that was picked in `/model` is now Claude Code's default, and breaks it without us."""
    from rich.markup import escape

    from kimi_cli.cli.questions import confirm
    from kimi_cli.cli.screen import narration

    console = narration()
    name = escape(saved.model)
    console.print(f"[yellow]Note:[/] Claude Code saved {name} as its default model, which plain claude cannot use.")
    if sys.stdin.isatty() and sys.stderr.isatty():
        with suppress(KeyboardInterrupt):  # no answer is no; the exit status is Claude Code's
            if confirm("Put its default back", default=True):
                saved.undo()
    else:
        console.print(f"  [dim]Try:[/] remove the model from {escape(str(saved.path))}")


def _is_first_time(paths: Paths) -> bool:
    """Whether nothing is set up, and somebody is there who can be asked."""
    is_new = read_settings(paths.settings_file).provider is None
    return is_new and sys.stdin.isatty() and sys.stderr.isatty()


def _silent(_: Banner) -> None:
    """Nothing was to be said."""


def _show() -> Callable[[Banner], None]:
    """Shows the banner to a person: on a terminal, and not where Claude Code only prints an answer.

    That everything is recorded is said in any case.
    """
    is_seen = sys.stderr.isatty()

    def show(banner: Banner) -> None:
        if banner.bodies is not None:
            from kimi_cli.cli.logs import warn_of_recording

            warn_of_recording(banner.bodies)
        if banner.is_print or not is_seen:
            return
        print(f"{_bold('kimi')}  {banner.model.display_name} on {banner.host} via {banner.endpoint}", file=sys.stderr)
        if banner.warnings:
            from kimi_cli.cli.screen import show_warning

            for warning in banner.warnings:
                show_warning(warning)

    return show


def _bold(text: str) -> str:
    """The text as it stands out on a terminal that can do that.

    By hand, because the library for such things takes longer to load than the rest of a launch.
    """
    is_plain = sys.platform == "win32" or os.environ.get("TERM") in _PLAIN
    return text if is_plain else f"\x1b[1m{text}\x1b[0m"
