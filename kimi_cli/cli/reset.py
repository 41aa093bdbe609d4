"""`kimi reset`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rich.markup import escape

from kimi_cli.cli.correction import suggesting
from kimi_cli.cli.questions import confirm
from kimi_cli.cli.screen import narration, show_failure
from kimi_cli.errors import UsageError
from kimi_cli.setup.reset import carry_out, plan_reset
from kimi_cli.store.paths import BODIES, Paths

if TYPE_CHECKING:
    from kimi_cli.setup.reset import ResetPlan


def reset(*, provider: str | None, keep_keys: bool, yes: bool) -> int:
    """Say what will go, ask, and take it away."""
    paths, console = Paths.find(os.environ), narration()
    with suggesting("kimi reset --provider"), console.status("Looking"):
        plan = plan_reset(paths, os.environ, provider=provider, keep_keys=keep_keys)
    if plan.is_empty:
        console.print("There is nothing to remove.")
        return 0
    _show(plan)
    if not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError("There is no terminal to ask on, so nothing was removed.", fix=_without_asking(plan))
        if not confirm("\nRemove all of this", default=False):
            console.print("Nothing was removed.")
            return 0
    with console.status("Removing"):
        report = carry_out(plan, paths, os.environ)
    for failure in report.failures:
        show_failure(failure)
    console.print("Done." if not report.failures else "Done, but for that.")
    return report.exit_code


def _show(plan: ResetPlan) -> None:
    console = narration()
    console.print("This will go:")
    for proxy in plan.proxies:
        count = len(proxy.sessions)
        running = f", with {count} running session{'' if count == 1 else 's'}" if count else ""
        console.print(f"  the proxy (process {proxy.pid}{running})")
    if not plan.keep_keys:
        for key in plan.keys:
            console.print(f"  the key for {key.provider} in the {key.source.value}")
    for name in plan.settings:
        what = f"[{name}] in the settings" if "." in name else f"the choice of {plan.provider} as the provider"
        console.print(f"  {escape(what)}")
    bodies = [path for path in plan.files if path.parent.name == BODIES]
    if bodies:  # there may be thousands
        console.print(f"  {len(bodies)} recorded bodies in {escape(str(bodies[0].parent))}", soft_wrap=True)
    for path in (*plan.files, *plan.directories):
        if path.parent.name != BODIES:
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


def _without_asking(plan: ResetPlan) -> str:
    """The command that removes exactly this."""
    only = ("--provider", plan.provider) if plan.provider is not None else ()
    return " ".join(("kimi reset", *only, *(("--keep-keys",) if plan.keep_keys else ()), "--yes"))
