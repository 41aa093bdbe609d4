"""Claude Code starts while its proxy does: what it gets to see of that, and what becomes of it where that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psutil
import pytest

from kimi_cli.daemon import ProxyStartError
from kimi_cli.errors import ClaudeUnusableError
from kimi_cli.launcher import LaunchRequest, launch, run
from tests.launcher.conftest import eventually, make_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are made executable as POSIX does")

TODAY = date(2026, 11, 23)
HELD = """
import os, sys, time
class Gate:
    def find_spec(self, name, path=None, target=None):
        if name == "aiohttp":
            deadline = time.monotonic() + 60
            while not os.path.exists({go!r}) and time.monotonic() < deadline:
                time.sleep(0.01)
            {then}
if "kimi_cli.proxy" in sys.orig_argv:
    sys.meta_path.insert(0, Gate())
"""
"""Keeps a proxy from loading what it answers with until there is a file."""
ASKS = """
import json, os, sys, urllib.request
from pathlib import Path
def ask():
    variables = json.loads(Path(sys.argv[sys.argv.index("--settings") + 1]).read_text())["env"]
    headers = {"Authorization": "Bearer " + variables["ANTHROPIC_AUTH_TOKEN"]}
    request = urllib.request.Request(variables["ANTHROPIC_BASE_URL"] + "/v1/models", headers=headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["data"][0]["id"]
"""
LAUNCHER = """
import os, sys
from datetime import date
from pathlib import Path
from kimi_cli.launcher import LaunchRequest, launch
from kimi_cli.store.paths import Paths
sys.exit(launch(LaunchRequest(), paths=Paths.find(os.environ), environ=os.environ, cwd=Path.cwd(),
                today=date(2026, 11, 23), show=lambda banner: None))
"""


class World:
    """A user whose proxies stop half-way of their start until `go` is there."""

    def __init__(self, user, folder: Path) -> None:
        self.user, self.folder = user, folder
        self.go, self.said = folder / "go", folder / "said"
        self.environ = {**user.environ, "GROQ_API_KEY": "gsk_earlytests0123456789", "SAID": str(self.said)}
        user.write_settings("""
            provider = "groq"
            [providers.groq]
            base_url = "http://127.0.0.1:9/v1"
            model = "moonshotai/kimi-k2-instruct-0905"
        """)

    def hold(self, then: str = "pass") -> None:
        """Has proxies wait for `go`, and then do something."""
        (self.folder / "sitecustomize.py").write_text(HELD.format(go=str(self.go), then=then))
        self.environ["PYTHONPATH"] = os.pathsep.join((str(self.folder), str(Path.cwd())))

    def client(self, source: str) -> None:
        """What stands in for Claude Code; `ask` in it gives the first model that the proxy lists."""
        make_program(Path(self.environ["HOME"]) / ".local/bin/claude", ASKS + source)

    def launch(self) -> int:
        """A launch in this process."""
        given = {"paths": self.user.paths, "environ": self.environ, "cwd": self.folder, "today": TODAY}
        return launch(LaunchRequest(), **given, show=lambda _: None)


@pytest.fixture
def world(user, tmp_path):
    """The user."""
    return World(user, tmp_path)


def test_the_client_does_not_wait_for_its_proxy(world, user):
    """It runs as soon as the port is known, and what it asks meanwhile is answered when there is somebody to do it."""
    world.hold()
    world.client(f"Path({str(world.go)!r}).touch(); Path(os.environ['SAID']).write_text(ask()); sys.exit(3)")
    assert world.launch() == 3
    assert world.said.read_text() == "moonshotai/kimi-k2-instruct-0905"
    user.sandbox.assert_nothing_left()


def test_a_job_in_the_background_waits(world, user, monkeypatch):
    """Its client may stop it as soon as it runs, with a proxy half started that others would wait for."""
    monkeypatch.setattr(run, "is_in_background", lambda: True)
    world.hold()
    world.client("Path(os.environ['SAID']).write_text(ask())")
    with ThreadPoolExecutor() as pool:
        launched = pool.submit(world.launch)
        eventually(user.sandbox.processes)
        assert not world.said.exists()
        world.go.touch()
        assert launched.result(60) == 0
    assert world.said.exists()
    user.sandbox.assert_nothing_left()


def test_a_proxy_that_fails_after_the_client_began(world, user):
    """The client is ended, the failure is told, and nothing is left of either."""
    world.hold(then='raise ImportError("it is broken")')
    world.client(
        "import time\n"
        "Path(os.environ['SAID']).write_text(str(os.getpid()))\n"
        f"Path({str(world.go)!r}).touch()\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(ProxyStartError, match="ended at once"):
        world.launch()
    assert not psutil.pid_exists(int(world.said.read_text()))
    user.sandbox.assert_nothing_left()
    assert not user.paths.runtime_dir.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what waits in another process's pipe")
def test_a_launcher_that_is_killed_before_the_proxy_answers(world, user):
    """The proxy knows by then what to open: the client is served, and takes everything along when it ends."""
    world.hold()
    world.client("print('up', flush=True); sys.stdin.readline(); print(ask(), flush=True); sys.stdin.read()")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", LAUNCHER], env=world.environ, **pipes) as launcher:
        assert launcher.stdout.readline() == "up\n"
        eventually(lambda: _is_told(*user.proxies()))
        launcher.kill()
        launcher.wait()
        world.go.touch()
        launcher.stdin.write("go\n")
        launcher.stdin.flush()
        assert launcher.stdout.readline() == "moonshotai/kimi-k2-instruct-0905\n"
        launcher.stdin.close()
    user.sandbox.assert_nothing_left()


def test_a_second_launch_meanwhile(world, user):
    """It waits for the same proxy, and both get their sessions."""
    world.hold()
    world.client("Path(os.environ['SAID']).touch(); sys.stdin.read(); print(ask())")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen([sys.executable, "-c", LAUNCHER], env=world.environ, **pipes) as first,
        subprocess.Popen([sys.executable, "-c", LAUNCHER], env=world.environ, **pipes) as second,
    ):
        eventually(world.said.exists)
        world.go.touch()
        for launcher in (first, second):
            assert launcher.communicate(timeout=30)[0] == "moonshotai/kimi-k2-instruct-0905\n"
            assert launcher.returncode == 0
    user.sandbox.assert_nothing_left()


def test_what_fails_between_proxy_and_client(world, user):
    """Where Claude Code cannot be run after all, the proxy that was started for it ends by itself."""
    world.hold()
    world.go.touch()
    world.client("")
    (Path(world.environ["HOME"]) / ".local/bin/claude").write_text("#!/no/such/interpreter\n")
    with pytest.raises(ClaudeUnusableError):
        world.launch()
    user.sandbox.assert_nothing_left()


def _is_told(proxy: int) -> bool:
    """Whether something waits for the proxy to read it."""
    import fcntl
    import termios

    pipe = os.open(f"/proc/{proxy}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
    try:
        return any(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    finally:
        os.close(pipe)


_JOBS = """
import fcntl, os, signal, sys, termios
from kimi_cli.launcher.terminal import is_in_background
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
before = is_in_background()
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os._exit(is_in_background())
os.write(1, f"{before} {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}".encode())
"""


def test_what_is_in_the_background():
    """A process group other than the terminal's; without a terminal there is no such thing."""
    ours, theirs = os.openpty()
    try:
        ran = subprocess.run(
            [sys.executable, "-c", _JOBS],
            stdin=theirs,
            capture_output=True,
            text=True,
            start_new_session=True,
            check=True,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert ran.stdout == "False 1"
    code = "from kimi_cli.launcher.terminal import is_in_background; print(is_in_background())"
    ran = subprocess.run([sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert ran.stdout == b"False\n"
