"""A log read from its oldest file to its last line, and followed while it turns over."""

from __future__ import annotations

import os
import sys

import pytest

from kimi_cli.daemon.log_reader import LogReader
from kimi_cli.errors import KimiError

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and open files are POSIX's")


@pytest.fixture
def path(tmp_path):
    """Where the log is, or will be."""
    return tmp_path / "log" / "proxy.log"


@pytest.fixture
def reader(path):
    """A reader of it."""
    reader = LogReader(path)
    yield reader
    reader.close()


def write(path, *lines, end="\n"):
    """Adds lines to a file."""
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as file:
        file.write("\n".join(lines).encode() + end.encode())


def turn_over(path, *, older=3):
    """What the proxy does with a log that has become too large."""
    for number in reversed(range(older)):
        source = path.with_name(f"{path.name}.{number}") if number else path
        if source.exists():
            source.replace(path.with_name(f"{path.name}.{number + 1}"))


def told(reader) -> list[str]:
    """What is new to a reader."""
    return [line.decode() for line in reader.lines()]


def test_there_is_none(reader, path):
    """Without a log, and without its directory, there are no lines, and nothing is made."""
    assert told(reader) == []
    assert reader.half_line() == b""
    assert not path.parent.exists()


def test_older_files_come_first(reader, path):
    """The files are read in the order in which they were written, however many there are."""
    for number in range(12):
        turn_over(path, older=12)
        write(path, f"{number} a", f"{number} b")
    write(path.with_name("proxy.log.old"), "not a part of it")
    write(path.with_name("serve.log"), "another")
    assert told(reader) == [f"{number} {letter}" for number in range(12) for letter in "ab"]
    assert told(reader) == []


def test_a_gap_hides_nothing(reader, path):
    """While files are renamed one number may be missing; the others are read all the same."""
    write(path.with_name("proxy.log.3"), "a")
    write(path.with_name("proxy.log.1"), "b")
    assert told(reader) == ["a", "b"]


@posix
def test_a_file_that_is_met_twice_is_read_once(reader, path):
    """A file that is renamed while the files are being opened is found under both names."""
    write(path.with_name("proxy.log.2"), "a")
    write(path, "b")
    path.with_name("proxy.log.1").hardlink_to(path)
    assert told(reader) == ["a", "b"]


def test_what_is_added_is_read_once(reader, path):
    """A second look gives what has been added since the first."""
    write(path, "a")
    assert told(reader) == ["a"]
    write(path, "b", "", "c")
    assert told(reader) == ["b", "", "c"]
    assert told(reader) == []


def test_half_a_line_waits_for_its_other_half(reader, path):
    """A line that is being written is given when it is whole, and can be had before."""
    write(path, "a", "b", end="")
    assert told(reader) == ["a"]
    assert reader.half_line() == b"b"
    write(path, "c", end="")
    assert told(reader) == []
    assert reader.half_line() == b"bc"
    write(path, "", "d")
    assert told(reader) == ["bc", "d"]
    assert reader.half_line() == b""


def test_half_a_line_in_a_file_that_was_turned_over_is_a_line(reader, path):
    """Nothing more will be added to it."""
    write(path, "a", "half", end="")
    assert told(reader) == ["a"]
    turn_over(path)
    write(path, "b")
    assert told(reader) == ["half", "b"]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_nothing_is_lost_when_the_log_turns_over(reader, path, times):
    """What was added before, between and after is read, in order, though files have other names by now."""
    write(path, "0")
    assert told(reader) == ["0"]
    expected = []
    for number in range(1, times + 1):
        write(path, f"{number} before")
        turn_over(path)
        write(path, f"{number} after")
        expected += [f"{number} before", f"{number} after"]
    assert told(reader) == expected
    write(path, "last")
    assert told(reader) == ["last"]


def test_a_log_that_is_gone_for_a_moment(reader, path):
    """Between the renaming and the new file there is none of that name; then it goes on."""
    write(path, "a")
    assert told(reader) == ["a"]
    write(path, "b")
    turn_over(path)
    assert told(reader) == ["b"]
    assert told(reader) == []
    write(path, "c")
    assert told(reader) == ["c"]


def test_all_files_turned_over_and_gone(reader, path):
    """Where the file that was read last has no name any more, everything that has one is new."""
    write(path, "a")
    assert told(reader) == ["a"]
    for number in range(4):
        turn_over(path)
        write(path, str(number))
    assert told(reader) == ["0", "1", "2", "3"]


def test_a_log_that_was_emptied_is_read_from_its_beginning(reader, path):
    """A file with fewer bytes than were read is another one; what the first held is not given again."""
    write(path, "a" * 100, "b" * 100)
    assert len(told(reader)) == 2
    os.truncate(path, 0)
    assert told(reader) == []
    write(path, "c")
    assert told(reader) == ["c"]


def test_emptied_and_written_between_two_looks(reader, path):
    """Bytes that were read before the file was emptied do not come back from a buffer."""
    write(path, "old " * 10, "older " * 10)
    told(reader)
    os.truncate(path, 0)
    write(path, "new")
    assert told(reader) == ["new"]


@posix
def test_a_log_that_was_removed_and_made_anew(reader, path):
    """A new file is read from its beginning, even if the system would give it the old one's inode."""
    write(path, "a", "b")
    assert told(reader) == ["a", "b"]
    path.unlink()
    write(path, "c" * 100)
    assert told(reader) == ["c" * 100]


@posix
def test_what_was_written_to_a_removed_log_is_not_lost(reader, path):
    """A process that ends may still write to a file that was removed under it."""
    write(path, "a")
    with path.open("ab") as file:
        assert told(reader) == ["a"]
        path.unlink()
        file.write(b"last words\n")
    assert told(reader) == ["last words"]


def test_line_ends_and_bytes_are_kept(reader, path):
    """Only a line feed ends a line: U+2028 and a form feed do not, and bytes that are no text pass."""
    path.parent.mkdir()
    path.write_bytes(b"a\xe2\x80\xa8b\x0cc\r\n\xff\xfe\n")
    assert list(reader.lines()) == [b"a\xe2\x80\xa8b\x0cc", b"\xff\xfe"]


def test_who_stops_reading_leaves_no_file_open(path):
    """A reader that is closed in the middle of the lines lets go of every file."""
    write(path.with_name("proxy.log.1"), "a")
    write(path, "b")
    reader = LogReader(path)
    lines = reader.lines()
    assert next(lines) == b"a"
    lines.close()
    reader.close()  # an open file would be a ResourceWarning, and so a failure


@posix
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_a_log_that_may_not_be_read(reader, path):
    """The failure names the file and the command that mends it."""
    write(path, "a")
    path.chmod(0)
    with pytest.raises(KimiError, match="cannot be read") as failed:
        told(reader)
    assert failed.value.fix == f"chmod u+rw {path}"


@posix
def test_a_directory_in_the_place_of_the_log(reader, path):
    """What cannot be read is a failure with a sentence, not a traceback."""
    path.mkdir(parents=True)
    with pytest.raises(KimiError, match=r"proxy\.log cannot be read") as failed:
        told(reader)
    assert failed.value.fix == f"mv {path} {path}.old"
