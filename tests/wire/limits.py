"""Headers that say what is left of an allowance."""

from __future__ import annotations


def headers(limit: str, left: str, reset: str, *, name: str = "tokens") -> dict[str, str]:
    return {
        f"x-ratelimit-limit-{name}": limit,
        f"x-ratelimit-remaining-{name}": left,
        f"x-ratelimit-reset-{name}": reset,
    }
