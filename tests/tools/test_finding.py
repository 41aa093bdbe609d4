"""Glob and Grep, with rg and without it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from kimi_cli.setup.tested import NEWEST
from kimi_cli.tools import grep as module
from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.grep import grep
from kimi_cli.tools.pattern import Pattern
from kimi_cli.tools.place import Place
from tests.tools.conftest import SECRET

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="paths and links of POSIX")
CLAUDE = Path(__file__).resolve().parents[2] / ".cache" / "claude-code" / NEWEST / "claude"


@pytest.fixture(params=["rg", "own"])
def program(request, tmp_path):
    """The rg of this machine, or the one that Claude Code carries; or None for our own search."""
    if request.param == "own":
        return None
    found = shutil.which("rg")
    if found is None and os.access(CLAUDE, os.X_OK):
        found = str(tmp_path / "rg")
        Path(found).symlink_to(CLAUDE)
    return found or pytest.skip("there is no rg")


@pytest.fixture
def work(world):
    """Some files, each older than the one before."""
    files = {
        "src/a.py": "import os\nfoo = 1\n\nbar = foo\n",
        "src/deep/b.py": "Foo\n",
        "c.txt": "no\nfoo -x\n",
        ".hidden": "foo\n",
        ".git/config": "foo\n",
        "bin.dat": "foo\0\n",
    }
    for age, (name, text) in enumerate(files.items()):
        path = world.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return world


CASES = [
    ({"pattern": "foo"}, "Found 3 files\nsrc/a.py\nc.txt\n.hidden"),
    ({"pattern": "foo", "type": "py"}, "Found 1 file\nsrc/a.py"),
    ({"pattern": "foo", "-i": True, "glob": "*.{py,txt}"}, "Found 3 files\nsrc/a.py\nsrc/deep/b.py\nc.txt"),
    ({"pattern": "foo", "glob": "src/**/*.py"}, "Found 1 file\nsrc/a.py"),
    ({"pattern": "foo", "head_limit": 1}, "Found 3 files\nsrc/a.py\n[2 more; read on with offset 1]"),
    ({"pattern": "nothing"}, "No files found"),
    ({"pattern": "foo", "path": "src", "output_mode": "content"}, "src/a.py:2:foo = 1\nsrc/a.py:4:bar = foo"),
    (
        {"pattern": "foo", "path": "src/a.py", "output_mode": "content", "-n": False},
        "src/a.py:foo = 1\nsrc/a.py:bar = foo",
    ),
    (
        {"pattern": "bar", "path": "src/a.py", "output_mode": "content", "-B": 1, "-A": 1},
        "src/a.py-3-\nsrc/a.py:4:bar = foo",
    ),
    ({"pattern": "-x", "path": "c.txt", "output_mode": "content"}, "c.txt:2:foo -x"),
    ({"pattern": "os.foo", "multiline": True, "output_mode": "count", "path": "src/a.py"}, None),
    ({"pattern": "nothing", "output_mode": "content"}, "No matches found"),
    (
        {"pattern": "foo", "path": "src/a.py", "output_mode": "count"},
        "src/a.py:2\n\nFound 2 total occurrences across 1 files.",
    ),
]


@pytest.mark.parametrize(("given", "content"), CASES)
async def test_grep(work, program, given, content):
    """Both ways of searching tell the same."""
    found = await grep(given, Place(work.work), environ={"PATH": ""}, program=program)
    if content is None:
        assert found.startswith("src/a.py:")
    else:
        assert found == content


@pytest.mark.parametrize(
    "given",
    [{}, {"pattern": ""}, {"pattern": "("}, {"pattern": "x", "output_mode": "y"}, {"pattern": "x", "path": "no"}],
)
async def test_a_search_that_cannot_be(work, program, given):
    """What is wrong is said."""
    with pytest.raises(ToolError):
        await grep(given, Place(work.work), environ={"PATH": ""}, program=program)


async def test_an_option_is_no_pattern(work, program):
    """No value can be taken for an option of rg's."""
    for given in ({"pattern": "--pre=touch x"}, {"pattern": "x", "glob": "--pre=touch"}, {"pattern": "-f/etc/passwd"}):
        assert await grep(given, Place(work.work), environ={"PATH": ""}, program=program) == "No files found"


async def test_what_no_tool_may_see(work, program):
    """Neither way of searching tells of files outside, whether by a link or by another name of theirs."""
    os.link(work.outside / "secret.txt", work.work / "hard")
    (work.work / "link").symlink_to(work.outside / "secret.txt")
    (work.work / "directory").symlink_to(work.outside)
    keys = work.work / "keys"
    keys.mkdir()
    (keys / "keys.json").write_text(SECRET)
    place = Place(work.work, closed=[keys])
    for mode in ("files_with_matches", "content", "count"):
        found = await grep({"pattern": "secret", "output_mode": mode}, place, environ={"PATH": ""}, program=program)
        assert found.startswith("No ")


async def test_a_search_without_end(work, monkeypatch):
    """An expression that takes for ever ends with its time, and nobody else has to wait for it."""
    (work.work / "long").write_text("a" * 40)
    monkeypatch.setattr(module, "SECONDS", 1.5)
    with pytest.raises(ToolError, match=r"more than 1\.5 seconds"):
        await grep({"pattern": "(a+)+b$", "path": "long"}, Place(work.work), environ={"PATH": ""})


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("**/*.py", ["src/a.py", "src/deep/b.py"]),
        ("*.py", []),
        ("src/*.py", ["src/a.py"]),
        ("src/**", ["src/a.py", "src/deep/b.py"]),
        ("**/{a,c}.*", ["src/a.py", "c.txt"]),
        ("**/config", []),
        ("**/[ab].p?", ["src/a.py", "src/deep/b.py"]),
    ],
)
async def test_glob(work, pattern, names):
    """Files that a pattern means, newest first, without what version control keeps."""
    content, _ = await work.run("Glob", pattern=pattern)
    root = work.work.resolve()
    assert content == ("\n".join(str(root / name) for name in names) or "No files found")
    absolute, _ = await work.run("Glob", pattern=f"{root}/{pattern}")
    assert absolute == content


async def test_glob_of_many(work):
    """No more than a hundred are shown, and it is said that there are more."""
    for number in range(101):
        (work.work / f"{number}.log").touch()
    content, _ = await work.run("Glob", pattern="*.log")
    assert content.count(".log") == 100
    assert "truncated" in content


def test_patterns_without_end():
    """No pattern takes longer than its length times the path's."""
    parts = ("a",) * 300
    assert not Pattern("**/" * 300 + "b").matches(parts)
    assert not Pattern("*a" * 300 + "b").matches(("a" * 300,))
    assert Pattern("{a,b}" * 40).matches(("a" * 40,)) in {True, False}
