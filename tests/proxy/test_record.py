"""Recorded bodies: private, without secrets, and not too many."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from kimi_cli.proxy.record import Recorder, Redaction
from kimi_cli.proxy.refusal import new_request_id
from kimi_cli.store.bodies import Part, recorded_bodies

SECRET, KEY = "a-token-in-use-0123456789", "gsk_a-key-in-use"


@pytest.fixture
def directory(tmp_path):
    """Where bodies go."""
    return tmp_path / "log" / "bodies"


@pytest.fixture
def warnings(caplog):
    """The events that were logged, with their fields."""
    return lambda: [(record.getMessage(), record.fields) for record in caplog.records]


def recorder(directory, **changes):
    """A recorder that keeps two texts out."""
    return Recorder(directory, secrets=lambda: [SECRET, KEY], **changes)


def write(recorder, size, *, time=None):
    """One request, recorded; `time` is when its file is said to have been written."""
    request_id = new_request_id()
    record = recorder.open(request_id)
    record.add(Part.HOST_ANSWER, b"x" * size)
    record.close()
    if time is not None:
        for one in recorded_bodies(recorder._directory):
            if one.request_id == request_id:
                os.utime(one.files[0], (time, time))
    return request_id


def kept(directory) -> list[str]:
    """The requests whose bodies are there, oldest first."""
    return [recorded.request_id for recorded in recorded_bodies(directory)]


def test_each_part_has_a_file_of_its_own(directory):
    """What is added in pieces is in the file as a whole, and only its owner can read it."""
    request_id = new_request_id()
    record = recorder(directory).open(request_id)
    assert not directory.exists()
    record.add(Part.CLIENT_REQUEST, b'{"a":1}')
    record.add(Part.HOST_ANSWER, b"data: 1\n\n")
    record.add(Part.HOST_ANSWER, b"data: \xff\n\n")
    record.close()
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert files == {
        f"{request_id}.client-request.json": b'{"a":1}',
        f"{request_id}.host-answer.txt": b"data: 1\n\ndata: \xff\n\n",
    }
    if sys.platform != "win32":
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_what_was_added_is_on_disk_at_once(directory):
    """If the proxy is killed, what it passed on until then is recorded, up to a few bytes."""
    record = recorder(directory).open(new_request_id())
    record.add(Part.HOST_ANSWER, b"x" * 1000)
    assert recorded_bodies(directory)[0].size == 1000 - (len(SECRET) - 1)
    record.close()
    assert recorded_bodies(directory)[0].size == 1000


def test_secrets_are_struck_out_wherever_they_are_cut(directory):
    """A token and a key are in no file, whole, in pieces or as a JSON string, and everything else is."""
    text = f"before {SECRET} between {KEY}{KEY} {SECRET[:-1]} after {SECRET}".encode()
    clean = f"before [redacted] between [redacted][redacted] {SECRET[:-1]} after [redacted]".encode()
    taken = recorder(directory)
    for at in range(len(text)):
        record = taken.open(new_request_id())
        record.add(Part.HOST_ANSWER, text[:at])
        record.add(Part.HOST_ANSWER, text[at:])
        record.close()
    record = taken.open(new_request_id())
    for at in range(len(text)):
        record.add(Part.HOST_ANSWER, text[at : at + 1])
    record.close()
    assert {path.read_bytes() for path in directory.iterdir()} == {clean}


@pytest.mark.parametrize("secret", ['quo"te\\back', "snowman \u2603"])
def test_a_secret_is_found_in_json(secret):
    """JSON writes some characters in its own way; the secret is struck out in either."""
    redaction = Redaction([secret])
    for text in (json.dumps({"key": secret}), secret):
        clean, rest = redaction.feed(text.encode())
        assert b"[redacted]" in clean + redaction.finish(rest)
        assert secret.encode() not in clean + redaction.finish(rest)


@pytest.mark.parametrize("secrets", [["abc", "abcdef"], ["abcdef", "abc"], ["abc", "bcdef", "abcdef"]])
def test_the_longest_secret_counts(secrets):
    """Where one secret begins another, nothing of the longer one is left, even where it comes in pieces."""
    for at in range(9):
        redaction = Redaction(secrets)
        clean, rest = redaction.feed(b"-abcdef-"[:at])
        more, rest = redaction.feed(rest + b"-abcdef-"[at:])
        assert clean + more + redaction.finish(rest) == b"-[redacted]-"


def test_without_secrets_nothing_is_held_back():
    """A session without a key has nothing to strike out, and an empty text is no secret."""
    assert Redaction([""]).feed(b"abc") == (b"abc", b"")


def test_the_oldest_records_make_room(directory):
    """All records together stay below the limit; those that were there before count, and go first."""
    old = [write(recorder(directory), 100, time=100 + number) for number in range(10)]
    taken = recorder(directory, limit=1000)
    new = [write(taken, 100, time=200 + number) for number in range(3)]
    assert sum(one.size for one in recorded_bodies(directory)) <= 1000
    assert kept(directory)[-3:] == new
    assert kept(directory)[:-3] == old[-len(kept(directory)) + 3 :]
    assert len(kept(directory)) >= 8  # no more went than had to


def test_a_request_goes_as_a_whole(directory):
    """Nothing is left of a request whose turn it is, for a part of one explains nothing."""
    taken = recorder(directory, limit=1000)
    record = taken.open(new_request_id())
    for part in Part:
        record.add(part, b"x" * 100)
    record.close()
    for path in directory.iterdir():
        os.utime(path, (100, 100))
    other = write(taken, 700)
    assert kept(directory) == [other]


def test_other_files_stay(directory):
    """What is not ours is neither counted nor removed."""
    directory.mkdir(parents=True)
    (directory / "notes.txt").write_bytes(b"x" * 5000)
    first = write(recorder(directory, limit=1000), 900)
    assert kept(directory) == [first]
    assert (directory / "notes.txt").exists()


def test_a_record_in_the_making_stays(directory, warnings):
    """One that is too large by itself breaks off, says so in the log, and harms no other that is being written."""
    taken = recorder(directory, limit=1000)
    growing, large = taken.open("req_" + "a" * 24), taken.open("req_" + "b" * 24)
    growing.add(Part.HOST_ANSWER, b"a" * 400)
    for _ in range(20):
        large.add(Part.HOST_ANSWER, b"b" * 100)
    growing.add(Part.CLIENT_ANSWER, b"a")
    large.close()
    growing.close()
    sizes = {one.request_id[4]: one.size for one in recorded_bodies(directory)}
    assert sizes["a"] == 401
    assert 300 <= sizes["b"] < 600
    assert warnings()[-1] == (
        "bodies not recorded",
        {"request_id": "req_" + "b" * 24, "reason": "there is no room left"},
    )


def test_after_one_that_was_too_large_there_is_room_again(directory):
    """A record that broke off is removed like any other when the next one needs its place."""
    taken = recorder(directory, limit=1000)
    write(taken, 990, time=100)
    record = taken.open(new_request_id())
    record.add(Part.HOST_ANSWER, b"x" * 2000)
    record.close()
    last = write(taken, 500)
    assert last in kept(directory)
    assert sum(one.size for one in recorded_bodies(directory)) <= 1000


def test_a_place_that_cannot_be_written_to(tmp_path, warnings):
    """A file in the place of the directory keeps nothing from working; the log says once that nothing is recorded."""
    (tmp_path / "log").touch()
    record = recorder(tmp_path / "log" / "bodies").open("req_" + "a" * 24)
    for _ in range(3):
        record.add(Part.CLIENT_REQUEST, b"x" * 100)
    record.close()
    assert [event for event, _ in warnings()] == ["bodies not recorded"]


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk(directory, warnings):
    """A write that fails ends the record and nothing else."""

    class Full(Recorder):
        def create(self, request_id, part):
            return Path("/dev/full").open("wb", buffering=0)

    record = Full(directory, secrets=lambda: [SECRET]).open("req_" + "a" * 24)
    record.add(Part.CLIENT_REQUEST, b"x" * 100)
    record.add(Part.CLIENT_REQUEST, b"x" * 100)
    record.close()
    ((event, fields),) = warnings()
    assert (event, fields["reason"]) == ("bodies not recorded", "No space left on device")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_link_is_not_followed(directory, tmp_path, link):
    """A link that lies in wait under a record's name is not written through."""
    directory.mkdir(parents=True)
    target, request_id = tmp_path / "target", new_request_id()
    target.write_text("precious")
    link(directory / f"{request_id}.{Part.HOST_ANSWER}", target)
    record = recorder(directory).open(request_id)
    record.add(Part.HOST_ANSWER, b"x" * 100)
    record.close()
    assert target.read_text() == "precious"


def test_a_directory_that_was_removed_is_made_again(directory):
    """A reset while sessions run takes what is there; what comes later is recorded."""
    taken = recorder(directory)
    write(taken, 10)
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    later = write(taken, 10)
    assert kept(directory) == [later]
