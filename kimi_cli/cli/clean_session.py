"""`kimi clean-session`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from kimi_cli.cli.screen import narration, results, show_failure, show_json
from kimi_cli.errors import KimiError, UsageError
from kimi_cli.launcher.session_files import (
    Outcome,
    Session,
    all_sessions,
    clean_session,
    session_named,
    sessions_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def clean(name: str | None, *, every: bool, dry_run: bool, as_json: bool) -> int:
    """Clean one session or all of them, and say what was removed. Gives the status to end with.

    Raises:
        KimiError: the one session cannot be cleaned.
    """
    if every and name is not None:
        raise UsageError("--all is about every session, and one is named.", fix=f"kimi clean-session {name}")
    sessions = all_sessions(os.environ) if every else (_session(name),)
    outcomes: list[Outcome] = []
    failures: list[KimiError] = []
    with narration().status("Reading"):
        for session in sessions:
            try:
                outcomes.append(clean_session(session, dry_run=dry_run))
            except KimiError as error:
                if not every:
                    raise
                failures.append(error)
    if as_json:
        show_json(_as_json(outcomes, failures, dry_run=dry_run))
    else:
        _show(outcomes, looked_at=len(sessions), dry_run=dry_run)
    for failure in failures:
        show_failure(failure)
    return failures[0].exit_code if failures else 0


def _session(name: str | None) -> Session:
    if name is not None:
        return session_named(name, os.environ)
    found = sessions_of(Path.cwd(), os.environ)
    if not found:
        raise UsageError("Claude Code has no session of this directory.", fix="kimi clean-session --all --dry-run")
    return found[0]


def _show(outcomes: Sequence[Outcome], *, looked_at: int, dry_run: bool) -> None:
    console = results()
    changed = [outcome for outcome in outcomes if outcome.blocks]
    for outcome in changed:
        blocks = f"{outcome.blocks:,} {'piece' if outcome.blocks == 1 else 'pieces'} of reasoning"
        did = "would go" if dry_run else "removed"
        console.print(f"{outcome.session.id}  {blocks} {did}", soft_wrap=True)
    for backup in (backup for outcome in changed for backup in outcome.backups):
        narration().print(f"[dim]As it was: {escape(str(backup))}[/]", soft_wrap=True)
    if changed:
        return
    if len(outcomes) == 1 == looked_at:
        console.print(f"{outcomes[0].session.id}  nothing to remove", soft_wrap=True)
    else:
        narration().print(f"There is nothing to remove from {looked_at:,} sessions." if outcomes else "No session.")


def _as_json(outcomes: Sequence[Outcome], failures: Sequence[KimiError], *, dry_run: bool) -> dict[str, object]:
    return {
        "schema": 1,
        "dry_run": dry_run,
        "sessions": [
            {
                "id": outcome.session.id,
                "path": str(outcome.session.path),
                "blocks": outcome.blocks,
                "records": outcome.records,
                "backups": [str(backup) for backup in outcome.backups],
            }
            for outcome in outcomes
        ],
        "failures": [str(failure) for failure in failures],
    }
