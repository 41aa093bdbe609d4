"""A PDF reaches every host as its text, and one that cannot be read is named to the model, with the reason."""

from __future__ import annotations

import pytest

from tests.field.media import ALL, ask, document, looked_at, sent, serving, told
from tests.media.pdfs import locked_pdf, pdf
from tests.media.pictures import as_text

PAPER = as_text(pdf("The word is marmalade.", "And the number is 42.", title="On breakfast"))
NOTE = {"type": "text", "text": "PDF file read: /home/ann/paper.pdf (12KB)"}


@pytest.mark.parametrize("name", ALL)
async def test_field_27_text_instead_of_a_document(name, tmp_path):
    """In a result and in a user's turn, the same on later turns, and the same after the proxy was started again."""
    turns = [*looked_at(NOTE, document(PAPER)), {"role": "assistant", "content": "Marmalade."}]
    brought = {"role": "user", "content": [document(PAPER, title="Again"), {"type": "text", "text": "And this one?"}]}
    async with serving(name, tmp_path) as (double, proxy):
        first = await sent(double, proxy, ask(*turns[:2]))
        second = await sent(double, proxy, ask(*turns, brought))
    async with serving(name, tmp_path) as (double, proxy):
        third = await sent(double, proxy, ask(*turns, brought))
    assert second[: len(first)] == first
    assert third == second
    text = told(second)
    for said in ('PDF "On breakfast", 2 pages', 'PDF "Again", 2 pages', "images and layout are left out", NOTE["text"]):
        assert text.count(said) == (2 if "images" in said else 1)
    assert text.count("[page 1]\nThe word is marmalade.\n\n[page 2]\nAnd the number is 42.") == 2
    assert "JVBERi" not in str(second)


@pytest.mark.parametrize("name", ["groq", "moonshot"])
async def test_field_27_documents_that_cannot_be_read(name, tmp_path):
    """The model is told which and why, and the conversation goes on."""
    unreadable = {
        "needs a password": as_text(locked_pdf("x", password="secret")),
        "is a scan": as_text(pdf("", "", "")),
        "is cut short": PAPER[:400],
        "is none": "bm90IGEgUERG",
    }
    blocks = [document(data, title=title) for title, data in unreadable.items()]
    async with serving(name, tmp_path) as (double, proxy):
        text = told(await sent(double, proxy, ask(*looked_at(NOTE, *blocks))))
    assert '[the PDF "needs a password" could not be read: it is encrypted' in text
    assert '[the PDF "is a scan", 3 pages, could not be read: it holds no text' in text
    assert '[the PDF "is cut short" could not be read: it is damaged' in text
    assert '[the PDF "is none" could not be read: it is damaged, or not a PDF]' in text
