"""The versions of Claude Code that were tested, and others beside them."""

from __future__ import annotations

import pytest

from kimi_cli.setup.tested import NEWEST, OLDEST, RANGE, Standing, note, standing

AFTER = NEWEST.rpartition(".")[0] + ".99999"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (OLDEST, Standing.TESTED),
        (NEWEST, Standing.TESTED),
        ("2.1.200", Standing.TESTED),
        ("2.1.9", Standing.OLDER),
        ("1.9.999", Standing.OLDER),
        (AFTER, Standing.NEWER),
        ("2.10.0", Standing.NEWER),
        ("10.0.0", Standing.NEWER),
        (f"{NEWEST}-beta.1", Standing.TESTED),
        ("2.1", Standing.UNKNOWN),
        ("v2.1.200", Standing.UNKNOWN),
        ("", Standing.UNKNOWN),
    ],
)
def test_standing(version, expected):
    """Versions are compared as numbers, part by part, and what is no version is neither older nor newer."""
    assert standing(version) is expected


@pytest.mark.parametrize(
    ("version", "says"),
    [
        (NEWEST, ""),
        ("2.1.0", f"older than those tested, {RANGE}"),
        (AFTER, f"newer than those tested, {RANGE}"),
        ("dev", f"tested with {RANGE}"),
    ],
)
def test_note(version, says):
    """A version outside of the range is told with the range, one within needs no word."""
    assert note(version) == says
