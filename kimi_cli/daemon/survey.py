"""Every proxy of this user that runs, as it says itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimi_cli.daemon.control import Control
from kimi_cli.daemon.errors import ProxyGoneError, ProxyRefusedError
from kimi_cli.daemon.find import HEALTH_SECONDS, Condition, examine
from kimi_cli.store.state import other_states, read_state

if TYPE_CHECKING:
    from kimi_cli.daemon.status import ProxyStatus
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.state import ProxyState


@dataclass(frozen=True, slots=True)
class Survey:
    """`usual` takes new sessions, `others` finish theirs; `hanging` are process ids of those that do not answer."""

    usual: ProxyStatus | None = None
    others: tuple[ProxyStatus, ...] = ()
    hanging: tuple[int, ...] = ()


def survey(paths: Paths) -> Survey:
    """Asks every proxy that has a state file. Changes nothing; takes seconds only where one hangs."""
    state = read_state(paths.state_file)
    others = other_states(paths.runtime_dir)
    known = (*((state,) if state is not None else ()), *others)
    found = {one.instance: _ask(one) for one in known}
    return Survey(
        usual=found[state.instance] if state is not None else None,
        others=tuple(status for other in others if (status := found[other.instance]) is not None),
        hanging=tuple(
            one.process.pid for one in known if found[one.instance] is None and examine(one) is Condition.HANGING
        ),
    )


def _ask(state: ProxyState) -> ProxyStatus | None:
    if not state.process.is_alive():
        return None
    try:
        return Control(state, timeout=HEALTH_SECONDS).status()
    except (ProxyGoneError, ProxyRefusedError):
        return None
