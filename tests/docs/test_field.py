"""docs/field.md: one line for each trouble, and for each the test that holds it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "field.md"
ROWS = range(1, 34)
NOT_YET: set[int] = set()
"""Rows whose tests are still to be written: they name a pattern and link nothing."""

LINE = re.compile(r"^\| (?P<row>\d+) \| (?P<trouble>[^|]+) \| (?P<answer>[^|]+) \| (?P<test>[^|]+) \|$", re.MULTILINE)
LINK = re.compile(r"\[test\]\((?P<path>[^)]+)\)")


def lines() -> dict[int, dict[str, str]]:
    """The lines of the table, by row; each row has one."""
    found = [match.groupdict() for match in LINE.finditer(PAGE.read_text(encoding="utf-8"))]
    assert [int(line["row"]) for line in found] == list(ROWS)
    return {int(line["row"]): line for line in found}


def test_every_row_is_told():
    """What goes wrong and what is done about it, in sentences of their own."""
    table = PAGE.read_text(encoding="utf-8").splitlines()
    assert len([line for line in table if line.startswith("|")]) == len(ROWS) + 2
    told = [line[part] for line in lines().values() for part in ("trouble", "answer")]
    assert all(sentence.endswith(".") and len(sentence) > 20 for sentence in told)
    assert len(set(told)) == len(told)


def test_every_row_has_its_test():
    """The link leads to the test of that very row."""
    for row, line in lines().items():
        link = LINK.fullmatch(line["test"])
        assert (link is None) is (row in NOT_YET), row
        if link is None:
            assert line["test"] == f"`tests/field/test_{row:02}_*.py`"
            continue
        file = (PAGE.parent / link["path"]).resolve()
        assert file.is_file(), file
        assert file.name.startswith(f"test_{row:02}_")


def test_every_test_has_its_row():
    """No test of the field is missing from the table."""
    linked = {(PAGE.parent / link["path"]).resolve() for link in LINK.finditer(PAGE.read_text(encoding="utf-8"))}
    assert linked == set((ROOT / "tests" / "field").glob("test_*.py"))
