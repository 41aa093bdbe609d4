"""Signals to `kimi launch`, from a shell's point of view: whose they are, and what status comes of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.stage import wait_until
from tests.launcher.conftest import make_program

TELLS = """
import json, os, signal, sys
def told(number, frame):
    print(json.dumps({"event": signal.Signals(number).name}), flush=True)
    if number != signal.SIGINT:
        sys.exit(40 + number)
for name in ("SIGTERM", "SIGHUP", "SIGINT"):
    signal.signal(signal.Signals[name], told)
settings = sys.argv[sys.argv.index("--settings") + 1]
print(json.dumps({"event": "up", "pid": os.getpid(), "settings": settings}), flush=True)
sys.stdin.read()
"""
SLOW_PROXY = """
import os, sys
if "kimi_cli.proxy" in sys.orig_argv:
    with open({started!r}, "w"):
        pass
    open({gate!r}).read()
"""


@pytest.fixture
def teller(place):
    """A launch whose client says which signals it gets."""
    make_program(place.stage.claude, TELLS)
    return place.launch(process_group=0)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_forwarded(teller, name):
    """The client gets the signal, what it makes of it is the launcher's status, and nothing is left."""
    launch, _ = teller
    launch.send(name)
    launch.hear(name)
    assert launch.wait() == 40 + signal.Signals[name]


def test_interrupts_are_the_client_s(teller):
    """Ctrl-C, which the terminal sends to both, ends neither the launcher nor the session."""
    launch, up = teller
    for _ in range(2):
        os.killpg(launch.process.pid, signal.SIGINT)
        launch.hear("SIGINT")
    assert Path(up["settings"]).exists()
    launch.process.stdin.close()
    assert launch.wait() == 0


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGTERM", "SIGINT", "SIGKILL"])
def test_death_by_signal(place, name):
    """A client that dies by signal n gives 128 + n, whatever signal it is."""
    launch, up = place.launch()
    os.kill(up["pid"], signal.Signals[name])
    assert launch.wait() == 128 + signal.Signals[name]


@pytest.fixture
def starting(place):
    """A launch whose proxy is just being started; gives it and a function that lets the proxy go on.

    Proxies that others start are as quick as ever.
    """
    plain = dict(place.environ)
    started, gate = place.stage.work / "started", place.stage.work / "gate"
    os.mkfifo(gate)
    place.customize(SLOW_PROXY.format(started=str(started), gate=str(gate)))
    launch = place.start(process_group=0)
    place.environ = plain
    wait_until(started.exists)
    return launch, lambda: os.close(os.open(gate, os.O_WRONLY))


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", -15), ("SIGHUP", -1), ("SIGKILL", -9)])
def test_ended_while_the_proxy_starts(place, starting, name, status):
    """A launcher that is ended before its client runs leaves a proxy that ends by itself, and no session."""
    launch, go_on = starting
    launch.send(name)
    assert launch.wait() == status
    assert len(place.proxies()) == 1
    go_on()


def test_interrupted_while_the_proxy_starts(place, starting):
    """Ctrl-C before the client runs ends the launch with the status that a shell expects, and the proxy with it."""
    launch, _ = starting
    os.killpg(launch.process.pid, signal.SIGINT)
    assert launch.wait() == 128 + signal.SIGINT
    assert place.proxies() == []
    assert "Traceback" not in launch.stderr


def test_another_launch_while_the_proxy_of_a_killed_one_starts(place, starting):
    """A half-started proxy of a launcher that was killed is in nobody's way, before or after it is ready."""
    launch, go_on = starting
    launch.send("SIGKILL")
    launch.wait()
    again, _ = place.launch()
    go_on()
    wait_until(lambda: len(place.proxies()) == 1)
    again.ask()
    again.hear("whole")
    again.end()
