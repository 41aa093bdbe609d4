"""Every way out of the working directory that is known, tried and refused."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from kimi_cli.tools import keeper
from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.place import Place
from tests.tools.conftest import SECRET, make_tools

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links, devices and modes of POSIX")
pytestmark = POSIX

OUTWARD = {
    "parent": "../outside/secret.txt",
    "deep": "a/../../outside/secret.txt",
    "absolute": "{outside}/secret.txt",
    "sibling": "{work}-more/secret.txt",
    "link to a file": "file-link",
    "link to a directory": "dir-link/secret.txt",
    "link to a link": "link-link",
    "through a link inside": "in-link/../../outside/secret.txt",
    "environment": "/proc/self/environ",
    "root of a process": "/proc/self/root{outside}/secret.txt",
    "working directory of a process": "/proc/self/cwd/../outside/secret.txt",
    "descriptor": "/dev/fd/0",
    "device": "/dev/zero",
    "home": "~/.ssh/id_rsa",
    "home as a user": "~root/.bashrc",
    "nul": "a\0b",
    "surrogate": "\ud800",
    "long": "x" * 5_000,
    "nothing": "",
    "pipe": "fifo",
    "socket or device inside": "null",
    "hard link": "hard",
    "loop": "loop",
}
"""What each is called, and the name that is given for a file."""

STAYS_INSIDE = {"hard link", "home as a user"}
"""Where a name can be written to without harm: it becomes a file of its own."""


@pytest.fixture
def ways(world):
    """The working directory with all kinds of links out of it."""
    work, outside = world.work, world.outside
    (work / "a").mkdir()
    beside = Path(f"{work}-more")
    beside.mkdir()
    (beside / "secret.txt").write_text(SECRET)
    (work / "file-link").symlink_to(outside / "secret.txt")
    (work / "dir-link").symlink_to(outside)
    (work / "link-link").symlink_to("dir-link/secret.txt")
    (work / "in-link").symlink_to("a")
    (work / "null").symlink_to("/dev/null")
    (work / "loop").symlink_to("loop")
    os.link(outside / "secret.txt", work / "hard")
    os.mkfifo(work / "fifo")
    return world


@pytest.mark.parametrize("way", OUTWARD)
async def test_files_outside(ways, way):
    """No tool on files reads, lists, finds, writes or edits anything there, and none waits or breaks."""
    name = OUTWARD[way].format(work=ways.work, outside=ways.outside)
    before = {path: path.read_bytes() for path in ways.outside.rglob("*")}
    edit = {"old_string": "secret", "new_string": "x"}
    for tool, given in (("Read", {}), ("Edit", edit), ("MultiEdit", {"edits": [edit]})):
        content, is_error = await ways.run(tool, file_path=name, **given)
        assert is_error, (tool, content)
        assert SECRET not in content
    content, is_error = await ways.run("Write", file_path=name, content="mine")
    assert is_error or way in STAYS_INSIDE, content
    for tool, given in (("LS", {}), ("Glob", {"pattern": "*"})):
        content, _ = await ways.run(tool, path=name.removesuffix("/secret.txt") or "/", **given)
        assert "secret.txt" not in content.replace(name, "")
    assert {path: path.read_bytes() for path in ways.outside.rglob("*")} == before


async def test_grep_outside(ways):
    """Grep finds nothing behind a link, and says of no name outside whether it is there."""
    for program in (None, shutil.which("rg")):
        ways.tools = make_tools(Place(ways.work), environ={"PATH": str(Path(program).parent) if program else ""})
        for mode in ("files_with_matches", "content", "count"):
            content, _ = await ways.run("Grep", pattern="secret", output_mode=mode)
            assert SECRET not in content
            assert "hard" not in content
        for path in ("../outside", str(ways.outside), "dir-link", "/proc/self"):
            content, is_error = await ways.run("Grep", pattern="secret", path=path)
            assert is_error, content
            assert "outside of the working directory" in content
    content, is_error = await ways.run("Glob", pattern="../outside/*")
    assert is_error
    content, is_error = await ways.run("Glob", pattern=f"{ways.outside}/*")
    assert is_error


class Swapping(Place):
    """Exchanges a directory for a link in the moment between the look and the opening."""

    swap = None

    def resolve(self, text):
        path = super().resolve(text)
        if self.swap is not None:
            (self.root / "d").rename(self.root / "was")
            (self.root / "d").symlink_to(self.swap)
            self.swap = None
        return path


@pytest.mark.parametrize("action", ["read", "write", "walk", "make"])
def test_a_directory_that_becomes_a_link(world, action):
    """Whoever exchanges a directory for a link after the name was looked at, wins nothing."""
    (world.work / "d").mkdir()
    (world.work / "d" / "secret.txt").write_text("harmless")
    place = Swapping(world.work)
    place.swap = world.outside
    if action == "read":
        with pytest.raises(ToolError), place.reading("d/secret.txt"):
            pass
    elif action == "write":
        with pytest.raises(ToolError):
            place.write("d/secret.txt", b"mine")
    elif action == "make":
        with pytest.raises(ToolError):
            place.write("d/new/file.txt", b"mine")
    else:
        with pytest.raises(ToolError):
            list(place.walk("d"))
    assert (world.outside / "secret.txt").read_text() == f"{SECRET}\n"
    assert [path.name for path in world.outside.iterdir()] == ["secret.txt"]


def test_a_directory_below_that_becomes_a_link(world):
    """The same while a tree is walked: what has become a link is not entered."""
    (world.work / "d").mkdir()
    walk = Place(world.work).walk(".")
    assert next(walk)[1] == ["d"]
    (world.work / "d").rmdir()
    (world.work / "d").symlink_to(world.outside)
    assert list(walk) == []


async def test_links_that_stay_inside(world):
    """A link to something inside is as good as its name, and a file that is written over stays one file."""
    (world.work / "real.txt").write_text("one\n")
    (world.work / "link.txt").symlink_to("real.txt")
    assert await world.run("Read", file_path="link.txt") == ("1\tone", False)
    await world.run("Edit", file_path="link.txt", old_string="one", new_string="two")
    assert (world.work / "real.txt").read_text() == "two\n"
    assert (world.work / "link.txt").is_symlink()


async def test_a_hard_link_is_written_apart(world):
    """Writing to a name whose file has another one outside leaves that one as it was."""
    os.link(world.outside / "secret.txt", world.work / "hard")
    assert (await world.run("Write", file_path="hard", content="mine"))[1] is False
    assert (world.outside / "secret.txt").read_text() == f"{SECRET}\n"


async def test_directories_that_are_closed(world):
    """Where our own keys lie no tool on files goes, though it lies inside."""
    keys = world.work / ".config" / "kimi-cli"
    keys.mkdir(parents=True)
    (keys / "keys.json").write_text(SECRET)
    world.tools = make_tools(Place(world.work, closed=[keys]), environ={"PATH": ""})
    for tool, given in (
        ("Read", {"file_path": ".config/kimi-cli/keys.json"}),
        ("LS", {"path": ".config/kimi-cli"}),
        ("Grep", {"pattern": "secret"}),
        ("Glob", {"pattern": "**/*.json"}),
        ("Write", {"file_path": ".config/kimi-cli/keys.json", "content": ""}),
    ):
        content, _ = await world.run(tool, **given)
        assert SECRET not in content
        assert "keys.json" not in content or "outside" in content
    assert (keys / "keys.json").read_text() == SECRET


async def test_a_root_of_everything(world):
    """Even where the whole system is the working directory, /proc and its like are not."""
    world.tools = make_tools(Place(Path("/")), environ={"PATH": ""})
    for name in ("/proc/self/environ", "/proc/self/mem", "/sys/kernel/uevent_seqnum", "/dev/null", "dev/stdin"):
        content, is_error = await world.run("Read", file_path=name)
        assert is_error, content


async def test_secrets_of_the_environment(world):
    """A command gets no variable that is not on the list, under whatever name a key stands."""
    environ = dict(os.environ) | {"GROQ_API_KEY": SECRET, "INNOCENT": SECRET, "BASH_ENV": "/nowhere", "LC_ALL": "C"}
    world.tools = make_tools(Place(world.work), environ=environ)
    content, is_error = await world.run(
        "Bash", command="env; cat /proc/$PPID/environ /proc/self/environ | tr '\\0' '\\n'"
    )
    assert is_error is False
    assert SECRET not in content
    assert "BASH_ENV" not in content
    assert "LC_ALL=C" in content


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says at once how many processes there are")
async def test_fork_bombs(world, sandbox):
    """A command that starts too many processes is stopped, and nothing of it is left."""
    many = keeper.PROCESSES + 150
    content, is_error = await world.run("Bash", command=f"for i in $(seq {many}); do sleep 319 & done; wait")
    assert is_error
    assert f"more than {keeper.PROCESSES} processes" in content
    await world.run("Bash", command="f() { f | f & wait; }; f", timeout=5_000)
    assert sandbox.processes() == []


async def test_endless_output(world):
    """What a command says is held in a bounded room, with a note of what is missing."""
    content, is_error = await world.run("Bash", command="head -c 3000000 /dev/zero | tr '\\0' 'x'; echo end")
    assert is_error is False
    assert len(content) < 40_000
    assert "left out" in content
    assert content.endswith("end")
    content, is_error = await world.run("Bash", command="yes")
    assert is_error
    assert "wrote too much" in content[:100]


async def test_huge_files(world):
    """A file of one endless line, a huge one and a full directory are told of in bounded size."""
    with (world.work / "line").open("wb") as file:
        file.write(b"x" * 3_000_000)
    content, _ = await world.run("Read", file_path="line", limit=10)
    assert "[line cut]" in content
    assert len(content) < 3_000
    content, is_error = await world.run("Read", file_path="line")
    assert is_error
    assert "exceeds" in content
    for number in range(1_200):
        (world.work / f"f{number}").touch()
    content, _ = await world.run("LS", path=".")
    assert "more than 1,000" in content
    assert content.count("\n") < 1_010
