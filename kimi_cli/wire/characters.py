"""Tokens of a text, estimated from what kinds of characters it is made of.

A vocabulary splits words, figures and punctuation at very different rates, so that prose, code, JSON and Chinese of the
same length differ threefold in tokens. The shares of a few kinds of characters tell most of that.
"""

from __future__ import annotations

import string
from math import gcd
from typing import Final

PRICES: Final = {
    "letters": 0.175,
    "spaces": 0.29,
    "indents": 0.09,
    "capitals": 0.43,
    "marks": 0.395,
    "digits": 1.1,
    "breaks": 1.14,
    "han": 0.65,
    "kana": 0.69,
    "hangul": 0.76,
    "alphabets": 0.335,
    "others": 1.77,
}
"""Tokens of one character of each kind, in the order in which they are told apart.

They are small letters; spaces between words, and those in rows; capital letters; punctuation; digits; line ends and
other control characters; Chinese characters; the syllables of Japanese, with the punctuation of both; the syllables of
Korean; the letters of Greek, Cyrillic, Hebrew and Arabic; and all that is left, such as accented letters, arrows and
emoji. The prices are what fits source code, prose, JSON, logs and a dozen languages best, counted with vocabularies of
128,000 and 200,000 entries. Kimi's has 160,000.
"""
SAMPLE: Final = 4_096
"""Bytes that are looked at, or about as many, of a text of more than twice as many. It costs an error of one percent or
two, and makes a text of any length take the same time."""
_STEPS: Final = 8
_WIDENING: Final = 10
"""How much longer the steps are than the first of them, on the average."""

_LETTERS: Final = string.ascii_lowercase.encode()
_CAPITALS: Final = string.ascii_uppercase.encode()
_MARKS: Final = string.punctuation.encode()
_DIGITS: Final = string.digits.encode()
_BREAKS: Final = bytes([*range(0x20), 0x7F])
_CONTINUED: Final = bytes(range(0x80, 0xC0))
"""The second and later bytes of a character in UTF-8. Its first byte tells the block of Unicode that it is from."""
_HAN: Final = bytes(range(0xE4, 0xEA))
_KANA: Final = b"\xe3\xef"
_HANGUL: Final = bytes(range(0xEA, 0xEE))
_ALPHABETS: Final = bytes(range(0xCE, 0xE0))


def weigh(text: bytes) -> list[float]:
    """Tokens of a text in UTF-8, by the kinds of characters that they are made of, in the order of `PRICES`."""
    sample = _sample(text)
    # Each kind is taken out of what is left, the commonest first.
    no_letters = sample.translate(None, _LETTERS)
    no_spaces = no_letters.translate(None, b" ")
    no_capitals = no_spaces.translate(None, _CAPITALS)
    no_marks = no_capitals.translate(None, _MARKS)
    no_digits = no_marks.translate(None, _DIGITS)
    wide = no_digits.translate(None, _BREAKS)
    spaces = len(no_letters) - len(no_spaces)
    indents = min(spaces, len(sample) * _in_rows(text)) if spaces else 0
    counts = [
        len(sample) - len(no_letters),
        spaces - indents,
        indents,
        len(no_spaces) - len(no_capitals),
        len(no_capitals) - len(no_marks),
        len(no_marks) - len(no_digits),
        len(no_digits) - len(wide),
        *_wide_kinds(wide),
    ]
    scale = len(text) / max(1, len(sample))
    return [count * price * scale for count, price in zip(counts, PRICES.values(), strict=True)]


def _wide_kinds(text: bytes) -> tuple[int, int, int, int, int]:
    """Of a text without ASCII, the numbers of characters of each kind."""
    if not text:
        return 0, 0, 0, 0, 0
    firsts = text.translate(None, _CONTINUED)
    no_han = firsts.translate(None, _HAN)
    no_kana = no_han.translate(None, _KANA)
    no_hangul = no_kana.translate(None, _HANGUL)
    others = no_hangul.translate(None, _ALPHABETS)
    return (
        len(firsts) - len(no_han),
        len(no_han) - len(no_kana),
        len(no_kana) - len(no_hangul),
        len(no_hangul) - len(others),
        len(others),
    )


def _sample(text: bytes) -> bytes:
    """The text, or enough of its bytes from all over it.

    They are taken in several different steps, so that the rows of a table, in step with one of them, do not count for
    much.
    """
    if len(text) <= 2 * SAMPLE:
        return text
    step = _STEPS * len(text) // SAMPLE - _WIDENING
    pieces = []
    for start in range(_STEPS):
        step = _step(step + 1)
        pieces.append(text[start::step])
    return b"".join(pieces)


def _in_rows(text: bytes) -> float:
    """How many of its bytes are spaces beside another, which only shows where bytes are looked at together."""
    if len(text) > SAMPLE:
        text = memoryview(text)[: len(text) // 8 * 8].cast("Q")[:: _step(-(-len(text) // SAMPLE))].tobytes()
    return 2 * text.count(b"  ") / max(1, len(text))


def _step(at_least: int) -> int:
    """A step that is never in step with the two, three or four bytes of a character."""
    while gcd(at_least, 6) > 1:
        at_least += 1
    return at_least
