"""Claude Code's sessions on disk: where they are, which of them runs, and one of them cleaned.

A session is `projects/DIRECTORY/ID.jsonl` in Claude Code's own directory, with its subagents in `ID/subagents/`. The
directory's name is made from the one that the session was started in. Every process that runs one says so in
`sessions/PID.json`, which it removes at its end.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import KimiError, UsageError
from kimi_cli.launcher.cleaning import clean
from kimi_cli.launcher.client_settings import user_settings_file
from kimi_cli.store.files import PRIVATE_FILE, write_private
from kimi_cli.store.remedy import write_remedy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BACKUP: Final = ".before-cleaning"
"""What is put behind the name of a file as it was; no client takes that for a session."""
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OFFSETS: Final = "resume-head.jsonl"
"""A file beside a session's subagents that says where in the session some records begin. It can be made again."""
_LONGEST_NAME: Final = 200
"""Characters of a directory's name; behind a longer one a number stands in place of the rest."""
_QUIET_SECONDS: Final = 60.0
"""How long a session must not have been written to, where no process says which one it runs."""
_CLOCK_SECONDS: Final = 60.0
"""By how much the clock may have been corrected since a process has said when it started."""


class SessionBusyError(KimiError):
    """The session is being used, and must not be changed under its user's hands."""

    def __init__(self, session: Session, *, reason: str) -> None:
        super().__init__(
            f"Session {session.id} {reason}. Leave it first, with /exit.", fix=f"kimi clean-session {session.id}"
        )


@dataclass(frozen=True, slots=True)
class Session:
    """One session of Claude Code; `home` is Claude Code's directory. `used_at` is in seconds since the epoch."""

    path: Path
    home: Path
    used_at: float

    @property
    def id(self) -> str:
        """Its id, as `claude --resume` takes it."""
        return self.path.stem

    @property
    def files(self) -> tuple[Path, ...]:
        """Its files: those of its subagents, and its own."""
        return (*sorted(self.path.with_suffix("").glob("subagents/**/agent-*.jsonl")), self.path)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was removed from a session; nothing where it was clean already. `backups` are its files as they were."""

    session: Session
    blocks: int
    records: int
    backups: tuple[Path, ...] = ()


def all_sessions(environ: Mapping[str, str]) -> tuple[Session, ...]:
    """Every session of this user, the latest first."""
    settings = user_settings_file(environ)
    if settings is None:
        return ()
    found = (_session(path, settings.parent) for path in (settings.parent / "projects").glob("*/*.jsonl"))
    return tuple(sorted(filter(None, found), key=lambda session: session.used_at, reverse=True))


def sessions_of(directory: Path, environ: Mapping[str, str]) -> tuple[Session, ...]:
    """The sessions that were started in a directory, the latest first: that is the one `claude --continue` takes."""
    name = "".join(char if char.isascii() and char.isalnum() else _dashes(char) for char in str(directory))
    short = f"{name[:_LONGEST_NAME]}-"
    return tuple(
        session
        for session in all_sessions(environ)
        if (place := session.path.parent.name) == name or (len(name) > _LONGEST_NAME and place.startswith(short))
    )


def session_named(name: str, environ: Mapping[str, str]) -> Session:
    """The session of that id, of which a beginning will do, or in that file.

    Raises:
        UsageError: there is none, or more than one.
    """
    settings = user_settings_file(environ)
    path = Path(name).expanduser()
    if settings is not None and path.suffix == ".jsonl" and (found := _session(path.resolve(), settings.parent)):
        return found
    matching = [session for session in all_sessions(environ) if session.id.startswith(name.lower())]
    if not matching or not name:
        raise UsageError(f"Claude Code has no session {name!r}.", fix="kimi clean-session --all --dry-run")
    if len({session.id for session in matching}) > 1:
        ids = ", ".join(session.id for session in matching)
        raise UsageError(f"Several sessions begin with {name!r}: {ids}.", fix=f"kimi clean-session {matching[0].id}")
    return matching[0]


def clean_session(session: Session, *, dry_run: bool = False) -> Outcome:
    """Removes foreign reasoning from a session's files, and keeps each file that changes beside the new one.

    Raises:
        SessionBusyError: it runs; nothing is changed.
        KimiError: it cannot be read or written. A file is as it was, or as it is to be.
    """
    blocks = records = 0
    backups: list[Path] = []
    if not dry_run:
        _check_idle(session)
    for path in session.files:
        try:
            before = path.stat()
            data = path.read_bytes()
            cleaned = clean(data)
            blocks, records = blocks + cleaned.blocks, records + cleaned.records
            if cleaned.blocks and not dry_run:
                backups.append(_replace(path, before, data, cleaned.data, session=session))
        except OSError as error:
            reason = error.strerror or str(error)
            fix = write_remedy(path, error, variable="CLAUDE_CONFIG_DIR")
            raise KimiError(f"{path} cannot be cleaned ({reason}).", fix=fix) from error
    if backups:
        with suppress(OSError):
            (session.path.with_suffix("") / _OFFSETS).unlink()
    return Outcome(session, blocks, records, tuple(backups))


def _replace(path: Path, before: os.stat_result, old: bytes, new: bytes, *, session: Session) -> Path:
    """Puts a file in the place of one that nobody has changed since, with its time, by which sessions are sorted."""
    times = before.st_atime_ns, before.st_mtime_ns
    backup = _backup(path, old)
    try:
        os.utime(backup, ns=times)
        _check_idle(session)
        _check_unchanged(session, path, before, size=len(old))
        write_private(path.resolve(), new)
    except BaseException:
        backup.unlink()
        raise
    os.utime(path, ns=times)
    return backup


def _backup(path: Path, data: bytes) -> Path:
    """A copy beside a file, for this user alone; an earlier one stays."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    number = 1
    while True:
        backup = path.with_name(f"{path.name}{BACKUP}{f'-{number}' if number > 1 else ''}")
        try:
            descriptor = os.open(backup, flags, PRIVATE_FILE)
        except FileExistsError:
            number += 1
            continue
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - it is a descriptor
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            backup.unlink()
            raise
        return backup


def _check_idle(session: Session) -> None:
    registry = session.home / "sessions"
    for pid in _running(registry, session.id):
        raise SessionBusyError(session, reason=f"is open in Claude Code (process {pid})")
    age = time.time() - session.used_at
    if not registry.is_dir() and 0 <= age < _QUIET_SECONDS:
        raise SessionBusyError(session, reason=f"was written to {age:.0f} s ago")


def _check_unchanged(session: Session, path: Path, before: os.stat_result, *, size: int) -> None:
    now = path.stat()
    if (now.st_size, now.st_mtime_ns, now.st_ino) != (size, before.st_mtime_ns, before.st_ino):
        raise SessionBusyError(session, reason="was written to just now")


def _running(registry: Path, session_id: str) -> Iterator[int]:
    """The processes that have said they run a session, as far as they still do."""
    for file in registry.glob("*.json"):
        try:
            entry = json.loads(file.read_bytes())
            if entry["sessionId"] == session_id and _is_alive(int(entry["pid"]), since=entry.get("startedAt")):
                yield int(entry["pid"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue


def _is_alive(pid: int, *, since: object) -> bool:
    """Whether a process runs that was there at a moment, in milliseconds since the epoch: a later one is another."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return not isinstance(since, int | float) or process.create_time() <= since / 1000 + _CLOCK_SECONDS
    except (psutil.NoSuchProcess, ValueError):
        return False
    except psutil.Error:  # it is there, and not ours to look at
        return True


def _session(path: Path, home: Path) -> Session | None:
    if _ID.fullmatch(path.stem) is None:
        return None
    try:
        return Session(path, home, path.stat().st_mtime) if path.is_file() else None
    except OSError:
        return None


def _dashes(char: str) -> str:
    """What stands for another character in a directory's name: JavaScript counts some as two."""
    return "--" if ord(char) > 0xFFFF else "-"
