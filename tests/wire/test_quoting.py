"""Whether code is open at the end of a text, by Markdown's rules, however the text is cut."""

from __future__ import annotations

import pytest

from kimi_cli.wire.quoting import Quoting


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("", False),
        ("a", False),
        ("`", True),
        ("a `b", True),
        ("a `b`", False),
        ("a `b` `c", True),
        ("a ``b`", False),
        ("a `b\nc", False),
        ("```", True),
        ("```\n", True),
        ("```json\n{}\n", True),
        ("```json\n{}\n```", True),
        ("```json\n{}\n```\n", False),
        ("a\n  ```\nb\n  ```  \n", False),
        ("a ```\nb\n", False),
        ("```a```\n", False),
        ("```\n```json\n", True),
        ("````\n```\n", True),
        ("````\n```\n````\n", False),
        ("~~~\n```\n", True),
        ("~~~\n```\n~~~~\n", False),
        ("~~~ a`b\n", True),
        ("> ```\n> a\n", True),
        ("> ```\n> a\n> ```\n", False),
        ("~~\n", False),
        ("x" * 10_000 + "`", True),
        ("`" + "x" * 10_000, False),
    ],
)
def test_code_is_open(text, is_open):
    """A block is open until a line closes it, a span until its line ends, or a few thousand characters further."""
    for size in (1, 2, 3, len(text) + 1):
        quoting = Quoting()
        for at in range(0, len(text), size):
            quoting.feed(text[at : at + size])
        assert quoting.is_open is is_open
