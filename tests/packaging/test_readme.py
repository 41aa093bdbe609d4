"""The README's table of commands, which is generated."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kimi_cli.cli.entry import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "readme_commands.py"
README = ROOT / "README.md"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)


@pytest.fixture
def copy(tmp_path) -> Path:
    """A README of the test's own."""
    file = tmp_path / "README.md"
    file.write_text(README.read_text(encoding="utf-8"), encoding="utf-8", newline="\n")
    return file


def test_the_table_is_what_the_commands_say():
    """Every command is in the README, with the first sentence of its own help."""
    done = run("--check")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    text = README.read_text(encoding="utf-8")
    for command in {*COMMANDS} - {"help"}:
        assert f"| `kimi {command}` | " in text


def test_a_table_that_is_not_is_shown(copy):
    """A difference is status 1, with the lines that differ; the file stays as it is."""
    before = copy.read_text(encoding="utf-8").replace("| `kimi demo` |", "| `kimi dome` |")
    copy.write_text(before, encoding="utf-8")
    done = run("--check", "--readme", str(copy))
    assert done.returncode == 1
    assert "-| `kimi dome` |" in done.stdout
    assert "+| `kimi demo` |" in done.stdout
    assert "python scripts/readme_commands.py" in done.stderr
    assert copy.read_text(encoding="utf-8") == before


def test_writing_touches_nothing_else(copy):
    """What stands around the table is not changed, and writing twice changes nothing more."""
    good = copy.read_text(encoding="utf-8")
    start, end = good.index("<!-- commands -->"), good.index("<!-- /commands -->")
    copy.write_text(f"{good[:start]}<!-- commands -->\nnothing\n{good[end:]}\nmine\n", encoding="utf-8")
    for _ in range(2):
        assert run("--readme", str(copy)).returncode == 0
        assert copy.read_text(encoding="utf-8") == f"{good}\nmine\n"


@pytest.mark.parametrize("text", ["", "<!-- commands -->\n", "<!-- /commands -->\n<!-- commands -->\n"])
def test_a_file_without_the_marks(copy, text):
    """Where there is no place for the table nothing is written."""
    copy.write_text(text, encoding="utf-8", newline="\n")
    done = run("--readme", str(copy))
    assert done.returncode == 2
    assert "has no lines <!-- commands -->" in done.stderr
    assert copy.read_text(encoding="utf-8") == text
