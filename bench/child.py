"""A process that a benchmark starts, and what the system says that it has used."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import psutil

from bench.load import Job, Result, to_line

if TYPE_CHECKING:
    from types import TracebackType

_ROOT: Final = Path(__file__).parent.parent
_SCHEDULED: Final = 2
"""CPUCLOCK_SCHED of the kernel: the clock that counts the time for which a process was on a processor."""
_END_SECONDS: Final = 10.0


class BenchError(Exception):
    """A benchmark could not be run as it should."""


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used, of all its threads, in user mode and in the kernel.

    Linux has a clock for it that counts nanoseconds (clock_getcpuclockid(3)); what psutil reads there are ticks of ten
    milliseconds. Elsewhere psutil's figures are as fine as the system's.
    """
    if sys.platform == "linux":
        return time.clock_gettime((~pid << 3) | _SCHEDULED)
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


class Child:
    """`python -m bench.MODULE`, until the end of the block. `port` is what it says first, if it `listens`."""

    def __init__(self, module: str, *arguments: str, listens: bool = True) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-m", f"bench.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
        )
        self.port = 0
        if listens:
            try:
                self.port = int(self._line())
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def close(self) -> None:
        """Ends it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def run(self, job: Job) -> list[Result]:
        """The results of a job for the load generator, one for each target.

        Raises:
            BenchError: an answer was not what it should be.
        """
        self.send(job)
        return self.received()

    def send(self, job: Job) -> None:
        """Begins a job."""
        if self._process.stdin is None:
            raise BenchError("the load generator takes no jobs")
        self._process.stdin.write(to_line(job))
        self._process.stdin.flush()

    def received(self) -> list[Result]:
        """The results of the job that was begun; raises as `run` does."""
        said = json.loads(self._line())
        if isinstance(said, dict):
            raise BenchError(f"The load generator gave up: {said['error']}")
        return [Result(**result) for result in said]

    def _line(self) -> bytes:
        if self._process.stdout is None:
            raise BenchError("the process says nothing")
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(f"{self._process.args!r} has ended")
        return line
