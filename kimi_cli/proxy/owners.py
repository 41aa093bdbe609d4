"""Notices when a process that owns a session is gone."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kimi_cli.proxy.sessions import Session, Sessions
    from kimi_cli.store.identity import ProcessIdentity

POLL_SECONDS: Final = 1.0
"""How often a process is looked at where the system cannot tell us of its end; a session outlives it by no more."""


class OwnerWatch:
    """Watches the owners of all sessions: through a pidfd on Linux, by looking once a second elsewhere.

    A pidfd names one process for good; it is compared with the identity once, after it is opened, and then no later
    reuse of the number can mislead us.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._descriptors: dict[ProcessIdentity, int] = {}
        self._polled: set[ProcessIdentity] = set()
        self._timer: asyncio.TimerHandle | None = None
        sessions.on_end.append(self._forget_owners)

    def watch(self, owner: ProcessIdentity) -> None:
        """Watches a process until it is gone or owns no session any more. One that is gone already is noticed too."""
        if owner in self._descriptors or owner in self._polled:
            return
        descriptor: int | None = _open_descriptor(owner)
        if descriptor is None:
            self._polled.add(owner)
            self._schedule(0.0)
        else:
            self._descriptors[owner] = descriptor
            asyncio.get_running_loop().add_reader(descriptor, self._gone, owner)

    def close(self) -> None:
        """Watches nothing any more."""
        for owner in (*self._descriptors, *self._polled):
            self._forget(owner)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _gone(self, owner: ProcessIdentity) -> None:
        self._forget(owner)
        self._sessions.drop_owner(owner)

    def _forget_owners(self, session: Session) -> None:
        for owner in session.owners:
            if not any(owner in other.owners for other in self._sessions):
                self._forget(owner)

    def _forget(self, owner: ProcessIdentity) -> None:
        self._polled.discard(owner)
        descriptor = self._descriptors.pop(owner, None)
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)

    def _schedule(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._poll)

    def _poll(self) -> None:
        self._timer = None
        for owner in tuple(self._polled):
            if not owner.is_alive():
                self._gone(owner)
        if self._polled:
            self._schedule(POLL_SECONDS)


if sys.platform == "linux":

    def _open_descriptor(owner: ProcessIdentity) -> int | None:
        """A descriptor that becomes readable when this very process ends, or None where it has to be polled.

        A process that is gone is polled as well: the first look settles it, in the same way as everywhere else.
        """
        try:
            descriptor = os.pidfd_open(owner.pid)
        except OSError:  # gone, no such system call, or no descriptor left
            return None
        if owner.is_alive():
            return descriptor
        os.close(descriptor)
        return None

else:

    def _open_descriptor(_owner: ProcessIdentity) -> int | None:
        """There is nothing of the kind here: every process is polled."""
