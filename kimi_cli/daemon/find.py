"""Is the proxy that a state file speaks of really there?"""

from __future__ import annotations

import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from kimi_cli.daemon.control import Control
from kimi_cli.daemon.errors import ProxyGoneError
from kimi_cli.store.state import read_state

if TYPE_CHECKING:
    from pathlib import Path

    from kimi_cli.store.paths import Paths
    from kimi_cli.store.state import ProxyState

HEALTH_SECONDS: Final = 3.0
"""How long a live process may take to prove itself before it counts as hanging."""
STRANGER_SECONDS: Final = 0.5
"""The same where its process seems to be gone: then somebody else may have the port and never answer."""


class Condition(Enum):
    """How it stands with a proxy."""

    SOUND = auto()
    ENDING = auto()
    """Its process runs and takes no new session, or no connection at all."""
    HANGING = auto()
    """Its process runs and does not answer."""
    GONE = auto()


def find_proxy(paths: Paths) -> ProxyState | None:
    """The proxy that runs and serves, or None. Changes nothing, waits for nobody."""
    state, condition = look(paths.state_file)
    return state if condition is Condition.SOUND else None


def look(state_file: Path) -> tuple[ProxyState | None, Condition]:
    """The proxy that a state file speaks of, and how it stands with it."""
    state = read_state(state_file)
    return state, Condition.GONE if state is None else examine(state)


def examine(state: ProxyState) -> Condition:
    """How it stands with the proxy of this state.

    The proof over the connection decides. The process's identity matters only where there is none: then it tells a
    proxy that hangs, and may be signalled, from one that is gone.
    """
    is_alive = state.process.is_alive()
    started = time.monotonic()
    timeout = HEALTH_SECONDS if is_alive else STRANGER_SECONDS
    try:
        return Condition.SOUND if Control(state, timeout=timeout).prove() else Condition.ENDING
    except ProxyGoneError:
        pass
    if not state.process.is_alive():
        return Condition.GONE
    # A refusal comes at once: the port is closed, which a proxy does last. Silence takes the whole time.
    return Condition.HANGING if time.monotonic() - started >= timeout else Condition.ENDING
