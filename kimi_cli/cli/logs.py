"""`kimi logs`."""

from __future__ import annotations

import os
import select
import stat
import sys
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from kimi_cli.cli.log_printer import LogPrinter, local_time, size_of
from kimi_cli.cli.screen import narration, results, show_beside, show_json
from kimi_cli.daemon.log_filter import LogFilter, parse_since
from kimi_cli.daemon.log_line import LogLine
from kimi_cli.daemon.log_reader import LogReader
from kimi_cli.store.bodies import recorded_bodies
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

DEFAULT_LINES: Final = 50
FOLLOW_SECONDS: Final = 0.5
"""Between two looks at the log: soon enough for whoever watches, and nothing to the machine."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the log is asked for, and in what form."""

    lines: int | None = None
    since: str | None = None
    session: str | None = None
    follow: bool = False
    is_served: bool = False
    as_json: bool = False

    @property
    def count(self) -> int | None:
        """How many lines at most; None for all."""
        if self.lines is not None:
            return self.lines
        return DEFAULT_LINES if self.since is None else None


def logs(asked: Asked) -> int:
    """Show the log. Ctrl-C is how following ends, and a reader who leaves has seen enough: neither is a failure."""
    paths = Paths.find(os.environ)
    since = parse_since(asked.since, now=datetime.now(tz=UTC)) if asked.since is not None else None
    reader = LogReader(paths.serve_log_file if asked.is_served else paths.log_file)
    show = _show_json if asked.as_json else LogPrinter(results()).show
    try:
        _show(reader, LogFilter(session=asked.session, since=since), asked, show=show)
    except BrokenPipeError:
        # What is still buffered would raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        if not asked.follow:
            raise
    finally:
        reader.close()
    return 0


def show_bodies(*, as_json: bool) -> None:
    """Show where bodies are recorded, and of which requests."""
    directory = Paths.find(os.environ).bodies_dir
    found = recorded_bodies(directory)
    if as_json:
        requests = [
            {
                "request_id": one.request_id,
                "time": one.time,
                "size": one.size,
                "files": [str(file) for file in one.files],
            }
            for one in found
        ]
        show_json({"directory": str(directory), "requests": requests})
        return
    if not found:
        narration().print("No bodies are recorded. kimi launch --debug-bodies does that.")
        return
    print(directory)
    for one in found:
        when = local_time(datetime.fromtimestamp(one.time, UTC))
        print(f"{when}  {one.request_id}  {len(one.files)} files  {size_of(one.size):>8}")


def warn_of_recording(directory: Path) -> None:
    """Requests and answers are written down: say so, and where."""
    show_beside(narration(), "[yellow]Warning:[/] ", f"Everything asked and answered is recorded in {directory}")


def _show(reader: LogReader, wanted: LogFilter, asked: Asked, *, show: Callable[[LogLine], None]) -> None:
    is_empty = True

    def lines() -> Iterable[bytes]:
        nonlocal is_empty
        for raw in reader.lines():
            is_empty = False
            yield raw
        if not asked.follow and (half := reader.half_line()):
            is_empty = False
            yield half

    found = wanted.pick(lines())
    if asked.count is not None:
        found = iter(deque(found, maxlen=asked.count))
    shown = _show_all(found, show)
    if is_empty:
        narration().print("Nothing has been logged yet.")
    elif not shown and asked.count != 0:
        narration().print("Nothing that was logged is of that kind.")
    while asked.follow and _wait(FOLLOW_SECONDS):
        _show_all(wanted.pick(reader.lines()), show)


def _show_all(lines: Iterable[bytes], show: Callable[[LogLine], None]) -> int:
    count = 0
    for raw in lines:
        show(LogLine.read(raw))
        count += 1
    sys.stdout.flush()
    return count


def _show_json(line: LogLine) -> None:
    """An event as it was logged; what is none would break whoever parses this."""
    if line.fields is not None:
        sys.stdout.write(line.text + "\n")


def _wait(seconds: float) -> bool:
    """Wait; False at once when the reader of our output has left."""
    if sys.platform != "win32":
        output = sys.stdout.fileno()
        if stat.S_ISFIFO(os.fstat(output).st_mode):
            poll = select.poll()
            poll.register(output, 0)  # nothing but the end of the other side
            return not poll.poll(seconds * 1000)
    time.sleep(seconds)
    return True
