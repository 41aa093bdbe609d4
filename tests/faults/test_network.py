"""Ports that are taken, and networks that lack something."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys

import pytest

from tests.doubles.scenario import say
from tests.e2e.stage import wait_until

USUAL_PORT = 8090
STRANGER = """
import socket, sys, time
deadline = time.monotonic() + 20  # another test may have it for a while
has_it = False
while not has_it and time.monotonic() < deadline:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", int(sys.argv[1])))
        listener.listen()
        has_it = True
    except OSError:
        listener.close()
        time.sleep(0.05)
print("has it" if has_it else "no", flush=True)
sys.stdin.read()
"""
ONLY_IPV6 = """
import socket
before = socket.getaddrinfo
def getaddrinfo(host, *args, **kwargs):
    if host == "localhost":
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", args[0] if args else 0, 0, 0))]
    return before(host, *args, **kwargs)
socket.getaddrinfo = getaddrinfo
"""
NO_IPV6 = """
import errno, socket
class OldSocket(socket.socket):
    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        super().__init__(family, type, proto, fileno)
socket.socket, socket.has_ipv6 = OldSocket, False
"""


@pytest.fixture
def stranger():
    """Starts a process that listens on a port, and may find it taken."""
    started = []

    def start(port: int) -> tuple[subprocess.Popen[bytes], bool]:
        process = subprocess.Popen(
            [sys.executable, "-c", STRANGER, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        return process, process.stdout.readline() == b"has it\n"

    yield start
    for process in started:
        process.communicate()
        assert process.returncode == 0  # it ended with its stdin, and not by a signal


def test_the_port_that_was_asked_for_is_taken(place, stranger):
    """The error names its owner and the way out, nothing is started, and with the owner gone the port is used."""
    holder, has_it = stranger(place.port)
    assert has_it
    launch = place.start()
    assert launch.wait() == 5
    assert f"Port {place.port} is in use by python" in launch.stderr
    assert f"(process {holder.pid})" in launch.stderr
    assert "unset KIMI_PROXY_PORT" in launch.stderr
    assert place.proxies() == []
    holder.communicate()
    again, up = place.launch()
    assert up["port"] == place.port
    again.end()


def test_the_usual_port_is_taken(place, stranger):
    """Another one is used, and the log says which process has the usual one."""
    del place.environ["KIMI_PROXY_PORT"]
    holder, has_it = stranger(USUAL_PORT)  # or somebody else has it for good, which is as well
    launch, up = place.launch()
    assert up["port"] != USUAL_PORT
    wait_until(lambda: "port taken, another one used" in place.paths.log_file.read_text())
    lines = map(json.loads, place.paths.log_file.read_text().splitlines())
    (line,) = [line for line in lines if line["event"].startswith("port taken")]
    assert line["port"] == USUAL_PORT
    if has_it:
        assert f"(process {holder.pid})" in line["holder"]
    launch.ask()
    launch.hear("whole")
    launch.end()


def test_a_dead_proxy_s_port_is_taken(place):
    """Its session comes back once the port is free; whoever has it meanwhile is told no token, and left alone."""
    place.script(say("one"), say("two"))
    launch, up = place.launch()
    launch.ask()
    launch.hear("whole")
    launch.send("SIGSTOP")
    place.kill_proxy()
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", up["port"]))
        thief.listen()
        launch.send("SIGCONT")
        thief.settimeout(20)
        asking, _ = thief.accept()
        with asking:
            asking.settimeout(20)
            said = asking.recv(65536)
    assert said.startswith(b"GET /health ")
    assert b"authorization" not in said.lower()
    launch.ask()
    assert launch.hear("whole")["text"] == "two"
    launch.end()


@pytest.mark.parametrize("lacking", [ONLY_IPV6, NO_IPV6], ids=["localhost is ::1 alone", "no IPv6"])
def test_one_internet_protocol(place, lacking):
    """The proxy is reached by its number, so it matters neither what `localhost` is nor whether there is IPv6."""
    place.customize(lacking)
    place.script(say("one"), say("two"))
    launch, up = place.launch()
    assert up["address"] == f"http://127.0.0.1:{place.port}"
    launch.ask()
    assert launch.hear("whole")["text"] == "one"
    place.kill_proxy()
    launch.ask()
    assert launch.hear("whole")["text"] == "two"
    launch.end()


@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no program that takes the network away")
@pytest.mark.parametrize("lacking", ["the interface", "its address", "IPv6"])
def test_no_loopback(place, lacking):
    """Without a loopback interface a launch says so at once and leaves nothing; without IPv6 on it all is well."""
    steps = {
        "the interface": "true",
        "its address": "ip link set lo up && ip address del 127.0.0.1/8 dev lo",
        "IPv6": "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set lo up",
    }[lacking]
    apart = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c"]
    possible = subprocess.run([*apart, steps], capture_output=True, check=False)
    if possible.returncode != 0:
        pytest.skip(f"the network cannot be taken away here: {possible.stderr!r}")
    done = place.stage.run(*apart, f'{steps}; exec "$@"', "sh", *place.stage.launch_command(), environ=place.environ)
    if lacking == "IPv6":
        assert done.status == 0
        assert json.loads(done.stdout)["event"] == "up"
    else:
        assert done.status == 5
        assert "loopback" in done.stderr
        assert done.stdout == ""
