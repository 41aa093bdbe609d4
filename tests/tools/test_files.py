"""Read, LS, Write, Edit, MultiEdit and TodoWrite: what the model is told, and what becomes of files."""

from __future__ import annotations

import asyncio
import base64
import os
import stat
import sys

import pytest

from kimi_cli.tools.definitions import DEFINITIONS, READ_ONLY
from kimi_cli.tools.place import Place
from kimi_cli.tools.reading import PDF_LIMIT, READ_LIMIT
from kimi_cli.tools.text import LINE_LIMIT
from tests.tools.conftest import make_tools

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.mark.parametrize(
    ("data", "given", "content"),
    [
        (b"one\ntwo\n\nfour\n", {}, "1\tone\n2\ttwo\n3\t\n4\tfour"),
        (b"one\r\ntwo", {}, "1\tone\n2\ttwo"),
        (b"one\ntwo\nthree\n", {"offset": 2, "limit": 1}, "2\ttwo"),
        (b"one\n", {"offset": 0, "limit": 0}, "1\tone"),
        (b"", {}, "<system-reminder>Warning: the file exists but the contents are empty.</system-reminder>"),
        (b"one\n", {"offset": 9}, "<system-reminder>Warning: the file is shorter than the provided offset (9)."),
        ("\ufeffgrüß".encode(), {}, "1\tgrüß"),
        ("grüß\nzwei".encode("utf-16"), {}, "1\tgrüß\n2\tzwei"),
        ("\ufeffgrüß".encode("utf-16-be"), {}, "1\tgrüß"),
        ("grüß".encode("latin-1"), {}, "1\tgrüß"),
        (b"x" * (LINE_LIMIT + 1), {}, f"1\t{'x' * LINE_LIMIT}... [line cut]"),
        (b"a\x85b\xe2\x80\xa8c".decode("latin-1").encode(), {}, "1\ta\x85bâ\x80¨c"),
    ],
)
async def test_read(world, data, given, content):
    """Lines have their numbers, whatever the encoding and the line ends."""
    (world.work / "f").write_bytes(data)
    found, is_error = await world.run("Read", file_path=str(world.work / "f"), **given)
    assert is_error is False
    assert found.startswith(content)


async def test_read_what_is_no_text(world):
    """A picture is shown, a PDF is passed on, anything else that is no text is named."""
    (world.work / "p.png").write_bytes(PNG)
    (world.work / "b.dat").write_bytes(b"a\0b")
    content, _ = await world.run("Read", file_path="p.png")
    data = base64.b64encode(PNG).decode()
    assert content == [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}]
    (world.work / "d.pdf").write_bytes(b"%PDF-1.7\n\xe2\xe3")
    content, _ = await world.run("Read", file_path="d.pdf")
    assert (content[0]["type"], content[0]["title"]) == ("document", "d.pdf")
    assert base64.b64decode(content[0]["source"]["data"]) == b"%PDF-1.7\n\xe2\xe3"
    for name, head in (("large.pdf", b"%PDF-1.7"), ("large.png", PNG)):
        (world.work / name).write_bytes(head + b"\0" * (PDF_LIMIT + 1))
        assert (await world.run("Read", file_path=name))[0].startswith("The file is larger than")
    assert await world.run("Read", file_path="b.dat") == (
        "This tool cannot read binary files. The file appears to be a binary .dat file.",
        True,
    )
    content, is_error = await world.run("Read", file_path="nope")
    assert (content, is_error) == (
        f"File does not exist. Note: your current working directory is {world.work.resolve()}.",
        True,
    )
    assert (await world.run("Read", file_path="."))[1] is True


async def test_read_in_parts(world):
    """A file that is too large is read in parts, and each part says where the next begins."""
    line = "y" * 99
    (world.work / "f").write_text(f"{line}\n" * 10_000)
    content, is_error = await world.run("Read", file_path="f", limit=9_999)
    assert is_error is False
    assert READ_LIMIT * 0.9 < len(content) < READ_LIMIT * 1.1
    following = int(content.rpartition("offset ")[2].rstrip("]"))
    content, _ = await world.run("Read", file_path="f", offset=following, limit=1)
    assert content == f"{following}\t{line}"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is closed to root")
async def test_permissions(world):
    """What may not be read or written is said to be so."""
    (world.work / "f").write_text("x")
    (world.work / "f").chmod(0o000)
    for tool, given in (("Read", {}), ("Write", {"content": "y"})):
        content, is_error = await world.run(tool, file_path="f", **given)
        assert is_error
        assert "Permission denied" in content


async def test_ls(world):
    """A tree, sorted, without what is hidden or ignored, and without what a link leads to."""
    for name in ("b.txt", "a/c.py", ".git/config", "skip/x", "a/__pycache__/y"):
        (world.work / name).parent.mkdir(parents=True, exist_ok=True)
        (world.work / name).touch()
    assert await world.run("LS", path=".", ignore=["sk*"]) == (
        f"- {world.work.resolve()}/\n  - b.txt\n  - a/\n    - c.py",
        False,
    )
    assert (await world.run("LS", path="b.txt"))[1] is True
    assert (await world.run("LS", path="nope"))[1] is True


async def test_write_and_edit(world):
    """New directories are made; a file keeps its permissions, line ends and encoding."""
    content, _ = await world.run("Write", file_path="n/x.sh", content="a\nb\n")
    assert content == f"File created successfully at: {world.work.resolve() / 'n/x.sh'}"
    path = world.work / "n" / "x.sh"
    path.chmod(0o755)
    path.write_bytes("grüß\r\nb\r\n".encode("latin-1"))
    content, is_error = await world.run("Edit", file_path=str(path), old_string="grüß\nb", new_string="ß\nc")
    assert (content, is_error) == (f"The file {path.resolve()} has been updated successfully.", False)
    assert path.read_bytes() == "ß\r\nc\r\n".encode("latin-1")
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o755
    content, is_error = await world.run("Edit", file_path=str(path), old_string="ß", new_string="€")
    assert is_error
    assert "latin-1" in content
    path.write_bytes(b"a\r\nb\nc\n")
    await world.run("Edit", file_path=str(path), old_string="b\n", new_string="B\n")
    assert path.read_bytes() == b"a\r\nB\nc\n"
    assert [found.name for found in path.parent.iterdir()] == ["x.sh"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"old_string": "zzz", "new_string": "x"}, "String to replace not found in file.\nString: zzz"),
        ({"old_string": "o", "new_string": "x"}, "Found 2 matches of the string to replace, but replace_all is false."),
        ({"old_string": "one", "new_string": "one"}, "No changes to make"),
        ({"old_string": "", "new_string": "x"}, "Cannot create new file - file already exists."),
        ({"old_string": 1, "new_string": None}, "must be texts"),
    ],
)
async def test_edits_that_cannot_be(world, given, said):
    """Each is refused with its reason, and the file stays as it was, also where others went before."""
    (world.work / "f").write_text("one two\n")
    content, is_error = await world.run("Edit", file_path="f", **given)
    assert is_error
    assert said in content
    good = {"old_string": "two", "new_string": "2 o"}
    assert (await world.run("MultiEdit", file_path="f", edits=[good, given]))[1] is True
    assert (world.work / "f").read_text() == "one two\n"


async def test_edits_at_once(world):
    """Edits of one file that are asked for at the same time all hold, in the order in which they were asked for."""
    (world.work / "f").write_text("".join(f"<{n}>\n" for n in range(20)))
    edits = [world.run("Edit", file_path="f", old_string=f"<{n}>", new_string=f"[{n}]") for n in range(20)]
    assert all(not is_error for _, is_error in await asyncio.gather(*edits))
    assert "<" not in (world.work / "f").read_text()


async def test_a_new_file_by_edit(world):
    """An edit of nothing makes a file, and replace_all replaces all."""
    await world.run("Edit", file_path="f", old_string="", new_string="a a")
    await world.run("Edit", file_path="f", old_string="a", new_string="b", replace_all=True)
    assert (world.work / "f").read_text() == "b b"


async def test_todos(world):
    """The list is the session's, and what is none is refused."""
    entry = {"content": "a", "status": "pending", "activeForm": "b"}
    content, is_error = await world.run("TodoWrite", todos=[entry, entry | {"status": "completed"}])
    assert is_error is False
    assert content.endswith("- [pending] a")
    assert [one.status for one in world.tools.todos.entries] == ["pending", "completed"]
    for wrong in (None, "x", [1], [{"content": ""}], [entry | {"status": "?"}], [entry] * 1_000):
        assert (await world.run("TodoWrite", todos=wrong))[1] is True
    assert len(world.tools.todos.entries) == 2


@pytest.mark.parametrize("tool", DEFINITIONS)
@pytest.mark.parametrize("value", [None, 1, -1.5, "", "x" * 200, "\ud800", [], [{}], {}, True, float("inf")])
async def test_no_input_breaks_a_tool(world, tool, value):
    """Whatever a model gives, what comes of it is a result."""
    if tool == "Bash" and isinstance(value, str):
        value = " "
    names = [*DEFINITIONS[tool]["input_schema"]["properties"], "unknown"]
    content, _ = await world.run(tool, **dict.fromkeys(names, value))
    assert isinstance(content, str)
    assert content


def test_levels(world):
    """What only reads is offered alone, or everything is."""
    reading = make_tools(Place(world.work), all_of_them=False)
    assert set(reading.names) == set(READ_ONLY)
    assert not reading.owns("Write")
    assert set(world.tools.names) | {"Bash"} == set(DEFINITIONS)
    assert [one["name"] for one in reading.definitions] == list(READ_ONLY)
