"""What was read is kept within a size, the latest longest."""

from __future__ import annotations

from kimi_cli.media.kept import Kept
from kimi_cli.media.task import PdfTask, PdfText, Reason, Unreadable

TASK = PdfTask(1, 1)


def text(size: int) -> PdfText:
    return PdfText(pages=1, read=1, is_cut=False, title="", text="x" * size)


def test_the_longest_unasked_for_goes_first():
    """Asking for something keeps it."""
    kept = Kept(limit=10_000)
    for name in (b"a", b"b", b"c"):
        kept.put((name, TASK), text(2_700))
    assert kept.get((b"a", TASK)) == text(2_700)
    kept.put((b"d", TASK), text(2_700))
    assert kept.get((b"b", TASK)) is None
    assert all(kept.get((name, TASK)) for name in (b"a", b"c", b"d"))


def test_the_size_is_never_exceeded():
    """What is replaced counts once, small entries count too, and what alone is too large is not kept."""
    kept = Kept(limit=10_000)
    for size in (2_000, 3_000, 2_500):
        kept.put((b"a", TASK), text(size))
    assert kept.size < 3_100
    for number in range(100):
        kept.put((bytes([number]), TASK), Unreadable(Reason.BROKEN))
        assert kept.size <= 10_000
    kept.put((b"z", TASK), text(20_000))
    assert kept.get((b"z", TASK)) is None
    assert kept.get((bytes([99]), TASK)) == Unreadable(Reason.BROKEN)


def test_another_task_is_another_entry():
    """One host's image is not another's."""
    kept = Kept()
    kept.put((b"a", PdfTask(1, 1)), text(1))
    assert kept.get((b"a", PdfTask(2, 1))) is None
