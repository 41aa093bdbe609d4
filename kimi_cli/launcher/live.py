"""A host's live list as a launch uses it: the remembered one at once, a new one in the background."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import HostError
from kimi_cli.providers.catalogue import is_catalogued
from kimi_cli.providers.provider import Format
from kimi_cli.record import Record, field
from kimi_cli.store.live_models import LiveList, read_live, write_live

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.live_models import LiveModel
    from kimi_cli.store.paths import Paths

WAIT_SECONDS: Final = 5.0
"""How long a launch waits for a host where it cannot go on without the list; hosts answer in less than two."""


class LiveModels(Record):
    """One host's list. `now` gives seconds since 1970; `fetch` asks the host, with a limit in seconds."""

    paths: Paths
    provider: Provider
    key: str = field(shown=False)
    now: Callable[[], float]
    fetch: Callable[[Provider, str, float], tuple[LiveModel, ...]]

    @property
    def is_offered(self) -> bool:
        """Whether the host can be expected to have a list: one of the catalogue has, and so has OpenAI's protocol.

        An Anthropic-format address of the user's own mostly has none.
        """
        provider = self.provider
        return bool(provider.models_url) and (is_catalogued(provider) or provider.format is Format.OPENAI)

    def remembered(self) -> LiveList | None:
        """The list as last fetched, however old."""
        return read_live(self.paths, self.provider.id, self.provider.base_url, now=self.now())

    def ask(self) -> LiveList:
        """The host's list of this moment, remembered.

        Raises:
            HostError: the host does not give one.
        """
        models, now = self.fetch(self.provider, self.key, WAIT_SECONDS), self.now()
        self._remember(models, now=now)
        return LiveList(models=models, fetched_at=now, is_fresh=True)

    def _remember(self, models: tuple[LiveModel, ...], *, now: float) -> None:
        with suppress(OSError):  # the next launch asks again
            write_live(self.paths, self.provider.id, self.provider.base_url, models, now=now)


class Refresh:
    """Brings the remembered list up to date beside everything else, for the launches after this one."""

    def __init__(self, live: LiveModels) -> None:
        self._live = live
        self._writing = threading.Lock()
        self._is_over = False

    def start(self) -> None:
        """Begins, if the remembered list is older than a day and the host has one."""
        if not self._live.is_offered:
            return
        remembered = self._live.remembered()
        if remembered is None or not remembered.is_fresh:
            threading.Thread(target=self._run, name="live list", daemon=True).start()

    def finish(self) -> None:
        """Ends it: nothing is waited for but a file that is just being written."""
        with self._writing:
            self._is_over = True

    def _run(self) -> None:
        live = self._live
        with suppress(HostError):
            models = live.fetch(live.provider, live.key, WAIT_SECONDS)
            with self._writing:
                if not self._is_over:
                    live._remember(models, now=live.now())  # noqa: SLF001 - two halves of one thing
