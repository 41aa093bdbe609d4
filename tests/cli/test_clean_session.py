"""`kimi clean-session`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from uuid import uuid4

import pytest

from kimi_cli.launcher.session_files import BACKUP
from tests.cli.run import kimi
from tests.launcher.records import lines, record, said, thought, user

FOREIGN = lines(user(1), record(2, thought()), record(3, said()))
CLEAN = lines(user(1), record(3, said(), parent=1))


@pytest.fixture
def claude() -> Path:
    """Claude Code's directory."""
    path = Path.home() / ".claude"
    (path / "sessions").mkdir(parents=True)
    return path


def add(claude: Path, directory: Path, data: bytes = FOREIGN, *, used_at: float = 1000.0) -> Path:
    """A session that was started in a directory, whose name has nothing but letters, digits and slashes."""
    name = "".join(char if char.isalnum() else "-" for char in str(directory))
    file = claude / "projects" / name / f"{uuid4()}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    os.utime(file, (used_at, used_at))
    return file


def test_the_latest_of_this_directory(claude, tmp_path, monkeypatch):
    """Without a word it is the one that `claude --continue` would take; what was there is said, and kept."""
    monkeypatch.chdir(tmp_path)
    older, latest = add(claude, Path.cwd()), add(claude, Path.cwd(), used_at=2000.0)
    elsewhere = add(claude, Path("/elsewhere"), used_at=3000.0)
    ran = kimi("clean-session", "--dry-run")
    assert (ran.status, ran.out) == (0, f"{latest.stem}  1 piece of reasoning would go\n")
    assert latest.read_bytes() == FOREIGN
    ran = kimi("clean-session")
    assert (ran.status, ran.out) == (0, f"{latest.stem}  1 piece of reasoning removed\n")
    assert ran.err == f"As it was: {latest}{BACKUP}\n"
    assert [file.read_bytes() for file in (older, latest, elsewhere)] == [FOREIGN, CLEAN, FOREIGN]
    assert kimi("clean-session").out == f"{latest.stem}  nothing to remove\n"


def test_every_session(claude):
    """With --all those of every directory; one that runs is left, told, and a status of its own."""
    first, second = add(claude, Path("/one")), add(claude, Path("/two"), FOREIGN + b"\n")
    clean, busy = add(claude, Path("/two"), CLEAN), add(claude, Path("/three"))
    entry = claude / "sessions" / "1.json"
    entry.write_text(json.dumps({"pid": os.getpid(), "sessionId": busy.stem}))
    ran = kimi("clean-session", "--all")
    assert ran.status == 1
    assert {line.split()[0] for line in ran.out.splitlines()} == {first.stem, second.stem}
    assert f"Session {busy.stem} is open in Claude Code (process {os.getpid()})" in ran.err
    assert f"Try: kimi clean-session {busy.stem}" in ran.err
    assert [file.read_bytes() for file in (first, clean, busy)] == [CLEAN, CLEAN, FOREIGN]
    entry.unlink()
    ran = kimi("clean-session", "--all", "--json")
    found = json.loads(ran.out)
    assert (found["schema"], found["dry_run"], found["failures"]) == (1, False, [])
    by_id = {session["id"]: session for session in found["sessions"]}
    assert by_id[busy.stem] == {
        "id": busy.stem,
        "path": str(busy),
        "blocks": 1,
        "records": 1,
        "backups": [f"{busy}{BACKUP}"],
    }
    assert by_id[clean.stem]["backups"] == []
    assert "nothing to remove from 4 sessions" in kimi("clean-session", "--all").err


def test_what_there_is_not(claude, tmp_path, monkeypatch):
    """No session here, none of that id, or one word too many: a mistake, and what would help."""
    monkeypatch.chdir(tmp_path)
    for arguments, sentence in (
        ((), "has no session of this directory"),
        (("nonsense",), "has no session 'nonsense'"),
        (("some", "--all"), "--all is about every session"),
    ):
        ran = kimi("clean-session", *arguments)
        assert (ran.status, ran.out) == (2, "")
        assert sentence in ran.err
        assert "Try: kimi clean-session" in ran.err
    assert kimi("clean-session", "--all").status == 0
