"""Recorded bodies: the names of their files, and which there are."""

from __future__ import annotations

import os
import re
import stat
import sys

import pytest

from kimi_cli.errors import KimiError
from kimi_cli.proxy.refusal import new_request_id
from kimi_cli.store.bodies import BODY_NAME, Part, ensure_bodies_dir, recorded_bodies

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links are POSIX's")

FIRST, SECOND = f"req_{'a' * 24}", f"req_{'b' * 24}"


def put(directory, request_id, part, *, size, time):
    """One file as the proxy leaves it."""
    path = directory / f"{request_id}.{part}"
    path.write_bytes(b"x" * size)
    os.utime(path, (time, time))
    return path


def test_the_names_are_those_of_requests():
    """Every part of a request with an id of ours has the form by which it is found again."""
    for part in Part:
        assert re.fullmatch(BODY_NAME, f"{new_request_id()}.{part}")


def test_requests_come_oldest_first(tmp_path):
    """A request is as old as the first of its files, and as large as all of them."""
    late = put(tmp_path, FIRST, Part.CLIENT_REQUEST, size=5, time=200)
    early = [
        put(tmp_path, SECOND, Part.HOST_ANSWER, size=20, time=300),
        put(tmp_path, SECOND, Part.CLIENT_REQUEST, size=1, time=100),
    ]
    second, first = recorded_bodies(tmp_path)
    assert (second.request_id, second.size, second.time, set(second.files)) == (SECOND, 21, 100, set(early))
    assert (first.request_id, first.size, first.time, first.files) == (FIRST, 5, 200, (late,))


@posix
def test_what_is_no_body_is_passed_over(tmp_path):
    """Other names, directories and links are not ours to count or to remove."""
    for name in ("notes.txt", f"{FIRST}.txt", f"x{FIRST}.{Part.HOST_ANSWER}", f"{FIRST}.{Part.HOST_ANSWER}~"):
        (tmp_path / name).touch()
    (tmp_path / f"{FIRST}.{Part.HOST_ANSWER}").mkdir()
    (tmp_path / f"{SECOND}.{Part.HOST_ANSWER}").symlink_to(tmp_path / "notes.txt")
    assert recorded_bodies(tmp_path) == ()


def test_there_is_none(tmp_path):
    """Where nothing was recorded there is nothing, and looking makes nothing."""
    assert recorded_bodies(tmp_path / "bodies") == ()
    assert not (tmp_path / "bodies").exists()


@posix
def test_the_directory_is_private(tmp_path):
    """It is made, or closed to others, before anything is written to it."""
    made, existing = tmp_path / "a" / "bodies", tmp_path / "bodies"
    existing.mkdir(mode=0o755)
    for directory in (made, existing):
        ensure_bodies_dir(directory)
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_directory_that_cannot_be_made(tmp_path):
    """The failure is a sentence that names it."""
    (tmp_path / "log").touch()
    with pytest.raises(KimiError, match="cannot be recorded in"):
        ensure_bodies_dir(tmp_path / "log" / "bodies")
