"""The one exception for a request that is answered with a failure; `refusal` makes the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kimi_cli.wire.failure import Failure


class RefusedError(Exception):
    """A request that is answered with `failure`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
