"""`kimi stop`."""

from __future__ import annotations

import os

from kimi_cli.cli.screen import narration, show_json
from kimi_cli.daemon.stop import StopReport, Way, drain_proxies, stop_proxies
from kimi_cli.errors import UsageError
from kimi_cli.store.paths import Paths


def stop(*, force: bool, drain: bool, as_json: bool) -> None:
    """Stop every proxy that runs.

    Raises:
        UsageError: it can be forced or drained, and not both.
    """
    paths = Paths.find(os.environ)
    if force and drain:
        raise UsageError("--force cuts answers off and --drain waits for them.", fix="kimi stop --drain")
    reports = _drain(paths) if drain else stop_proxies(paths, force=force)
    if as_json:
        show_json(_as_json(reports))
        return
    if not reports:
        narration().print("No proxy is running.")
    for report in reports:
        how = "" if report.way in {Way.ASKED, Way.DRAINED} else f" ({report.way.value})"
        narration().print(f"The proxy (process {report.pid}) has ended{how}.")


def _drain(paths: Paths) -> tuple[StopReport, ...]:
    """Wait for the answers in flight; Ctrl-C ends the waiting and not the draining."""
    console = narration()
    with console.status("Asking the proxy to end ...") as shown:

        def waiting(answers: int) -> None:
            what = f"{answers} answer{'' if answers == 1 else 's'} to be complete" if answers else "the proxy to end"
            shown.update(f"Waiting for {what} ...")

        try:
            return drain_proxies(paths, waiting=waiting)
        except KeyboardInterrupt:
            console.print("The proxy ends by itself when its answers are complete.")
            raise


def _as_json(reports: tuple[StopReport, ...]) -> dict[str, object]:
    """`way` and `pid` are of the proxy that took new sessions, which ends last; `others` had made room for it."""
    *others, usual = reports or (StopReport(Way.NOT_RUNNING),)
    return {
        "stopped": bool(reports),
        "way": usual.way.value,
        "pid": usual.pid,
        "others": [{"way": other.way.value, "pid": other.pid} for other in others],
    }
