"""A document is read once for all who ask, and remembered; nobody's leaving spoils it for the others."""

from __future__ import annotations

import asyncio

import pytest

from kimi_cli.media import library as library_module
from kimi_cli.media.kept import Kept
from kimi_cli.media.library import DATA_LIMIT, Library
from kimi_cli.media.task import PdfTask, PdfText, Reason, Unreadable

TASK = PdfTask(pages=1, characters=10)


class Slow:
    """A reader that answers when its gate opens; `read` is what it was asked, `left` what was called off."""

    def __init__(self, outcome=None) -> None:
        self.gate = asyncio.Event()
        self.asked: list[str] = []
        self.called_off: list[str] = []
        self.outcome = outcome

    async def read(self, task, data):
        self.asked.append(data)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            for _ in range(10 * (1 + self.asked.index(data))):  # a process takes a moment to end, each its own
                await asyncio.sleep(0)
            self.called_off.append(data)
            raise
        return self.outcome or PdfText(pages=1, read=1, is_cut=False, title="", text=data.lower())


async def begin(library: Library, *data: str) -> asyncio.Task:
    """A request for the outcomes of these, as far as it gets by itself."""
    task = asyncio.create_task(library.outcomes([(TASK, one) for one in data]))
    for _ in range(20):
        await asyncio.sleep(0)
    return task


async def texts(task: asyncio.Task) -> list[str]:
    return [outcome.text for outcome in await task]


async def test_once_for_all_and_remembered():
    """Two requests at the same time, one document twice in them: it is read once, and later not at all."""
    slow = Slow()
    library = Library(reader=slow)
    first, second = await begin(library, "A", "B", "A"), await begin(library, "B")
    slow.gate.set()
    assert (await texts(first), await texts(second)) == (["a", "b", "a"], ["b"])
    assert sorted(slow.asked) == ["A", "B"]
    slow.gate.clear()
    assert await texts(await begin(library, "B", "A")) == ["b", "a"]
    assert len(slow.asked) == 2


async def test_one_who_leaves_takes_nothing_from_the_other():
    """The reading goes on for who is left, and is called off with the last."""
    slow = Slow()
    library = Library(reader=slow)
    first, second, third = await begin(library, "A"), await begin(library, "A"), await begin(library, "B")
    first.cancel()
    third.cancel()
    await asyncio.wait([first, third])
    assert slow.called_off == ["B"]
    slow.gate.set()
    assert await texts(second) == ["a"]
    assert slow.asked == ["A", "B"]


async def test_who_leaves_waits_for_all_ends():
    """No process outlives the request that it read for, however many there were."""
    slow = Slow()
    request = await begin(Library(reader=slow), "A", "B", "C")
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert sorted(slow.called_off) == ["A", "B", "C"]


async def test_who_leaves_in_a_hurry_is_waited_for_at_the_end():
    """A request that is cancelled twice leaves its readings to whoever closes the library."""
    slow = Slow()
    library = Library(reader=slow)
    request = await begin(library, "A", "B")
    for _ in range(3):
        request.cancel()
        await asyncio.sleep(0)
    await library.close()
    assert sorted(slow.called_off) == ["A", "B"]


async def test_called_off_and_asked_for_again():
    """Who comes after the last one has left gets a reading of their own."""
    slow = Slow()
    library = Library(reader=slow)
    first = await begin(library, "A")
    first.cancel()
    second = await begin(library, "A")
    slow.gate.set()
    assert await texts(second) == ["a"]
    assert (slow.asked, slow.called_off, first.cancelled()) == (["A", "A"], ["A"], True)


async def test_what_could_not_be_started_is_tried_again():
    """A machine without room for a process may have some a turn later; any other failure is remembered."""
    slow = Slow(Unreadable(Reason.NOT_STARTED))
    slow.gate.set()
    library = Library(reader=slow)
    for count in (1, 2):
        assert await library.outcomes([(TASK, "A")]) == [Unreadable(Reason.NOT_STARTED)]
        assert len(slow.asked) == count
    slow.outcome = Unreadable(Reason.TOO_SLOW)
    for _ in range(2):
        assert await library.outcomes([(TASK, "A")]) == [Unreadable(Reason.TOO_SLOW)]
    assert len(slow.asked) == 3


async def test_what_is_too_large_is_not_looked_at():
    """Neither digested nor read."""
    slow = Slow()
    huge = "A" * (DATA_LIMIT + 1)
    assert await Library(reader=slow).outcomes([(TASK, huge)]) == [Unreadable(Reason.TOO_LARGE)]
    assert slow.asked == []


async def test_nothing_kept_is_read_again():
    """Where there is no room to remember, each turn reads, and says the same."""
    slow = Slow()
    slow.gate.set()
    library = Library(reader=slow, kept=Kept(limit=1))
    assert [await library.outcomes([(TASK, "A")]) for _ in range(2)] == [[slow_text("a")]] * 2
    assert slow.asked == ["A", "A"]


async def test_closing_calls_everything_off():
    """A process that ends leaves none of its own behind."""
    slow = Slow()
    library = Library(reader=slow)
    asked = await begin(library, "A")
    await library.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert slow.called_off == ["A"]


async def test_a_reader_that_breaks_is_not_waited_for_again():
    """A fault of ours reaches who asked, and leaves nothing behind that others would wait for."""

    class Broken:
        async def read(self, task, data):
            raise ZeroDivisionError

    library = Library(reader=Broken())
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await library.outcomes([(TASK, "A")])


async def test_large_ones_are_digested_beside_the_event_loop(monkeypatch):
    """Streams of others go on meanwhile."""
    threads = []

    async def to_thread(function):
        threads.append(function)
        return function()

    monkeypatch.setattr(library_module.asyncio, "to_thread", to_thread)
    slow = Slow()
    slow.gate.set()
    library = Library(reader=slow)
    await library.outcomes([(TASK, "A")])
    assert threads == []
    await library.outcomes([(TASK, "A" * 1_000_000)])
    assert len(threads) == 1


def slow_text(text: str) -> PdfText:
    return PdfText(pages=1, read=1, is_cut=False, title="", text=text)
