"""The proxy is there when it is needed and gone when it is not, whatever happens to files, ports and processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest

from tests.e2e.stage import wait_until
from tests.faults.conftest import Halting, place

__all__ = ["place"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the signals are POSIX's")


def test_field_22_one_proxy_for_every_terminal(place):
    """A second terminal joins the first one's proxy and outlives it; the last takes the proxy along."""
    (first, up), (second, up_too) = place.launch(), place.launch()
    assert up["port"] == up_too["port"] == place.port
    (pid,) = place.proxies()
    first.end()
    second.ask()
    second.hear("whole")
    assert place.proxies() == [pid]
    assert place.kimi("stop").status != 0  # a session runs on it
    second.end()


@pytest.mark.parametrize("who", ["the terminal", "the client", "both at once"])
def test_field_22_no_orphans(place, who):
    """However the last session ends, by kill -9 of whichever process, in the middle of an answer: the proxy ends."""
    halting = Halting()
    place.script(halting.reply)
    launch, up = place.launch()
    launch.ask()
    launch.hear("word")
    victims = {"the terminal": [launch.process.pid], "the client": [up["pid"]]}.get(who)
    place.kill_at_once(*(victims or [launch.process.pid, up["pid"]]))
    halting.gate.open()
    if who == "the terminal":  # the client is still there, and then it is not
        os.kill(up["pid"], 9)
    launch.wait()
    wait_until(lambda: place.proxies() == [])


@pytest.mark.parametrize("damage", ["gone", "empty", "nonsense"])
def test_field_22_a_state_file_that_is_lost(place, damage):
    """The proxy lives on and its file does not: sessions go on, another terminal gets one, and both leave nothing."""
    del place.environ["KIMI_PROXY_PORT"]
    first, _ = place.launch()
    state = place.paths.state_file
    if damage == "gone":
        state.unlink()
    else:
        state.write_text({"empty": "", "nonsense": "12345\n"}[damage], encoding="utf-8")
    second, _ = place.launch()
    for launch in (first, second):
        launch.ask()
        launch.hear("whole")
    second.end()
    first.ask()
    first.hear("whole")
    first.end()


def test_field_22_a_number_that_somebody_else_has(place):
    """A state file whose process id belongs to a stranger by now: nobody is asked, nobody is ended, a proxy starts."""
    launch, _ = place.launch()
    content = place.paths.state_file.read_bytes()
    dead = place.state
    place.kill_at_once(launch.process.pid, launch.heard[0]["pid"], dead.process.pid)  # nobody starts another one
    launch.wait()
    wait_until(lambda: not dead.process.is_alive())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        place.paths.state_file.parent.mkdir(parents=True, exist_ok=True)
        place.paths.state_file.write_bytes(content.replace(str(dead.process.pid).encode(), str(stranger.pid).encode()))
        again, up = place.launch()
        assert up["port"] == place.port
        again.end()
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_field_22_a_port_that_is_taken(place):
    """Its owner is named and left alone; the port that nobody asked for in particular is exchanged for another."""
    with socket.create_server(("127.0.0.1", place.port)):
        refused = place.start()
        assert refused.wait() == 5
        said = " ".join(refused.stderr.split())
        assert f"Port {place.port} is in use by" in said
        assert str(os.getpid()) in said or psutil.Process().name() in said
        assert "unset KIMI_PROXY_PORT" in said
        del place.environ["KIMI_PROXY_PORT"]
        launch, up = place.launch()
        assert up["port"] != place.port
        launch.end()
