"""A user, a host and a client of which every process can be killed; at the end of every test nothing is left."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final

import pytest

from kimi_cli.daemon import Control
from kimi_cli.daemon.end import kill
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.paths import Paths
from kimi_cli.store.state import read_state
from tests.doubles.scenario import Gate, Reply, Scenario, Silence, Text
from tests.doubles.serve import running
from tests.e2e.stage import HOSTS, Finished, Stage, free_port, new_key, wait_until
from tests.launcher.conftest import make_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimi_cli.store.state import ProxyState
    from tests.conftest import Sandbox
    from tests.doubles.scenario import Step

SECONDS: Final = 40.0
"""How long anything may take; a proxy that hangs is waited for several seconds before it is replaced."""
HEARD_SHOWN: Final = 6
STUB: Final = Path(__file__).with_name("stub.py")


class Launch:
    """One `kimi launch` with the client in Claude Code's place."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process, self._errors = process, errors
        self.heard: list[dict] = []
        self._said: SimpleQueue[str] = SimpleQueue()
        Thread(target=self._listen, daemon=True).start()

    def hear(self, event: str) -> dict:
        """The next of these that the client says; what it says before that is in `heard` as well."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                line = self._said.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise AssertionError(f"{event!r} did not come; {self.story()}") from None
            assert line, f"{event!r} did not come before the end; {self.story()}"
            self.heard.append(json.loads(line))
            if self.heard[-1]["event"] == event:
                return self.heard[-1]

    def ask(self, text: str = "Tell me.", *, tries: int = 1000) -> None:
        """Has the client ask a question."""
        self._tell(ask=text, tries=tries)

    def end(self, status: int = 0) -> None:
        """Has the client end with a status, and sees the launcher end with the same one."""
        self.dismiss(status)
        assert self.wait() == status, self.story()

    def dismiss(self, status: int = 0) -> None:
        """Has the client end with a status, and does not wait for it."""
        self._tell(end=status)

    def wait(self) -> int:
        """The launcher's exit status, negative for a signal."""
        return self.process.wait(SECONDS)

    def send(self, name: str) -> None:
        """A signal to the launcher alone."""
        self.process.send_signal(signal.Signals[name])

    @property
    def stderr(self) -> str:
        """What was said there so far."""
        return self._errors.read_text(encoding="utf-8")

    @property
    def broken(self) -> list[str]:
        """What had come of every answer that did not come whole."""
        return [said["text"] for said in self.heard if said["event"] == "broken"]

    def story(self) -> str:
        """Everything that is known, for a failure's message."""
        last = self.heard[-HEARD_SHOWN:]
        return f"heard {len(self.heard)}, last {last}, status {self.process.poll()}, stderr: {self.stderr}"

    def close(self) -> None:
        """Ends what is left of it."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()

    def _tell(self, **fields: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(fields) + "\n")
        self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self._said.put(line)
        self._said.put("")


@dataclass
class Place:
    """One user whose proxy has a port of its own, and whose client is `stub.py`."""

    stage: Stage
    port: int
    environ: dict[str, str]
    launches: list[Launch] = field(default_factory=list)

    @property
    def paths(self) -> Paths:
        """The user's directories."""
        return Paths.find(self.environ)

    @property
    def state(self) -> ProxyState | None:
        """What the state file says."""
        return read_state(self.paths.state_file)

    @property
    def control(self) -> Control:
        """The proxy of the state file."""
        assert self.state is not None
        return Control(self.state)

    def script(self, *steps: Step) -> None:
        """What the host will say, whatever it is asked."""
        self.stage.double.scenario = Scenario(*steps, when=lambda _: True)

    def write_settings(self, **hosts: tuple[str, str]) -> None:
        """Chooses the first of these hosts, each with its base URL and its model."""
        lines = [f'provider = "{next(iter(hosts))}"']
        for provider, (base_url, model) in hosts.items():
            lines += [f"[providers.{provider}]", f'base_url = "{base_url}"', f'model = "{model}"']
        self.paths.settings_file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def customize(self, source: str) -> None:
        """Has every Python process that is started from now on run this first."""
        directory = self.stage.work / "site"
        directory.mkdir()
        (directory / "sitecustomize.py").write_text(source, encoding="utf-8")
        self.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(directory), self.environ.get("PYTHONPATH"))))

    def start(self, *options: str, environ: dict[str, str] | None = None, **given) -> Launch:
        """A launch that has just been started."""
        command = self.stage.command("launch", "--claude", str(self.stage.claude), *options)
        errors = self.stage.work / f"stderr-{len(self.launches)}"
        with errors.open("w") as stderr:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": stderr}
            process = subprocess.Popen(
                command, env=environ or self.environ, cwd=self.stage.work, text=True, **(pipes | given)
            )
        launch = Launch(process, errors)
        self.launches.append(launch)
        return launch

    def launch(self, *options: str, **given) -> tuple[Launch, dict]:
        """A launch whose client is up, and what the client said then."""
        launch = self.start(*options, **given)
        return launch, launch.hear("up")

    def kimi(self, *arguments: str, stdin: str = "") -> Finished:
        """A command, run to its end."""
        return self.stage.run(*self.stage.command(*arguments), stdin=stdin, environ=self.environ)

    def proxies(self) -> list[int]:
        """The proxies of this user that run."""
        return [process.pid for process in self.stage.sandbox.proxies()]

    def kill_proxy(self) -> ProxyState:
        """Kills the proxy with -9, and gives what its state was once it is gone."""
        state = self.state
        assert state is not None
        os.kill(state.process.pid, signal.SIGKILL)
        wait_until(lambda: not state.process.is_alive())
        return state

    def kill_at_once(self, *pids: int) -> None:
        """Kills processes with -9 before any of them can see another one's end."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                os.kill(pid, number)

    def assert_clean(self) -> None:
        """No process, port, file or directory of a proxy or a session is left, and no key or token in any file."""
        self.stage.assert_clean()
        for place in (self.paths.runtime_dir, Paths.find(self.environ | {"XDG_RUNTIME_DIR": ""}).runtime_dir):
            assert not os.path.lexists(place), list(place.rglob("*"))
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            listener.listen()


@pytest.fixture
def place(sandbox: Sandbox) -> Iterator[Place]:
    """A user; at the end of the test nothing is left of them."""
    if sys.platform == "win32":
        pytest.skip("the signals are POSIX's")
    host = HOSTS["groq"]
    double = host.double(key=new_key(host))
    work = sandbox.root / "w"
    work.mkdir()
    client = make_program(sandbox.root / "bin" / "claude", STUB.read_text(encoding="utf-8"))
    with ExitStack() as stack:
        stack.enter_context(running(double))
        stage = Stage(sandbox, host, double, client, work, double.key)
        stage.write_settings()
        port = free_port()
        place = Place(stage, port, stage.environ | {"KIMI_PROXY_PORT": str(port)})
        stack.callback(_end_everything, place)
        yield place
        for launch in place.launches:
            assert "Traceback" not in launch.stderr
        place.assert_clean()


@dataclass(frozen=True, slots=True)
class Halting:
    """An answer that stops in its middle, and goes on when `gate` is opened."""

    gate: Gate = field(default_factory=Gate)

    @property
    def reply(self) -> Reply:
        """The answer: `one`, and after a while `two`."""
        return Reply((Text(("one ",)), Silence(self.gate), Text(("two",))))


def _end_everything(place: Place) -> None:
    for launch in place.launches:
        launch.close()
    for process in place.stage.sandbox.processes():
        with suppress(ProcessLookupError):
            kill(ProcessIdentity.of(process.pid))
