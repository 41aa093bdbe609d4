"""A state file that is gone, damaged, or not to be believed."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from kimi_cli.daemon import find_proxy
from kimi_cli.record import replace
from kimi_cli.store.files import write_private
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.state import ProxyState, other_states, read_state, write_state
from tests.doubles.scenario import say
from tests.e2e.stage import wait_until
from tests.faults.conftest import Halting

DROP_SECONDS = 0.1
TELLS = """
import signal, sys
told = []
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    signal.signal(number, lambda number, frame: told.append(signal.Signals(number).name))
print("up", flush=True)
sys.stdin.read()
print(told, flush=True)
"""


def delete(file):
    """Somebody has tidied up."""
    file.unlink()


def empty(file):
    """The disk was full, once."""
    file.write_bytes(b"")


def truncate(file):
    """Half of it is there."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def garble(file):
    """It is not even text."""
    file.write_bytes(b"\xff\x00{]" * 100)


def change_form(file):
    """It is of a form that another version of ours writes."""
    write_private(file, json.dumps(json.loads(file.read_bytes()) | {"schema": 99, "more": []}).encode())


def open_to_all(file):
    """Anybody could have written it."""
    file.chmod(0o666)


def give_away(file):
    """It belongs to another user."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(file, 65534, 65534)


DAMAGES = [delete, empty, truncate, garble, change_form, open_to_all, give_away]


@pytest.fixture
def stranger():
    """A process that has nothing to do with us, and must not get any signal."""
    process = subprocess.Popen([sys.executable, "-c", TELLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"up\n"
    yield process
    said, _ = process.communicate(timeout=20)
    assert said == b"[]\n"
    assert process.returncode == 0


@pytest.fixture
def mute():
    """The port of somebody who takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def dripping():
    """The port of somebody whose answers come byte by byte, and never to an end."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        pool.submit(serve_drops, server, pool)
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def serve_drops(server: socket.socket, pool: ThreadPoolExecutor) -> None:
    """Until the server is shut down."""
    with suppress(OSError):
        while True:
            pool.submit(drip, server.accept()[0])


def drip(connection: socket.socket) -> None:
    """Until whoever asked has had enough."""
    with connection, suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            connection.sendall(b"x")
            if select.select([connection], [], [], DROP_SECONDS)[0] and not connection.recv(65536):
                return


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_while_a_session_runs(place, damage):
    """The answer in flight and the session go on, a new launch works beside them, and both leave nothing."""
    del place.environ["KIMI_PROXY_PORT"]
    halting = Halting()
    place.script(halting.reply)
    first, _ = place.launch()
    first.ask()
    first.hear("word")
    damage(place.paths.state_file)
    second, _ = place.launch()
    halting.gate.open()
    assert first.hear("whole")["text"] == "one two"
    for one in (first, second):
        one.ask()
        one.hear("whole")
        assert one.broken == []
    first.end()
    second.ask()
    second.hear("whole")
    second.end()


@pytest.mark.parametrize("damage", [delete, garble, give_away])
def test_put_back(place, damage):
    """A proxy writes its state again, so that there is one proxy for the next launch, and `kimi stop` finds it."""
    first, up = place.launch()
    sound = place.state
    damage(place.paths.state_file)
    wait_until(lambda: place.state == sound)
    second, other = place.launch()
    assert other["port"] == up["port"]
    assert len(place.proxies()) == 1
    second.end()
    assert place.kimi("stop", "--force").status == 0
    assert place.proxies() == []
    first.end()


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_and_nobody_else_comes(place, damage):
    """A proxy whose state was damaged takes what is left of it along when it ends."""
    launch, _ = place.launch()
    damage(place.paths.state_file)
    launch.ask()
    launch.hear("whole")
    launch.end()


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_after_a_crash(place, damage):
    """What a crash has left may be damaged in any way: the next launch works."""
    launch, up = place.launch()
    place.kill_at_once(launch.process.pid, up["pid"], place.state.process.pid)
    damage(place.paths.state_file)
    again, _ = place.launch()
    again.ask()
    again.hear("whole")
    again.end()


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_and_the_proxy_dies(place, damage):
    """A proxy that dies is brought back for its session, even where its state cannot tell of it any more."""
    place.script(say("one"), say("two"))
    launch, _ = place.launch()
    launch.ask()
    launch.hear("whole")
    process = place.state.process
    damage(place.paths.state_file)
    os.kill(process.pid, signal.SIGKILL)
    launch.ask()
    assert launch.hear("whole")["text"] == "two"
    launch.end()


@pytest.mark.parametrize("command", ["launch", "stop"])
@pytest.mark.parametrize("port", ["mute", "dripping"])
@pytest.mark.parametrize("shift", [-60.0, 60.0])
def test_a_reused_process_id(place, stranger, request, command, port, shift):
    """A process that has the number of a proxy that died is left alone; whoever has its port holds nobody up."""
    taken = request.getfixturevalue(port)
    number = ProcessIdentity.of(stranger.pid)
    write_state(place.paths.state_file, state(replace(number, created=number.created + shift), port=taken))
    if command == "stop":
        assert place.kimi("stop", "--force").status == 0
    else:
        launch, up = place.launch()
        assert up["port"] != taken
        launch.end()
    assert stranger.poll() is None


def test_a_state_from_before_the_machine_started_anew(place, stranger):
    """Numbers and moments of creation come again after a restart; a state from before it is not believed."""
    write_state(place.paths.state_file, state(ProcessIdentity.of(stranger.pid)))
    data = json.loads(place.paths.state_file.read_bytes())
    write_private(place.paths.state_file, json.dumps(data | {"boot": "an earlier one"}).encode())
    assert read_state(place.paths.state_file) is None
    place.launch()[0].end()
    assert stranger.poll() is None


def test_a_state_that_another_process_has_the_token_of(place):
    """A proxy is found by its proof alone: a wrong moment of creation does not cost a second one."""
    launch, up = place.launch()
    sound = place.state
    shifted = replace(sound.process, created=sound.process.created + 3600)
    write_state(place.paths.state_file, replace(sound, process=shifted))
    assert find_proxy(place.paths).instance == sound.instance
    other, same = place.launch()
    assert same["port"] == up["port"]
    assert len(place.proxies()) == 1
    other.end()
    launch.end()


@pytest.mark.parametrize("is_older_first", [True, False])
def test_two_proxies(place, is_older_first):
    """Where a lost state file led to a second proxy both are known, and either ends without harm to the other."""
    del place.environ["KIMI_PROXY_PORT"]
    first, up = place.launch()
    process = place.state.process
    os.kill(process.pid, signal.SIGSTOP)  # else it might put its state back before anybody misses it
    delete(place.paths.state_file)
    second, other = place.launch()
    assert other["port"] != up["port"]
    os.kill(process.pid, signal.SIGCONT)
    wait_until(lambda: [state.port for state in other_states(place.paths.runtime_dir)] == [up["port"]])
    assert place.state.port == other["port"]
    ends, stays, settings = (first, second, other) if is_older_first else (second, first, up)
    ends.end()
    wait_until(lambda: len(place.proxies()) == 1)
    assert Path(settings["settings"]).exists()
    stays.ask()
    stays.hear("whole")
    stays.end()


def state(process: ProcessIdentity, *, port: int = 9) -> ProxyState:
    """What a proxy would have written."""
    return ProxyState(instance="i", process=process, port=port, version="0", control_token="t" * 43)
