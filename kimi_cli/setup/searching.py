"""Which engine searches the web, and what it still lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import SecretError, UsageError
from kimi_cli.providers.search import BRAVE, ENGINES, KEYLESS, KIMI, OFF, SEARXNG, SERVICES, TAVILY
from kimi_cli.setup.finding import Finding, Level
from kimi_cli.store.base_url import clean_base_url
from kimi_cli.store.secrets import SecretStore
from kimi_cli.store.settings import read_settings, save_search
from kimi_cli.store.spelling import closest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.providers.search import SearchChoice
    from kimi_cli.store.paths import Paths

DESCRIPTIONS: Final[dict[str, str]] = {
    KEYLESS: "public search engines, no key; they may refuse many searches",
    SEARXNG: "an instance of SearXNG at your address",
    BRAVE: "Brave Search, with a key",
    TAVILY: "Tavily, with a key",
    KIMI: "Moonshot's own, with the key of a Kimi Code membership",
    OFF: "no search",
}


@dataclass(frozen=True, slots=True)
class SearchState:
    """The engine that is chosen. `lack` is a sentence about what it misses, with the command that mends it."""

    choice: SearchChoice
    lack: tuple[str, str] | None


def choose_search(engine: str, paths: Paths, *, base_url: str | None) -> None:
    """Choose the engine, with an address for those that may have one.

    Raises:
        UsageError, BaseUrlError, SettingsError: it cannot be done, and nothing is changed.
    """
    wanted = engine.strip().lower()
    if wanted not in ENGINES:
        close = closest(wanted, ENGINES)
        hint = f"did you mean {close}?" if close else f"known: {', '.join(ENGINES)}."
        raise UsageError(f"There is no search engine {engine!r}; {hint}", fix=f"kimi search {close or KEYLESS}")
    if base_url is not None and wanted in {KEYLESS, OFF}:
        raise UsageError(f"--base-url means nothing to {wanted}.", fix=f"kimi search {wanted}")
    known = read_settings(paths.settings_file).search
    if wanted == SEARXNG and not base_url and not (known.engine == SEARXNG and known.base_url):
        fix = "kimi search searxng --base-url http://127.0.0.1:8888"
        raise UsageError("SearXNG needs the address of an instance.", fix=fix)
    address = clean_base_url(base_url).removesuffix("/search") if base_url else base_url
    if address is None and wanted != known.engine:
        address = ""  # the address of another engine
    save_search(paths.settings_file, wanted, base_url=address)


def search_state(paths: Paths, environ: Mapping[str, str]) -> SearchState:
    """The engine that is chosen, looked at.

    Raises:
        SettingsError: the settings cannot be read or understood.
    """
    choice = read_settings(paths.settings_file).search
    if choice.engine == SEARXNG and not choice.base_url:
        return SearchState(choice, ("SearXNG has no address.", "kimi search searxng --base-url URL"))
    service = SERVICES.get(choice.engine)
    if service is None:
        return SearchState(choice, None)
    try:
        stored = SecretStore(paths, environ).read_key(service)
    except SecretError as error:
        return SearchState(choice, (str(error), error.fix or f"kimi set-key {service.id}"))
    lack = None if stored else (f"There is no key for {service.name}.", f"kimi set-key {service.id}")
    return SearchState(choice, lack)


def search_finding(state: SearchState) -> Finding:
    """What a check-up says of it."""
    choice = state.choice
    facts = {"engine": choice.engine, "base_url": choice.base_url or None}
    if state.lack is not None:
        return Finding("search", Level.WARNING, f"{state.lack[0]} Web searches will fail.", state.lack[1], facts)
    where = f" at {choice.base_url}" if choice.base_url else ""
    return Finding("search", Level.OK, f"{choice.engine}{where}: {DESCRIPTIONS[choice.engine]}", facts=facts)
