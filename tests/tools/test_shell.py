"""Bash: what the model is told, and that nothing of a command is left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import psutil
import pytest

from kimi_cli.tools import shell
from kimi_cli.tools.shell import Output

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no shell for it on Windows")

LEAVING = (
    "sleep 311 & setsid sleep 312 & (setsid sh -c 'sleep 313 & sleep 314' &) ; nohup sleep 315 >/dev/null 2>&1 &\n"
    "(trap '' TERM HUP; sleep 316) & "
)
CLEARED = "(env -i setsid sh -c 'sleep 317 & sleep 318' &) ; "
SLEEPS = tuple(str(number) for number in range(311, 319))


def sleepers(directory):
    """The processes of the commands above that work in a directory."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if words[:1] == ["sleep"] and words[-1] in SLEEPS and process.cwd() == str(directory):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


async def until(test, *, seconds=30):
    """Poll until it is true."""
    deadline = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("command", "content", "is_error"),
    [
        ("echo out; echo err >&2; exit 3", "Exit code 3\nout\nerr", True),
        ("true", "(Bash completed with no output)", False),
        ("printf 'a\\nb\\n'", "a\nb", False),
        ("kill -TERM $$", "Exit code 143", True),
        ("cat; printf '\\377'", "\ufffd", False),
        ("definitely-no-command 2>/dev/null", "Exit code 127", True),
    ],
)
async def test_what_is_told(world, command, content, is_error):
    """Output of both streams in one, the status before it where it is not 0, nothing to read from."""
    assert await world.run("Bash", command=command) == (content, is_error)


async def test_where_it_runs(world):
    """In the working directory, each command anew."""
    await world.run("Bash", command="cd /; export A=1")
    assert await world.run("Bash", command="pwd; echo $A") == (str(world.work), False)


async def test_timeout(world):
    """A command that takes too long ends, with what it said, and with everything that it started."""
    everything = LEAVING + (CLEARED if sys.platform == "linux" else "")
    content, is_error = await world.run("Bash", command=f"{everything} echo said; sleep 311", timeout=700)
    assert (content, is_error) == ("Exit code 143\nCommand timed out after 0.7s\nsaid", True)
    assert sleepers(world.work) == []


async def test_what_is_left_in_the_background(world):
    """A command that ends takes along what it left running."""
    everything = LEAVING + (CLEARED if sys.platform == "linux" else "")
    assert await world.run("Bash", command=f"{everything} echo done") == ("done", False)
    assert sleepers(world.work) == []


async def test_cancellation(world):
    """A call that is cancelled ends its whole tree."""
    task = asyncio.create_task(world.run("Bash", command=f"{LEAVING} sleep 311"))
    await until(lambda: len(sleepers(world.work)) >= 6)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sleepers(world.work) == []


async def test_a_keeper_that_is_killed(world):
    """A command that kills its keeper is found by the mark in its environment."""
    content, is_error = await world.run("Bash", command="setsid sleep 311 & kill -9 $PPID; sleep 312")
    assert is_error, content
    assert sleepers(world.work) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
async def test_the_proxy_is_killed(world):
    """Where the process that asked is killed without a warning, the command ends with it."""
    code = (
        "import asyncio, os, sys; from pathlib import Path; from tests.tools.conftest import make_tools\n"
        "from kimi_cli.tools.place import Place; from kimi_cli.engine.toolbox import Call\n"
        "tools = make_tools(Place(Path(sys.argv[1])))\n"
        f"asyncio.run(tools.run(Call('1', 'Bash', {{'command': {LEAVING + ' sleep 311'!r}}})))\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(world.work))
    try:
        await until(lambda: len(sleepers(world.work)) >= 6)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await until(lambda: sleepers(world.work) == [])


@pytest.mark.parametrize(
    "given",
    [{}, {"command": ""}, {"command": 3}, {"command": "a\0b"}, {"command": "true", "run_in_background": True}],
)
async def test_what_is_no_command(world, given):
    """It is refused in a sentence."""
    content, is_error = await world.run("Bash", **given)
    assert is_error
    assert content.endswith(".")


async def test_the_longest_timeout(world, monkeypatch):
    """However long a command may take by its own word, there is a limit."""
    monkeypatch.setattr(shell, "MOST_SECONDS", 0.3)
    content, _ = await world.run("Bash", command="sleep 311", timeout=10**9)
    assert "timed out after 0.3s" in content


@pytest.mark.parametrize("size", [1, 7, 1_000, 15_000, 15_001, 100_000])
def test_output_in_pieces(size):
    """However output comes, its beginning and its end are held, and never more than twice what is shown."""
    said = Output(limit=10**9)
    data = bytes(range(65, 91)) * 4_000
    for at in range(0, len(data), size):
        said.data_received(data[at : at + size])
        assert said._in_tail < 30_000 + size
    text = said.text()
    assert text.startswith(data[:15_000].decode())
    assert text.endswith(data[-15_000:].decode())
    assert f"{len(data) - 30_000:,} bytes left out" in text
    short = Output(limit=10**9)
    short.data_received("grüß".encode()[:3])
    short.data_received("grüß".encode()[3:])
    assert short.text() == "grüß"
