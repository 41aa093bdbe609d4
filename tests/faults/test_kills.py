"""kill -9 of the proxy, of the launcher, of the client, and of all of them: before, during and after an answer."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.doubles.scenario import say
from tests.e2e.stage import wait_until
from tests.faults.conftest import Halting

KILLED = 128 + 9


def test_proxy_before_an_answer(place):
    """A client that asks after its proxy was killed is answered at the same address."""
    launch, up = place.launch()
    place.kill_proxy()
    launch.ask()
    assert launch.hear("whole")["text"] == "Nothing more to say."
    assert place.state.port == up["port"]
    launch.end()


def test_proxy_during_an_answer(place):
    """An answer that the proxy's death cuts short is none, twice over, and the same question is then answered."""
    halting = [Halting(), Halting()]
    place.script(*(one.reply for one in halting), say("three ", "four"))
    launch, _ = place.launch()
    launch.ask()
    for one in halting:
        launch.hear("word")
        one.gate.wait_reached()
        place.kill_proxy()
    assert launch.hear("whole")["text"] == "three four"
    assert [text for text in launch.broken if text] == ["one ", "one "]
    wait_until(lambda: [request.client_gone for request in place.stage.double.requests] == [True, True, False])
    launch.end()


def test_proxy_after_an_answer(place):
    """A client that has its answer does not notice that the proxy was killed, and can ask on."""
    place.script(say("one"), say("two"))
    launch, _ = place.launch()
    launch.ask()
    assert launch.hear("whole")["text"] == "one"
    place.kill_proxy()
    launch.ask()
    assert launch.hear("whole")["text"] == "two"
    launch.end()


def test_proxy_after_the_last_session(place):
    """A proxy that is killed in its grace period leaves nothing that the next launch minds, or leaves behind."""
    place.environ["KIMI_IDLE_GRACE"] = "600"
    place.launch()[0].end()
    former = place.kill_proxy()
    place.environ["KIMI_IDLE_GRACE"] = "0.2"
    launch, up = place.launch()
    assert place.state.instance != former.instance
    assert up["port"] == former.port
    launch.end()


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_launcher(place, moment):
    """The client goes on without its launcher, its answer comes whole, and everything goes with the client."""
    halting = Halting()
    place.script(halting.reply)
    launch, up = place.launch()
    if moment != "before":
        launch.ask()
        launch.hear("word")
    if moment == "after":
        halting.gate.open()
        launch.hear("whole")
    launch.send("SIGKILL")
    assert launch.wait() == -signal.SIGKILL
    halting.gate.open()
    if moment == "before":
        launch.ask()
    if moment != "after":
        assert launch.hear("whole")["text"] == "one two"
    assert Path(up["settings"]).exists()
    os.kill(up["pid"], 0)
    launch.process.stdin.close()
    wait_until(lambda: not Path(up["settings"]).exists())


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_client(place, moment):
    """The launcher ends as a shell expects, the host is not left to work on an answer, and nothing stays."""
    halting = Halting()
    place.script(halting.reply)
    launch, up = place.launch()
    if moment != "before":
        launch.ask()
        launch.hear("word")
        halting.gate.wait_reached()
    if moment == "after":
        halting.gate.open()
        launch.hear("whole")
    os.kill(up["pid"], signal.SIGKILL)
    assert launch.wait() == KILLED
    assert not Path(up["settings"]).exists()
    for request in place.stage.double.requests:
        request.ended.wait_opened()
        assert request.client_gone is (moment == "during")


def test_launcher_and_proxy(place):
    """With nobody to bring the proxy back its client is told of no answer, and the next launch starts clean."""
    halting = Halting()
    place.script(halting.reply)
    launch, up = place.launch()
    launch.ask(tries=2)
    launch.hear("word")
    place.kill_at_once(launch.process.pid, place.state.process.pid)
    launch.hear("gave up")
    assert launch.broken == ["one ", ""]
    launch.process.stdin.close()
    wait_until(lambda: up["pid"] not in [process.pid for process in place.stage.sandbox.processes()])
    again, _ = place.launch()
    again.end()


def test_launcher_and_client(place):
    """When both are killed the proxy gives up what it does for them and ends by itself."""
    halting = Halting()
    place.script(halting.reply)
    launch, up = place.launch()
    launch.ask()
    launch.hear("word")
    place.kill_at_once(launch.process.pid, up["pid"])
    place.stage.double.requests[0].ended.wait_opened()
    assert place.stage.double.requests[0].client_gone
    wait_until(lambda: not place.paths.runtime_dir.exists())


@pytest.mark.parametrize("moment", ["before", "during", "after"])
@pytest.mark.parametrize("then", ["launch", "stop"])
def test_all_at_once(place, moment, then):
    """After a crash of everything the next launch, or `kimi stop`, finds nothing in its way and leaves nothing."""
    halting = Halting()
    place.script(halting.reply, say("again"))
    launch, up = place.launch()
    if moment != "before":
        launch.ask()
        launch.hear("word")
    if moment == "after":
        halting.gate.open()
        launch.hear("whole")
    place.kill_at_once(launch.process.pid, up["pid"], place.state.process.pid)
    halting.gate.open()
    assert launch.wait() == -signal.SIGKILL
    assert Path(up["settings"]).exists()
    if then == "stop":
        assert place.kimi("stop").status == 0
        return
    again, _ = place.launch()
    again.ask()
    again.hear("whole")
    again.end()
