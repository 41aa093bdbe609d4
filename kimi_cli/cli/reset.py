"""`kimi reset`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.prompt import Confirm

from kimi_cli.cli.screen import narration, show_failure
from kimi_cli.errors import UsageError
from kimi_cli.setup.reset import carry_out, plan_reset
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from kimi_cli.setup.reset import ResetPlan


def reset(*, provider: str | None, keep_keys: bool, yes: bool) -> int:
    """Say what will go, ask, and take it away."""
    paths, console = Paths.find(os.environ), narration()
    plan = plan_reset(paths, os.environ, provider=provider, keep_keys=keep_keys)
    if plan.is_empty:
        console.print("There is nothing to remove.")
        return 0
    _show(plan)
    if not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError("There is no terminal to ask on, so nothing was removed.", fix="kimi reset --yes")
        if not Confirm.ask("Remove all of this", console=console, default=False):
            console.print("Nothing was removed.")
            return 0
    report = carry_out(plan, paths, os.environ)
    for failure in report.failures:
        show_failure(failure)
    console.print("Done." if not report.failures else "Done, but for that.")
    return report.exit_code


def _show(plan: ResetPlan) -> None:
    console = narration()
    console.print("This will go:")
    if plan.proxy is not None:
        count = len(plan.proxy.sessions)
        running = f", with {count} running session{'' if count == 1 else 's'}" if count else ""
        console.print(f"  the proxy (process {plan.proxy.pid}{running})")
    if not plan.keep_keys:
        for key in plan.keys:
            console.print(f"  the key for {key.provider} in the {key.source.value}")
    for name in plan.settings:
        console.print(f"  {escape(f'[{name}]')} in the settings")
    for path in (*plan.files, *plan.directories):
        console.print(f"  {escape(str(path))}", soft_wrap=True)
    stays = [str(path) for path in (*plan.left, *plan.in_use)]
    stays += [f"{variable}, which is set in your environment" for variable in plan.variables]
    if plan.keep_keys:
        stays += [f"the key for {key.provider} in the {key.source.value}" for key in plan.keys]
    if stays:
        console.print("This stays:")
        for one in stays:
            console.print(f"  {escape(one)}", soft_wrap=True)
    for trouble in plan.troubles:
        console.print(f"[yellow]Warning:[/] {escape(str(trouble))}")
