"""Whatever the other process does, there is an outcome in time, and no process is left."""

from __future__ import annotations

import asyncio
import sys

import pytest

from kimi_cli.media.reader import Reader, worker_command
from kimi_cli.media.task import PdfTask, PdfText, Reason, Unreadable, outcome_to_bytes
from tests.faults.network_quiet import eventually
from tests.media.pdfs import pdf
from tests.media.pictures import as_text

pytestmark = pytest.mark.usefixtures("no_children")
TASK = PdfTask(pages=300, characters=200_000)
TEXT = PdfText(pages=1, read=1, is_cut=False, title="", text="Hello")
ANSWERS = f"import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({outcome_to_bytes(TEXT)!r})"


def reader(code: str, *, seconds: float = 60, at_once: int = 2) -> Reader:
    """A reader whose process is this Python script."""
    return Reader(at_once=at_once, seconds=seconds, command=(sys.executable, "-c", code))


async def test_an_answer():
    """A document is read in a process of its own."""
    outcome = await Reader().read(TASK, as_text(pdf("Hello")))
    assert outcome == PdfText(pages=1, read=1, is_cut=False, title="", text="[page 1]\nHello")


async def test_a_large_document_goes_through_the_pipe():
    """More than a pipe holds goes in while nothing comes out."""
    code = ANSWERS.replace("sys.stdin.buffer.read()", "assert len(sys.stdin.buffer.read()) > 20_000_000")
    assert await reader(code).read(TASK, "A" * 20_000_000) == TEXT


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; sys.stdin.buffer.read(); sys.exit(1)", Reason.FAILED),
        ("raise SystemExit", Reason.FAILED),
        ("import os; os.abort()", Reason.FAILED),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", Reason.FAILED),
        ("print('hello')", Reason.FAILED),
        (f"{ANSWERS}; sys.stdout.flush(); sys.stdout.close(); import os; os._exit(3)", None),
    ],
)
async def test_a_process_that_fails(code, reason):
    """One that ends, crashes or talks nonsense has failed; one that has answered may end as it likes."""
    expected = TEXT if reason is None else Unreadable(reason)
    assert await reader(code).read(TASK, "A" * 1_000_000) == expected


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(600)",
        "import sys, time; sys.stdin.buffer.read(); time.sleep(600)",
        "import os, time; os.close(1); time.sleep(600)",
        "while True: pass",
        "import sys\nwhile True: sys.stdout.write('x' * 1000); sys.stdout.flush(); import time; time.sleep(0.05)",
    ],
)
async def test_a_process_that_does_not_end(code):
    """It is ended when its time is over, whatever it is busy with."""
    assert await reader(code, seconds=0.7).read(TASK, "A" * 1_000_000) == Unreadable(Reason.TOO_SLOW)


async def test_a_process_that_talks_without_end(monkeypatch):
    """It is ended as soon as it has said more than any answer is long."""
    monkeypatch.setattr("kimi_cli.media.reader.ANSWER_LIMIT", 1_000_000)
    flood = "import sys\nwhile True: sys.stdout.buffer.write(b'x' * 65536)"
    assert await reader(flood).read(TASK, "AA") == Unreadable(Reason.FAILED)


async def test_a_process_that_cannot_be_started(tmp_path):
    """That is no fault of the document."""
    nobody = Reader(command=(str(tmp_path / "python"), "-c", ""))
    assert await nobody.read(TASK, "AA") == Unreadable(Reason.NOT_STARTED)


async def test_cancelling_ends_the_process(tmp_path):
    """A client that leaves takes the process with it; `no_children` sees that it is gone."""
    started = tmp_path / "started"
    code = f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(600)"
    task = asyncio.create_task(reader(code).read(TASK, "AA"))
    await eventually(started.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_so_many_at_once(tmp_path):
    """However many documents there are, only so many processes run at one time."""
    code = (
        "import os, pathlib, sys, time\n"
        f"place = pathlib.Path({str(tmp_path)!r})\n"
        "(place / f'{os.getpid()}.in').touch()\n"
        "time.sleep(0.2)\n"
        "running = len(list(place.glob('*.in'))) - len(list(place.glob('*.out')))\n"
        "(place / f'{os.getpid()}.seen').write_text(str(running))\n"
        "(place / f'{os.getpid()}.out').touch()\n"
        f"{ANSWERS}"
    )
    busy = reader(code, at_once=2)
    assert await asyncio.gather(*(busy.read(TASK, "AA") for _ in range(6))) == [TEXT] * 6
    seen = [int(path.read_text()) for path in tmp_path.glob("*.seen")]
    assert len(seen) == 6
    assert max(seen) <= 2


async def test_the_log_tells_of_each_reading(caplog):
    """What was read, how large it was and what came of it, and not a word of its text."""
    caplog.set_level("INFO", logger="kimi_cli.media")
    await reader(ANSWERS).read(TASK, "AA")
    (record,) = caplog.records
    assert record.message == "media read"
    fields = record.fields
    assert (fields["task"], fields["size"], fields["outcome"]) == ("PdfTask", 2, "PdfText")
    assert "Hello" not in str(fields)


def test_the_command_holds_nothing_of_the_document():
    """Neither data nor titles are ever in an argument, which other users can see."""
    command = worker_command(20)
    assert command[1:4] == ("-P", "-s", "-c")
    assert command[5] == "20"
    assert all(path.startswith(("/", sys.prefix[:2])) for path in command[6:])
