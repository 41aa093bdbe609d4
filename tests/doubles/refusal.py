"""What a double says no to, and the memory of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.doubles.scenario import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.doubles.scenario import JsonObject


class Refused(Exception):  # noqa: N818 - it is an answer of the host, not a fault of the double
    """The host's refusal of a request, in the host's own words."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",  # noqa: A002 - the field's name on the wire
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.type, self.code, self.param = message, status, type, code, param

    def to_error(self) -> JsonObject:
        """The `error` object of the host's JSON; absent fields are left out."""
        fields = {"message": self.message, "type": self.type, "code": self.code, "param": self.param}
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One request that a double refused."""

    path: str
    status: int
    message: str
    body: JsonObject = field(repr=False)


@dataclass(slots=True)
class Exchange:
    """One request that a double accepted, and how its answer ended; `ended` opens when it has."""

    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: JsonObject = field(repr=False)
    answered: bool = False
    client_gone: bool = False
    ended: Gate = field(default_factory=Gate, repr=False)
