"""`kimi demo`."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from rich.markup import escape

from kimi_cli.cli.screen import narration, results, show_beside, show_json
from kimi_cli.demo.run import BUILT_IN, run_demo
from kimi_cli.errors import ClaudeNotFoundError
from kimi_cli.launcher.claude import find_claude
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

    from kimi_cli.demo.report import DemoReport, Step

FAILED: Final = 1
_NAME_WIDTH: Final = 14


def demo(*, claude: Path | None, builtin: bool, as_json: bool) -> int:
    """Run the demo and show its steps as they end."""
    found = None
    if not builtin:
        try:
            found = find_claude(os.environ, explicit=claude)
        except ClaudeNotFoundError:
            if claude is not None:
                raise
    if not as_json:
        client = f"Claude Code ({found.path})" if found else "the built-in client, because Claude Code was not found"
        if builtin:
            client = "the built-in client"
        narration().print(f"A conversation on the embedded demo model, a script, held by {escape(client)}.\n")
    report = run_demo(Paths.find(os.environ), os.environ, claude=found, report=_quiet if as_json else _show)
    if as_json:
        show_json(
            {
                "schema": 1,
                "ok": report.ok,
                "client": report.client,
                "seconds": round(report.seconds, 3),
                "answer": report.answer,
                "steps": [asdict(step) for step in report.steps],
            }
        )
    else:
        _sum_up(report)
    return 0 if report.ok else FAILED


def _quiet(_: Step) -> None:
    """Nobody watches a run whose result is wanted as JSON."""


def _show(step: Step) -> None:
    mark = "[green]ok[/]  " if step.ok else "[bold red]FAIL[/]"
    show_beside(results(), f"{mark} {step.name:<{_NAME_WIDTH}} {step.seconds:6.2f} s  ", step.detail)


def _sum_up(report: DemoReport) -> None:
    console = results()
    console.print()
    if report.answer:
        show_beside(console, "The answer: ", report.answer.strip())
        console.print()
    who = "the built-in client" if report.client == BUILT_IN else "Claude Code"
    if report.ok:
        console.print(f"[green]Everything worked[/], with {who}, in {report.seconds:.1f} s.")
    else:
        names = ", ".join(step.name for step in report.failures)
        console.print(f"[bold red]Not everything worked[/] (with {who}): {escape(names)}.")
