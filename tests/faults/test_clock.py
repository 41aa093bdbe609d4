"""Clocks that are wrong, that jump, and that run backwards."""

from __future__ import annotations

import os
import signal

import pytest

from kimi_cli.record import replace
from kimi_cli.store.state import write_state
from tests.doubles.scenario import say

CLOCK = """
import sys, time
real, calls = time.time, iter(range(10**9))
if {who}:
    time.time = lambda: {reading}
    time.time_ns = lambda: int(time.time() * 10**9)
"""
READINGS = {
    "a day behind": "real() - 86_400",
    "a day ahead": "real() + 86_400",
    "running backwards": "1_800_000_000.0 - next(calls)",
    "jumping": "real() + (next(calls) % 3 - 1) * 86_400",
}
WHO = {"proxy": "'kimi_cli.proxy' in sys.orig_argv", "launcher": "'launch' in sys.orig_argv", "both": "True"}


@pytest.mark.parametrize(
    ("who", "reading"),
    [*(("both", reading) for reading in READINGS), ("proxy", "a day behind"), ("launcher", "a day behind")],
)
def test_a_wrong_clock(place, reading, who):
    """Sessions are opened, answered, brought back and ended, and nothing stays, whatever the time is said to be."""
    place.customize(CLOCK.format(who=WHO[who], reading=READINGS[reading]))
    place.script(say("one"), say("two"), say("three"))
    first, up = place.launch()
    first.ask()
    assert first.hear("whole")["text"] == "one"
    second, other = place.launch()
    assert other["port"] == up["port"]
    assert len(place.proxies()) == 1
    second.end()
    place.kill_proxy()
    first.ask()
    assert first.hear("whole")["text"] == "two"
    first.end()


@pytest.mark.parametrize("reading", ["a day behind", "a day ahead"])
def test_the_clock_is_set_after_a_crash(place, reading):
    """What a crash has left goes with the next proxy, although its files seem to be of another day."""
    launch, up = place.launch()
    place.kill_at_once(launch.process.pid, up["pid"], place.state.process.pid)
    place.customize(CLOCK.format(who="True", reading=READINGS[reading]))
    place.launch()[0].end()


def test_a_moment_of_creation_that_has_moved(place):
    """Where the system's account of a process's start moves, its proxy is found by its proof, and stays the one."""
    first, up = place.launch()
    sound = place.state
    write_state(place.paths.state_file, moved(sound))
    second, other = place.launch()
    assert other["port"] == up["port"]
    assert place.proxies() == [sound.process.pid]
    second.end()
    first.end()


def test_a_process_that_may_be_ours_is_not_signalled(place):
    """A proxy that hangs and is not certainly the one of the state is left alone; a new one takes another port."""
    del place.environ["KIMI_PROXY_PORT"]
    place.script(say("one"), say("two"))
    first, up = place.launch()
    hanging = place.state
    write_state(place.paths.state_file, moved(hanging))
    os.kill(hanging.process.pid, signal.SIGSTOP)
    second, other = place.launch()
    assert other["port"] != up["port"]
    assert hanging.process.is_alive()
    second.ask()
    assert second.hear("whole")["text"] == "one"
    os.kill(hanging.process.pid, signal.SIGCONT)
    first.ask()
    assert first.hear("whole")["text"] == "two"
    first.end()
    second.end()


def moved(state):
    """The same state as one would have written it whose clock was an hour behind."""
    return replace(state, process=replace(state.process, created=state.process.created - 3600))
