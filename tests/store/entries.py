"""Entries of the usage ledger."""

from __future__ import annotations

from typing import Final

from kimi_cli.providers.model import Price
from kimi_cli.store.ledger_entry import Entry

NOVEMBER: Final = 1_795_000_000.0
"""A moment in November 2026."""
K3: Final = Price(3.00, 15.00, 0.30)


def entry(number: int = 0, **given: object) -> Entry:
    """An entry, each with another number a second later than the one before."""
    usual: dict[str, object] = {
        "time": NOVEMBER + number,
        "session": "ses_0123456789abcdef",
        "project": "/home/me/work",
        "provider": "moonshot",
        "model": "kimi-k3",
        "input_tokens": 200,
        "cached_tokens": 1000,
        "output_tokens": 40,
        "request_id": f"req_{number:024x}",
        "price": K3,
    }
    return Entry(**{**usual, **given})  # type: ignore[arg-type]
