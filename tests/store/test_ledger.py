"""The usage ledger as a serving process writes it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time

import pytest

from kimi_cli.store.ledger import PENDING, Ledger
from kimi_cli.store.ledger_files import LedgerReader
from tests.store.entries import entry

SECONDS = 30.0


@pytest.fixture
def directory(paths):
    """Where the ledger lies."""
    return paths.usage_dir


async def until(test) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(SECONDS):
        while not test():  # noqa: ASYNC110 - files tell nobody
            await asyncio.sleep(0.02)


def read(directory):
    """What has been written."""
    return list(LedgerReader(directory))


async def test_entries_are_written_about_a_second_later(directory):
    """What is noted is on disk without anybody asking, several entries together, and nothing before it is noted."""
    ledger = Ledger(directory)
    writing = asyncio.create_task(ledger.run())
    await asyncio.sleep(0)
    assert not directory.exists()
    for number in range(3):
        ledger.note(entry(number))
    assert not directory.exists()
    await until(lambda: len(read(directory)) == 3)
    ledger.note(entry(3))
    await until(lambda: len(read(directory)) == 4)
    await ledger.close()
    await asyncio.wait_for(writing, SECONDS)


async def test_the_rest_is_written_at_the_end(directory):
    """Closing does not wait for the next second, and ends whoever writes."""
    ledger = Ledger(directory)
    writing = asyncio.create_task(ledger.run())
    ledger.note(entry(1))
    started = time.monotonic()
    await ledger.close()
    assert read(directory) == [entry(1)]
    assert time.monotonic() - started < SECONDS
    await asyncio.wait_for(writing, SECONDS)
    await ledger.close()
    assert read(directory) == [entry(1)]


async def test_a_ledger_that_nobody_writes_to(directory):
    """Without an entry there is not even a directory."""
    ledger = Ledger(directory)
    writing = asyncio.create_task(ledger.run())
    await ledger.close()
    await asyncio.wait_for(writing, SECONDS)
    assert not directory.exists()


async def test_a_place_that_cannot_be_written_to(directory, caplog):
    """Entries wait until it can, in their order; the log says it once, and again only after it has worked."""
    directory.parent.mkdir(parents=True)
    directory.write_text("in the way")
    ledger = Ledger(directory)
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            ledger.note(entry(number))
            await ledger.close()
        directory.unlink()
        ledger.note(entry(3))
        await ledger.close()
    assert read(directory) == [entry(number) for number in range(4)]
    assert [record.getMessage() for record in caplog.records] == ["usage not recorded"]


async def test_entries_that_wait_for_long(directory):
    """There is an end to what is kept: the newest are."""
    directory.parent.mkdir(parents=True)
    directory.write_text("in the way")
    ledger = Ledger(directory)
    for number in range(PENDING + 3):
        ledger.note(entry(number))
        if number == PENDING - 1:
            await ledger.close()
    await ledger.close()
    directory.unlink()
    await ledger.close()
    entries = read(directory)
    assert (len(entries), entries[0], entries[-1]) == (PENDING, entry(3), entry(PENDING + 2))


KILLED = """
import asyncio, os
from kimi_cli.store.ledger import Ledger
from kimi_cli.store.ledger_files import LedgerReader
from kimi_cli.store.paths import Paths
from tests.store.entries import entry

async def main():
    directory = Paths.find(os.environ).usage_dir
    ledger = Ledger(directory)
    writing = asyncio.create_task(ledger.run())
    ledger.note(entry(1))
    while not list(LedgerReader(directory)):
        await asyncio.sleep(0.01)
    ledger.note(entry(2))
    print("noted", flush=True)
    await writing

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_a_process_that_is_killed(directory):
    """It loses what it noted within the last second, and nothing of what came before."""
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "noted\n"
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    assert entry(1) in read(directory)
    assert LedgerReader(directory).skipped == 0
