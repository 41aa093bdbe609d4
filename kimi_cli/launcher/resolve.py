"""Which host, model and key a launch runs on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from kimi_cli.errors import HostError, KeyMissingError, KimiError, NotConfiguredError, SecretError
from kimi_cli.launcher.live import LiveModels
from kimi_cli.launcher.model_choice import choose_models
from kimi_cli.providers.route import Route
from kimi_cli.providers.search import SERVICES, SearchChoice
from kimi_cli.record import Record, field, replace
from kimi_cli.store.base_url import is_loopback
from kimi_cli.store.known import configured, key_variables, only_with_key
from kimi_cli.store.secrets import SecretStore
from kimi_cli.store.wanted import read_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.live_models import LiveModel
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.wanted import Wanted

_KEYLESS: Final = "custom"
"""The one provider whose key is optional wherever it is."""


class Resolution(Record):
    """Where a launch goes. `warnings` are sentences for the user; `key_variables` are where keys may be set."""

    route: Route
    live: LiveModels = field(shown=False)
    warnings: tuple[str, ...]
    key_variables: tuple[str, ...]


def resolve_route(
    paths: Paths, environ: Mapping[str, str], *, provider: str | None, model: str | None, cwd: Path | None, today: date
) -> Route:
    """The route that flags, variables, project and settings mean, in that order; see `resolve`."""
    return resolve(paths, environ, provider=provider, model=model, cwd=cwd, today=today).route


def resolve(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    provider: str | None,
    model: str | None,
    cwd: Path | None,
    today: date,
    now: Callable[[], float] = time.time,
    fetch: Callable[[Provider, str, float], tuple[LiveModel, ...]] | None = None,
) -> Resolution:
    """The route that flags, variables, project and settings mean, in that order, with what to say about it.

    `provider` and `model` are the flags; without `cwd` no project counts. Where nothing names a provider, the only one
    that has a key is meant. The network is asked only where no model can be named without it.

    Raises:
        NotConfiguredError, ProviderUnknownError, BaseUrlError: something is missing or cannot be used.
        HostError: the host had to be asked for a model, and did not answer.
    """
    wanted = read_wanted(paths, environ, cwd=cwd, provider=provider, model=model)
    secrets = SecretStore(paths, environ)
    host = wanted.host() or only_with_key(wanted.settings, secrets, environ)
    live = _live(host, paths, secrets, now=now, fetch=fetch or _fetch)
    named = wanted.model(host.id)
    slots = {slot: chosen.value for slot, chosen in wanted.slots(host.id).items()}
    route, warnings = _route(live, model=named.value if named else None, slots=slots, today=today)
    fallbacks, doubts = fallback_routes(host, wanted, paths, secrets, today=today, now=now)
    search, missing = search_choice(wanted, secrets)
    route = replace(route, ledger=wanted.settings.ledger is not False, fallbacks=fallbacks, search=search)
    return Resolution(route, live, (*wanted.warnings, *warnings, *doubts, *missing), key_variables(wanted.settings))


def _live(
    host: Provider,
    paths: Paths,
    secrets: SecretStore,
    *,
    now: Callable[[], float],
    fetch: Callable[[Provider, str, float], tuple[LiveModel, ...]],
) -> LiveModels:
    """What is known of a host that can be used: it has an address, and a key if it wants one."""
    if not host.base_url:
        raise NotConfiguredError(
            f"{host.name} has no address.", fix=f"kimi provider {host.id} --base-url URL --model ID"
        )
    return LiveModels(paths, host, _key(host, secrets), now, fetch)


def _route(
    live: LiveModels, *, model: str | None, slots: Mapping[str, str], today: date
) -> tuple[Route, tuple[str, ...]]:
    """The route to one host, and sentences about its models; raises as `choose_models` does."""
    host = live.provider
    models, doubts = choose_models(host, live, wanted=model, slots=slots, today=today)
    route = Route(
        provider=host.id,
        format=host.format,
        base_url=host.base_url,
        dialect=host.dialect_name,
        models=models,
        key=live.key,
        slots=tuple(slots.items()),
        name=host.name,
    )
    return route, doubts


def fallback_routes(
    first: Provider, wanted: Wanted, paths: Paths, secrets: SecretStore, *, today: date, now: Callable[[], float]
) -> tuple[tuple[Route, ...], tuple[str, ...]]:
    """The routes to the hosts that stand in for the first, and sentences about those that cannot. No host is asked."""
    routes: list[Route] = []
    doubts: list[str] = []
    for name in dict.fromkeys(wanted.settings.fallback):
        try:
            host = configured(name, wanted.settings)
            if host.id != first.id:
                own = wanted.settings.of(host.id)
                live = _live(host, paths, secrets, now=now, fetch=_ask_nobody)
                routes.append(_route(live, model=own.model, slots=own.slots, today=today)[0])
        except KimiError as error:
            fix = f" To mend it: {error.fix}" if error.fix else ""
            doubts.append(f"{name} cannot stand in for {first.id}: {error}{fix}")
    return tuple(routes), tuple(doubts)


def search_choice(wanted: Wanted, secrets: SecretStore) -> tuple[SearchChoice, tuple[str, ...]]:
    """What searches the web, with its key, and a sentence where that is missing. The first search would fail then."""
    choice = wanted.settings.search
    service = SERVICES.get(choice.engine)
    if service is None:
        return choice, ()
    try:
        stored = secrets.read_key(service)
    except SecretError as error:
        return choice, (f"Web search has no key for {service.name}: {error}",)
    if stored is None:
        return choice, (f"Web search has no key for {service.name}. To store one: kimi set-key {service.id}",)
    return replace(choice, key=stored.value), ()


def needs_key(host: Provider) -> bool:
    """Whether a launch on this host wants a key; engines on this machine run without."""
    return host.id != _KEYLESS and not is_loopback(urlsplit(host.base_url).hostname or "")


def _key(host: Provider, secrets: SecretStore) -> str:
    stored = secrets.read_key(host)
    if stored is not None:
        return stored.value
    if not needs_key(host):
        return ""
    variable = host.key_variables[0] if host.key_variables else None
    raise KeyMissingError(host.id, provider_name=host.name, variable=variable)


def _ask_nobody(provider: Provider, _key: str, _seconds: float) -> tuple[LiveModel, ...]:
    raise HostError(f"No model is chosen for {provider.name}.", fix=f"kimi provider {provider.id} --model ID")


def _fetch(provider: Provider, key: str, timeout: float) -> tuple[LiveModel, ...]:
    from kimi_cli.hosts.models import fetch_models

    return fetch_models(provider.models_url, key=key or None, timeout=timeout, provider_id=provider.id)
