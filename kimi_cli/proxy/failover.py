"""Which of a session's hosts is asked: one that works is kept, and the first is tried again from time to time.

Whichever host has answered goes on answering, because the prompt that it has cached is worth more than the first
choice. A host that failed is not asked again before a while is over, and then by one request at a time.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimi_cli.providers.route import Route
    from kimi_cli.wire.failure import Failure

PROBE_SECONDS: Final = 300.0
"""How long a session stays away from its first host at least. Hosts drop a cached prompt after about as long, so that
by then a change back costs little."""
PROBE_LIMIT_SECONDS: Final = 1800.0
"""The longest time between two attempts to go back; it doubles each time."""

_log = logging.getLogger(__name__)


class Turn(NamedTuple):
    """A host to ask for one request. A probe is asked once, without patience."""

    route: Route
    is_probe: bool = False


class Failover:
    """One session's choice among its hosts. `now` is a clock in seconds, `today` one since 1970."""

    def __init__(
        self,
        route: Route,
        *,
        session_id: str,
        now: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
    ) -> None:
        self._routes = (route, *route.fallbacks)
        self._session_id, self._now, self._today = session_id, now, today
        self._current = 0
        self._probe_at = 0.0
        self._pause = PROBE_SECONDS
        self._is_probing = False
        self._reason = ""
        self._since = 0.0

    @property
    def has_another(self) -> bool:
        """Whether there is any choice."""
        return len(self._routes) > 1

    @contextmanager
    def turns(self, fits: Callable[[Route], bool]) -> Iterator[list[Turn]]:
        """The hosts to ask for one request, in order; those that it does not `fit` are left out behind the first."""
        order = [self._current, *(index for index in range(len(self._routes)) if index != self._current)]
        probes = self._current > 0 and not self._is_probing and self._now() >= self._probe_at
        if self._current > 0:
            order.remove(0)
            if not probes:
                order.append(0)
        turns = [Turn(self._routes[index]) for index in order]
        turns = [turns[0], *(turn for turn in turns[1:] if fits(turn.route))]
        if not probes:
            yield turns
            return
        self._is_probing = True
        try:
            yield [Turn(self._routes[0], is_probe=True), *turns]
        finally:
            self._is_probing = False

    def failed(self, turn: Turn, failure: Failure) -> None:
        """That host could not answer."""
        if turn.is_probe:
            self._pause = min(self._pause * 2, PROBE_LIMIT_SECONDS)
        if turn.route is self._routes[0]:
            self._reason = failure.message
            self._probe_at = self._now() + max(self._pause, failure.retry_after or 0.0)

    def answered(self, turn: Turn) -> None:
        """That host answers, and is kept."""
        index = next(index for index, route in enumerate(self._routes) if route is turn.route)
        if index == self._current:
            return
        before, self._current = self._routes[self._current], index
        self._since = self._today()
        fields = {"session": self._session_id, "from": before.provider, "to": turn.route.provider}
        if index == 0:
            self._pause, self._reason = PROBE_SECONDS, ""
            _log.info("first host again", extra={"fields": fields})
        else:
            _log.warning("another host", extra={"fields": fields | {"reason": self._reason}})

    def to_json(self) -> dict[str, object] | None:
        """The host that stands in for the first one, since when (seconds since 1970), and why; None where none does."""
        if self._current == 0:
            return None
        route = self._routes[self._current]
        return {
            "provider": route.provider,
            "model": route.main.id,
            "since": self._since,
            "reason": self._reason,
        }
