"""Text comes out of PDFs page by page, and what holds none is called what it is."""

from __future__ import annotations

import pytest

from kimi_cli.media.pdf import NO_TEXT, NOT_READ, clean, extract
from kimi_cli.media.task import PdfTask, PdfText, Reason, Unreadable
from tests.media.pdfs import filled_pdf, locked_pdf, pdf, raw_pdf

ROOMY = PdfTask(pages=300, characters=200_000)


def test_text_of_every_page():
    """Pages are numbered, lines stay lines, and a page without text says so instead of vanishing."""
    data = pdf("Hello (world)\n100 % grün", "", "The end", title="A  title\nof two lines")
    text = f"[page 1]\nHello (world)\n100 % grün\n\n[page 2]\n{NO_TEXT}\n\n[page 3]\nThe end"
    assert extract(data, ROOMY) == PdfText(pages=3, read=3, is_cut=False, title="A title of two lines", text=text)


def test_a_scan_is_not_passed_off_as_empty():
    """Pages without any text are a scan, however many there are."""
    assert extract(pdf("", "", ""), ROOMY) == Unreadable(Reason.EMPTY, pages=3)


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_locked(algorithm):
    """A password is needed only where there is one: what everybody may open is read."""
    if algorithm.startswith("AES"):
        pytest.importorskip("cryptography")
    assert extract(locked_pdf("Hello", password="x", algorithm=algorithm), ROOMY) == Unreadable(Reason.ENCRYPTED)
    opened = extract(locked_pdf("Hello", password="", algorithm=algorithm), ROOMY)
    assert isinstance(opened, PdfText)
    assert opened.text == "[page 1]\nHello"


def test_a_form_that_is_filled_in():
    """What somebody filled in is no part of any page, and is told after the last one."""
    outcome = extract(filled_pdf("Your name?", name="Ann", city="Lima"), ROOMY)
    assert isinstance(outcome, PdfText)
    assert outcome.text == "[page 1]\nYour name?\n\n[form fields]\nname: Ann\ncity: Lima"


@pytest.mark.parametrize(
    ("task", "read", "is_cut", "text"),
    [
        (PdfTask(pages=2, characters=1_000), 2, False, "[page 1]\naaaa\n\n[page 2]\nbbbb"),
        (PdfTask(pages=9, characters=25), 2, True, "[page 1]\naaaa\n\n[page 2]\nb"),
        (PdfTask(pages=9, characters=24), 1, False, "[page 1]\naaaa"),
    ],
)
def test_limits(task, read, is_cut, text):
    """A long document ends where the room does, and it is known how far it was read."""
    outcome = extract(pdf("aaaa", "bbbb", "cccc"), task)
    assert outcome == PdfText(pages=3, read=read, is_cut=is_cut, title="", text=text)


def test_a_hostile_page_does_not_take_the_others_with_it():
    """A page whose content cannot be parsed is named, and the next one is read."""
    outcome = extract(raw_pdf(b"BT /F1 12 Tf (never closed Tj ET", b"BT /F1 12 Tf (well) Tj ET"), ROOMY)
    assert isinstance(outcome, PdfText)
    assert outcome.text == f"[page 1]\n{NOT_READ}\n\n[page 2]\nwell"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x00b\x07\tc\x7f", "ab\tc"),
        ("\n\na  \r\nb\n\n", "a\nb"),
        ("\ud83d\ude00 \ud83d", "\U0001f600 \ufffd"),
        ("a\u2028b", "a\nb"),
    ],
)
def test_text_is_what_any_host_takes(text, expected):
    """Half characters and those that nobody sees are gone."""
    assert clean(text) == expected
