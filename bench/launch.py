"""How much later Claude Code starts where `kimi` starts it, and how long `kimi` itself takes to start.

Claude Code is stood in for by a script that only says that it runs, so that nothing but our part is measured.
"""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.child import BenchError
from bench.figures import Row, Spread
from bench.stage import Way
from kimi_cli.daemon import Control
from kimi_cli.daemon.end import kill, wait_for_end
from kimi_cli.store.paths import Paths
from kimi_cli.store.state import read_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.figures import Effort, Findings
    from bench.stage import Stage

_TIMES: Final = 6
"""How often each is started in a run."""
_SECONDS: Final = 60.0
_END_SECONDS: Final = 20.0
_VERSION_TARGET: Final = 60.0
_WARM_TARGET: Final = 120.0
_COLD_TARGET: Final = 350.0
_KIMI: Final = (sys.executable, "-c", "import sys; from kimi_cli.cli import main; sys.argv[0] = 'kimi'; main()")
"""What the installed command does."""
_PASSED: Final = frozenset({"PATH", "PYTHONPATH", "LANG"})
_ROOT: Final = Path(__file__).parent.parent
_SETTINGS: Final = (
    'provider = "moonshot"\n[providers.moonshot]\nbase_url = "http://127.0.0.1:{port}"\nmodel = "kimi-k3"\n'
)


def version(_stage: Stage, effort: Effort, findings: Findings) -> None:
    """`kimi --version` beside the interpreter that does nothing."""
    bare, ours = [], []
    for _ in range(effort.runs):
        for _ in range(effort.times(_TIMES)):
            bare.append(_ended([sys.executable, "-c", "pass"], os.environ))
            ours.append(_ended([*_KIMI, "--version"], os.environ))
    findings.rows.append(_row("`kimi --version` over the interpreter's own start", bare, ours, _VERSION_TARGET))


def launch(stage: Stage, effort: Effort, findings: Findings) -> None:
    """`kimi launch` on a terminal, with a proxy that runs and with one that has to be started first."""
    for name, grace, target in (("warm", "600", _WARM_TARGET), ("cold", "0", _COLD_TARGET)):
        with _world(stage, grace=grace) as world:
            world.started([*_KIMI, *world.arguments])
            world.rest()
            bare, ours = [], []
            for _ in range(effort.runs):
                for _ in range(effort.times(_TIMES)):
                    bare.append(world.started([str(world.client)]))
                    ours.append(world.started([*_KIMI, *world.arguments]))
                    world.rest()
        said = f"`kimi launch` over Claude Code itself, {name} daemon"
        starts, ends = ([time[at] for time in bare] for at in (0, 1))
        our_starts, our_ends = ([time[at] for time in ours] for at in (0, 1))
        findings.rows.append(_row(f"{said}: until it starts", starts, our_starts, target))
        findings.rows.append(_row("… until all has ended", ends, our_ends, None))


def _row(name: str, bare: Sequence[float], ours: Sequence[float], target: float | None) -> Row:
    base = Spread.of(bare)
    return Row(name, "ms", {Way.PROXY: Spread.of([each - base.median for each in ours])}, target, bare=base)


def _ended(command: Sequence[str], environ: os._Environ[str]) -> float:
    """Milliseconds until a command has ended."""
    began = time.perf_counter()
    subprocess.run(command, env=environ, cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    return (time.perf_counter() - began) * 1e3


@dataclass(frozen=True, slots=True)
class _World:
    """A user of their own, whose Claude Code says in a pipe that it runs."""

    environ: dict[str, str]
    client: Path
    pipe: int
    is_kept: bool

    @property
    def arguments(self) -> tuple[str, ...]:
        """What follows `kimi`."""
        return ("launch", "--claude", str(self.client))

    def started(self, command: Sequence[str]) -> tuple[float, float]:
        """Milliseconds until Claude Code runs, and until everything has ended, on a terminal.

        Raises:
            BenchError: it did not come to run.
        """
        ours, theirs = pty.openpty()
        try:
            began = time.perf_counter()
            process = subprocess.Popen(  # noqa: S603 - our own
                command, env=self.environ, cwd=_ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
            )
            readable, _, _ = select.select([self.pipe], [], [], _SECONDS)
            started = time.perf_counter()
            status = process.wait(timeout=_SECONDS)
            ended = time.perf_counter()
            if not readable or status:
                os.set_blocking(ours, False)
                raise BenchError(f"{command!r} did not start Claude Code: {os.read(ours, 4096).decode()}")
            os.read(self.pipe, 64)
        finally:
            os.close(ours)
            os.close(theirs)
        return (started - began) * 1e3, (ended - began) * 1e3

    def rest(self) -> None:
        """Waits for the end of the proxy, unless it is to be kept for the next launch."""
        state = read_state(Paths.find(self.environ).state_file)
        if state is not None and not self.is_kept and not wait_for_end(state.process, seconds=_END_SECONDS):
            raise BenchError("a proxy without sessions has not ended")

    def end(self) -> None:
        """Ends the proxy that is left."""
        state = read_state(Paths.find(self.environ).state_file)
        if state is not None and state.process.is_alive():
            Control(state).stop(force=True)
            if not wait_for_end(state.process, seconds=_END_SECONDS):
                kill(state.process)


@contextmanager
def _world(stage: Stage, *, grace: str) -> Iterator[_World]:
    home = Path(tempfile.mkdtemp(dir=stage.place))
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    pipe, client = home / "pipe", home / "claude"
    os.mkfifo(pipe)
    client.write_text(f"#!/bin/sh\necho > {pipe}\n")
    client.chmod(0o700)
    environ = {
        **{name: value for name, value in os.environ.items() if name in _PASSED},
        "TERM": "xterm-256color",
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "MOONSHOT_API_KEY": "sk-" + "bench0123456789" * 3,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "KIMI_PROXY_PORT": "0",
        "KIMI_IDLE_GRACE": grace,
    }
    settings = Paths.find(environ).settings_file
    settings.parent.mkdir(parents=True)
    settings.write_text(_SETTINGS.format(port=stage.upstream.port))
    # The host's live list, which a launch asks for once a day.
    subprocess.run([*_KIMI, "models"], env=environ, cwd=_ROOT, check=False, capture_output=True)  # noqa: S603 - our own
    descriptor = os.open(pipe, os.O_RDWR)
    world = _World(environ, client, descriptor, is_kept=grace != "0")
    try:
        yield world
    finally:
        world.end()
        os.close(descriptor)
