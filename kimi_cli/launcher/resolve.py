"""Which host, model and key a launch runs on."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from kimi_cli.errors import KeyMissingError, NotConfiguredError
from kimi_cli.launcher.live import LiveModels
from kimi_cli.launcher.model_choice import choose_models
from kimi_cli.providers.route import Route
from kimi_cli.store.base_url import is_loopback
from kimi_cli.store.known import key_variables, only_with_key
from kimi_cli.store.secrets import SecretStore
from kimi_cli.store.wanted import read_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.live_models import LiveModel
    from kimi_cli.store.paths import Paths

_KEYLESS: Final = "custom"
"""The one provider whose key is optional wherever it is."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where a launch goes. `warnings` are sentences for the user; `key_variables` are where keys may be set."""

    route: Route
    live: LiveModels = field(repr=False)
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
    if not host.base_url:
        raise NotConfiguredError(
            f"{host.name} has no address.", fix=f"kimi provider {host.id} --base-url URL --model ID"
        )
    key = _key(host, secrets)
    live = LiveModels(paths, host, key, now, fetch or _fetch)
    named = wanted.model(host.id)
    slots = {slot: chosen.value for slot, chosen in wanted.slots(host.id).items()}
    chosen = choose_models(host, live, wanted=named.value if named else None, slots=slots, today=today)
    route = Route(
        provider=host.id,
        format=host.format,
        base_url=host.base_url,
        dialect=host.dialect_name,
        models=chosen.models,
        key=key,
        slots=tuple(slots.items()),
        name=host.name,
    )
    return Resolution(route, live, (*wanted.warnings, *chosen.warnings), key_variables(wanted.settings))


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


def _fetch(provider: Provider, key: str, timeout: float) -> tuple[LiveModel, ...]:
    from kimi_cli.hosts.models import fetch_models

    return fetch_models(provider.models_url, key=key or None, timeout=timeout, provider_id=provider.id)
