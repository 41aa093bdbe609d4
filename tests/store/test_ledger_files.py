"""The files of the usage ledger: written by several at once, read whatever has become of them, bounded."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from kimi_cli.store.ledger_files import LedgerReader, append, ledger_files
from tests.store.entries import NOVEMBER, entry

DAY = 86_400.0
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no permission bits")


def write(directory, *entries, **limits):
    """Writes all of them."""
    left = list(entries)
    while left:
        left = list(append(directory, left, **limits))


def names(directory):
    """The names of the ledger's files."""
    return [path.name for path in ledger_files(directory)]


@pytest.fixture
def directory(paths):
    """Where the ledger lies; nothing is there yet."""
    return paths.usage_dir


def test_there_and_back(directory):
    """What was written is read in its order, and again."""
    entries = [entry(number) for number in range(5)]
    write(directory, *entries[:3])
    write(directory, *entries[3:])
    reader = LedgerReader(directory)
    assert list(reader) == entries
    assert (reader.skipped, reader.unreadable) == (0, [])
    assert list(reader) == entries


def test_nothing(directory):
    """Where nothing has been written nothing is read, and reading makes nothing."""
    assert list(LedgerReader(directory)) == []
    assert not directory.exists()


@posix
def test_files_are_private(directory):
    """Only their owner may read them, whatever the umask allows."""
    write(directory, entry())
    assert directory.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in ledger_files(directory)] == [0o600]


def test_a_file_for_each_month(directory):
    """Entries of another month go to another file, also in one go, and months before what is wanted are not read."""
    entries = [entry(time=NOVEMBER - 40 * DAY), entry(time=NOVEMBER - 39 * DAY), entry(), entry(time=NOVEMBER + DAY)]
    left = append(directory, entries)
    assert list(left) == entries[2:]
    write(directory, *left)
    assert names(directory) == ["usage-2026-10.jsonl", "usage-2026-11.jsonl"]
    (directory / "usage-2026-10.jsonl").write_text("not read")
    reader = LedgerReader(directory, since=NOVEMBER + 1)
    assert list(reader) == entries[3:]
    assert reader.skipped == 0


def test_a_month_of_several_files(directory):
    """A file that is full is left, and the next one gets a number; order is by number and not by name."""
    size = len(entry().to_line())
    entries = [entry(number) for number in range(12)]
    for one in entries:
        write(directory, one, file_bytes=size)
    assert names(directory)[:3] == ["usage-2026-11.jsonl", "usage-2026-11.1.jsonl", "usage-2026-11.2.jsonl"]
    assert names(directory)[-1] == "usage-2026-11.11.jsonl"
    assert list(LedgerReader(directory)) == entries


def test_the_bound_on_all(directory):
    """The oldest files go when a new one begins, as many as it takes; the newest stays whatever it has."""
    size = len(entry().to_line())
    for number in range(10):
        write(directory, entry(number), file_bytes=size, total_bytes=3 * size)
    assert [int(one.time - NOVEMBER) for one in LedgerReader(directory)] == [7, 8, 9]
    write(directory, entry(10), file_bytes=size, total_bytes=1)
    assert [int(one.time - NOVEMBER) for one in LedgerReader(directory)] == [10]


def test_others_files_are_left_alone(directory):
    """Whatever else lies there is neither read nor counted nor removed."""
    directory.mkdir(parents=True)
    others = [
        "usage-2026-11.jsonl.bak",
        "usage-2026-1.jsonl",
        "usage-2026-11.0.jsonl",
        "notes",
        "usage-2026-11.01.jsonl",
    ]
    for name in others:
        (directory / name).write_text("mine")
    write(directory, entry(), total_bytes=1)
    assert names(directory) == ["usage-2026-11.jsonl"]
    assert {path.name for path in directory.iterdir()} == {*others, "usage-2026-11.jsonl"}


def test_lines_that_are_broken(directory):
    """Half lines, lines of others and of other versions are passed over and counted; empty ones are nothing."""
    write(directory, entry(1), entry(2))
    (file,) = ledger_files(directory)
    file.write_bytes(b'{"v":1,"ti\n\n' + file.read_bytes() + b'{"v":2}\n\xff\xfe\n' + entry(3).to_line()[:50])
    reader = LedgerReader(directory)
    assert list(reader) == [entry(1), entry(2)]
    assert reader.skipped == 4


def test_half_a_line_spoils_no_more_than_itself(directory):
    """Whoever writes after somebody who was killed in the middle of it begins on a line of his own."""
    write(directory, entry(1))
    (file,) = ledger_files(directory)
    with file.open("ab") as torn:
        torn.write(entry(2).to_line()[:-20])
    write(directory, entry(3))
    reader = LedgerReader(directory)
    assert list(reader) == [entry(1), entry(3)]
    assert reader.skipped == 1


def test_a_file_that_cannot_be_read(directory):
    """It is named, and the others are read."""
    write(directory, entry(1))
    (directory / "usage-2026-10.jsonl").mkdir()
    reader = LedgerReader(directory)
    assert list(reader) == [entry(1)]
    assert reader.unreadable == [directory / "usage-2026-10.jsonl"]


def test_a_full_disk(directory, full_disk):
    """Nothing is written and nothing lost: the error is the system's own."""
    write(directory, entry(1))
    with full_disk(), pytest.raises(OSError, match="File too large"):
        append(directory, [entry(2)])
    write(directory, entry(2))
    assert list(LedgerReader(directory)) == [entry(1), entry(2)]


@posix
def test_a_disk_that_fills_up(directory):
    """Of several entries those that are whole are done with, and the half of one is written anew."""
    import resource

    write(directory, entry(0))
    (file,) = ledger_files(directory)
    line = len(entry(0).to_line())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 2 * line + 10, hard))
    try:
        left = append(directory, [entry(number) for number in range(1, 5)])
        assert list(left) == [entry(3), entry(4)]
        with pytest.raises(OSError, match="File too large"):
            append(directory, left)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    write(directory, *left)
    reader = LedgerReader(directory)
    assert list(reader) == [entry(number) for number in range(5)]
    assert reader.skipped == 1


WRITER = """
import os, sys
from kimi_cli.store.ledger_files import append
from kimi_cli.store.paths import Paths
from tests.store.entries import entry
who = int(sys.argv[1])
for number in range(200):
    append(Paths.find(os.environ).usage_dir, [entry(number, session=f"ses_{who}"), entry(number, session=f"ses_{who}")])
"""


def test_several_processes_at_once(directory):
    """Each line of each of them is there, whole."""

    def run(who: int) -> int:
        return subprocess.run([sys.executable, "-c", WRITER, str(who)], check=False).returncode

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(run, range(4))) == {0}
    reader = LedgerReader(directory)
    entries = list(reader)
    assert (len(entries), reader.skipped) == (4 * 200 * 2, 0)
    assert {one.session for one in entries} == {"ses_0", "ses_1", "ses_2", "ses_3"}
