"""One line of the usage ledger: who asked which host for what, and how many tokens that took at which price.

The price is that of the moment, so that a cost stays true when prices change. Nothing of what was said is in it, and
neither key nor token.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from kimi_cli.providers.model import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

LINE_BYTES: Final = 4000
"""The longest line. Usual ones have three hundred bytes; only a path can be longer, and then its end is kept."""
_SCHEMA: Final = 1
_MILLION: Final = 1_000_000
_SHORTENED: Final = 200
"""Characters that are left of what makes a line too long: six bytes each at the worst."""
_LARGEST: Final = 10**11
"""Beyond all times and counts; larger numbers are not ours, and not every clock or sum takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one answer took. The prompt is `input_tokens + cached_tokens`; `time` is in seconds since the epoch.

    `project` is the directory that the session belongs to. `price` is None where nobody knows it. With `is_estimate`
    the host has reported no tokens, because its answer was broken off or because it never does: it took about these,
    and what was answered.
    """

    time: float
    session: str
    project: str
    provider: str
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    request_id: str
    price: Price | None = None
    is_estimate: bool = False

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price is not known. Cached tokens without a price of their own are like others."""
        price = self.price
        if price is None:
            return None
        cached = price.input if price.cached is None else price.cached
        spent = self.input_tokens * price.input + self.cached_tokens * cached + self.output_tokens * price.output
        return spent / _MILLION

    def to_line(self) -> bytes:
        """The line, with its end."""
        line = self._to_line(len(self.project))
        return line if len(line) <= LINE_BYTES else self._to_line(_SHORTENED)

    def _to_line(self, length: int) -> bytes:
        price = self.price
        fields: dict[str, object] = {
            "v": _SCHEMA,
            "time": round(self.time, 3),
            "session": self.session,
            "project": self.project if length >= len(self.project) else f"…{self.project[-length:]}",
            "provider": self.provider,
            "model": self.model[:_SHORTENED],
            "input": self.input_tokens,
            "cached": self.cached_tokens,
            "output": self.output_tokens,
            "request": self.request_id,
            "price": None if price is None else [price.input, price.output, price.cached],
        }
        if self.is_estimate:
            fields["estimate"] = True
        # A path may hold bytes that are no text.
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The reverse of `to_line`.

        Raises:
            ValueError: it is no line of ours, half of one, or of another version.
        """
        try:
            return cls._from_json(json.loads(line))
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError("not an entry") from error

    @classmethod
    def _from_json(cls, data: Mapping[str, Any]) -> Self:
        if data["v"] != _SCHEMA:
            raise ValueError("another version's")
        price = data["price"]
        return cls(
            time=_number(data["time"]),
            session=_text(data["session"]),
            project=_text(data["project"]),
            provider=_text(data["provider"]),
            model=_text(data["model"]),
            input_tokens=_count(data["input"]),
            cached_tokens=_count(data["cached"]),
            output_tokens=_count(data["output"]),
            request_id=_text(data["request"]),
            price=None if price is None else _price(price),
            is_estimate=data.get("estimate") is True,
        )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LARGEST:
        raise TypeError("a number is wanted")
    return float(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or _number(value) != value:
        raise TypeError("a number of tokens is wanted")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is wanted")
    return value


def _price(value: object) -> Price:
    if not isinstance(value, list):
        raise TypeError("prices are a list")
    given, output, cached = value
    return Price(_number(given), _number(output), None if cached is None else _number(cached))
