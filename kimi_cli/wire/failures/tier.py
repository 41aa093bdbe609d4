"""A request that is larger than what the account may send at a time: no waiting ever helps it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from kimi_cli.wire.failures import hints

if TYPE_CHECKING:
    from kimi_cli.wire.failures.advice import Advice

_NUMBERS: Final = re.compile(r"\bLimit:?\s+~?(\d[\d,]*).*?\bRequested:?\s+~?(\d[\d,]*)", re.IGNORECASE | re.DOTALL)
_PER: Final = (
    (re.compile(r"\bTPM\b|tokens per min", re.IGNORECASE), "a minute"),
    (re.compile(r"\bTPH\b|tokens per hour", re.IGNORECASE), "an hour"),
    (re.compile(r"\bTPD\b|tokens per day", re.IGNORECASE), "a day"),
)


class Excess(NamedTuple):
    """So many tokens are allowed `per` time, and the request needs more."""

    allowed: int
    needed: int
    per: str
    is_estimated: bool = False
    """Whether the need is only about that."""


def find_excess(message: str) -> Excess | None:
    """What a host's refusal says of its limit, where the request alone is over it."""
    found = _NUMBERS.search(message)
    if found is None:
        return None
    allowed, needed = (int(number.replace(",", "")[:18]) for number in found.groups())
    per = next((words for pattern, words in _PER if pattern.search(message)), "")
    return Excess(allowed, needed, per) if per and needed > allowed else None


def sentence(excess: Excess, advice: Advice, *, host: str) -> str:
    """What the user is told: both numbers, and the ways out."""
    url = hints.billing_url(advice)
    larger = f"a larger tier ({url})" if url else "a larger tier"
    about = "about " if excess.is_estimated else ""
    return (
        f"Your {host} tier allows {excess.allowed:,} tokens {excess.per}; this request needs {about}{excess.needed:,}: "
        f"it takes {larger}, another host (kimi provider NAME) or a shorter conversation (/clear)."
    )
