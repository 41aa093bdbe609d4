"""`kimi serve`."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kimi_cli.cli.screen import narration, results, show_json
from kimi_cli.launcher.resolve import resolve_route
from kimi_cli.launcher.serve import serving
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Ended(BaseException):
    """A signal asks for the end; no handler of ordinary errors may swallow it."""


def serve(*, provider: str | None, model: str | None, port: int | None, as_json: bool) -> int:
    """Serve until a signal ends it."""
    paths = Paths.find(os.environ)
    with _until_signalled():
        today = datetime.now(tz=UTC).date()
        route = resolve_route(paths, os.environ, provider=provider, model=model, cwd=Path.cwd(), today=today)
        with serving(paths, os.environ, route, port=port) as running:
            facts = {
                "base_url": running.base_url,
                "token": running.token,
                "provider": running.provider,
                "model": running.model,
                "pid": running.pid,
            }
            if as_json:
                show_json(facts)
            else:
                results().print(f"export ANTHROPIC_BASE_URL={running.base_url}", soft_wrap=True)
                results().print(f"export ANTHROPIC_AUTH_TOKEN={running.token}", soft_wrap=True)
                narration().print(f"Serving {running.model} of {route.host} until Ctrl-C.")
            running.wait()
    return 0


@contextmanager
def _until_signalled() -> Iterator[None]:
    """Leave the context in order on SIGINT, SIGTERM and SIGHUP: an end that was asked for is no failure."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        numbers.append(signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        numbers = []

    def end(*_: object) -> None:
        # Once: a second signal must not interrupt the cleaning up.
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise _Ended

    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    except _Ended:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
