"""Claude Code's sessions: found by directory, id and path; cleaned where nobody uses them; kept as they were beside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from kimi_cli.errors import KimiError, UsageError
from kimi_cli.launcher.session_files import (
    BACKUP,
    SessionBusyError,
    all_sessions,
    clean_session,
    session_named,
    sessions_of,
)
from tests.launcher.records import lines, record, said, thought, user
from tests.store.conftest import full_disk

__all__ = ["full_disk"]

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no permission bits")

CLEAN = lines(user(1), record(3, said(), parent=1))
FOREIGN = lines(user(1), record(2, thought()), record(3, said()))
LONG_AGO = 1_700_000_000


class Home:
    """Claude Code's directory, with sessions of the test's own."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        self.path = Path(environ["HOME"]) / ".claude"
        (self.path / "sessions").mkdir(parents=True)

    def add(self, directory: str = "-work", data: bytes = FOREIGN, *, used_at: float = LONG_AGO, agents=()):
        """A session's file."""
        file = self.path / "projects" / directory / f"{uuid4()}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        for name in agents:
            agent = file.with_suffix("") / "subagents" / name
            agent.parent.mkdir(parents=True, exist_ok=True)
            agent.write_bytes(data)
        file.write_bytes(data)
        os.utime(file, (used_at, used_at))
        return file

    def says(self, pid: int, session: str, **more: object) -> None:
        """A process that says which session it runs."""
        entry = {"pid": pid, "sessionId": session, **more}
        (self.path / "sessions" / f"{pid}.json").write_text(json.dumps(entry))


@pytest.fixture
def home(sandbox):
    """Claude Code's directory in the sandbox."""
    return Home(sandbox.environ())


def test_cleaning(home):
    """The file is replaced, keeps its time, and is kept as it was, for its owner alone; then there is nothing to do."""
    file = home.add()
    (session,) = all_sessions(home.environ)
    done = clean_session(session)
    assert (done.blocks, done.records, file.read_bytes()) == (1, 1, CLEAN)
    assert file.stat().st_mtime == LONG_AGO
    (backup,) = done.backups
    assert backup == file.with_name(f"{file.name}{BACKUP}")
    assert backup.read_bytes() == FOREIGN
    if sys.platform != "win32":
        assert {path.stat().st_mode & 0o777 for path in (file, backup)} == {0o600}
    again = clean_session(session)
    assert (again.blocks, again.backups) == (0, ())
    assert sorted(file.parent.iterdir()) == [file, backup]


def test_a_session_that_went_on_is_cleaned_again(home):
    """Every file that is replaced is kept, and none of those takes another's place."""
    file = home.add()
    (session,) = all_sessions(home.environ)
    first = clean_session(session).backups
    file.write_bytes(CLEAN + lines(record(4, thought(), parent=3)))
    second = clean_session(session).backups
    assert [path.name.removeprefix(file.name) for path in (*first, *second)] == [BACKUP, f"{BACKUP}-2"]
    assert file.read_bytes() == CLEAN
    assert first[0].read_bytes() == FOREIGN
    assert [session.path for session in all_sessions(home.environ)] == [file]


def test_what_belongs_to_a_session(home):
    """Its subagents are cleaned with it, wherever they lie, and the file of places in it goes."""
    file = home.add(agents=["agent-a1.jsonl", "workflows/w/agent-a2.jsonl", "other.jsonl"])
    places = file.with_suffix("") / "resume-head.jsonl"
    places.write_text("{}")
    done = clean_session(session_named(file.stem, home.environ))
    assert (done.blocks, len(done.backups)) == (3, 3)
    folder = file.with_suffix("") / "subagents"
    assert (folder / "workflows" / "w" / "agent-a2.jsonl").read_bytes() == CLEAN
    assert (folder / "other.jsonl").read_bytes() == FOREIGN
    assert not places.exists()


def test_a_dry_run(home):
    """It tells what would go, of one that runs as well, and changes nothing."""
    file = home.add()
    home.says(os.getpid(), file.stem)
    done = clean_session(session_named(file.stem, home.environ), dry_run=True)
    assert (done.blocks, done.backups, file.read_bytes()) == (1, (), FOREIGN)
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("started", [None, "now", "before"])
def test_a_session_that_runs(home, started):
    """It is left alone as long as the process is there that has said so; nothing is written, not even a copy."""
    file = home.add()
    created = psutil.Process().create_time()
    more = {None: {}, "now": {"startedAt": time.time() * 1000}, "before": {"startedAt": (created + 1) * 1000}}[started]
    home.says(os.getpid(), file.stem, **more)
    with pytest.raises(SessionBusyError, match=rf"is open in Claude Code \(process {os.getpid()}\)") as caught:
        clean_session(session_named(file.stem, home.environ))
    assert caught.value.fix == f"kimi clean-session {file.stem}"
    assert (file.read_bytes(), list(file.parent.iterdir())) == (FOREIGN, [file])


def test_processes_that_run_it_no_more(home):
    """A process that is gone, another that has its number now, another session, and broken entries keep nobody."""
    file = home.add()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    home.says(gone.pid, file.stem, startedAt=time.time() * 1000)
    home.says(os.getpid(), file.stem, startedAt=(psutil.Process().create_time() - 3600) * 1000)
    home.says(os.getppid(), str(uuid4()))
    registry = home.path / "sessions"
    for name, text in {"1": "", "2": "[]", "3": '{"sessionId": 1}', "4": "[" * 100_000, "5": "\udcff"}.items():
        (registry / f"{name}.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    (registry / "6.json").write_text(json.dumps({"pid": "x", "sessionId": file.stem}))
    (registry / "7.json").write_text(json.dumps({"pid": -4, "sessionId": file.stem}))
    assert clean_session(session_named(file.stem, home.environ)).blocks == 1


def test_clients_that_do_not_say_what_they_run(home):
    """Where no process ever says so, a session that was written to within the last minute counts as used."""
    (home.path / "sessions").rmdir()
    fresh, old = home.add(used_at=time.time() - 5), home.add(used_at=time.time() - 120)
    with pytest.raises(SessionBusyError, match=r"was written to \d s ago"):
        clean_session(session_named(fresh.stem, home.environ))
    assert clean_session(session_named(old.stem, home.environ)).blocks == 1


def test_a_session_that_is_written_to_meanwhile(home, monkeypatch):
    """What comes between reading and replacing is not lost: nothing is replaced, and no copy stays."""
    file = home.add()
    session = session_named(file.stem, home.environ)
    opened = type(file).read_bytes

    def reading(path):
        data = opened(path)
        if path == file:
            with file.open("ab") as late:
                late.write(b"{}\n")
        return data

    monkeypatch.setattr(type(file), "read_bytes", reading)
    with pytest.raises(SessionBusyError, match="was written to just now"):
        clean_session(session)
    monkeypatch.undo()
    assert file.read_bytes() == FOREIGN + b"{}\n"
    assert list(file.parent.iterdir()) == [file]


def test_a_directorys_sessions(home):
    """Directories have names without anything but letters and digits; the latest session comes first."""
    first, second = home.add("-srv-my-app--e-", used_at=1000.0), home.add("-srv-my-app--e-", used_at=2000.0)
    home.add("-srv-my-app")
    found = sessions_of(Path("/srv/my.app/_eé"), home.environ)
    assert [session.path for session in found] == [second, first]
    emoji = home.add("-srv---")
    assert [session.path for session in sessions_of(Path("/srv/😀"), home.environ)] == [emoji]


def test_a_directory_with_a_long_name(home):
    """Of a name that is too long the beginning stands, with a number in place of the rest."""
    file = home.add("-" + "a" * 199 + "-1x2y3z")
    home.add("-" + "a" * 190)
    assert [session.path for session in sessions_of(Path("/" + "a" * 300), home.environ)] == [file]


def test_by_id_and_by_path(home, tmp_path):
    """A whole id, the beginning of one and the path of a file name a session; other words name none."""
    file, other = home.add(), home.add()
    elsewhere = tmp_path / file.name
    elsewhere.write_bytes(FOREIGN)
    assert session_named(file.stem, home.environ).path == file
    assert session_named(file.stem[:13].upper(), home.environ).path == file
    assert session_named(str(elsewhere), home.environ).path == elsewhere.resolve()
    for name in ("", "nonsense", str(tmp_path), str(tmp_path / "notes.jsonl"), f"{uuid4()}"):
        with pytest.raises(UsageError, match="has no session"):
            session_named(name, home.environ)
    shared = other.with_name(f"{file.stem[:-1]}{'0' if file.stem[-1] != '0' else '1'}.jsonl")
    other.rename(shared)
    with pytest.raises(UsageError, match="Several sessions begin with"):
        session_named(file.stem[:8], home.environ)


def test_elsewhere_than_at_home(home, tmp_path):
    """CLAUDE_CONFIG_DIR is where Claude Code keeps its sessions then; without any directory there are none."""
    home.add()
    environ = {**home.environ, "CLAUDE_CONFIG_DIR": str(tmp_path)}
    assert all_sessions(environ) == ()
    assert all_sessions({}) == ()
    assert len(all_sessions(home.environ)) == 1


@posix
def test_a_session_that_is_a_link(home, tmp_path):
    """What a link leads to is replaced, and the link stays."""
    file = home.add()
    target = tmp_path / "elsewhere"
    file.rename(target)
    file.symlink_to(target)
    assert clean_session(session_named(file.stem, home.environ)).blocks == 1
    assert file.is_symlink()
    assert target.read_bytes() == CLEAN


def test_a_disk_that_is_full(home, full_disk):
    """The file stays, the sentence says why, and nothing half is left of a copy."""
    file = home.add()
    with full_disk(), pytest.raises(KimiError, match="cannot be cleaned") as caught:
        clean_session(session_named(file.stem, home.environ))
    assert "df -h" in caught.value.fix
    assert (file.read_bytes(), list(file.parent.iterdir())) == (FOREIGN, [file])
