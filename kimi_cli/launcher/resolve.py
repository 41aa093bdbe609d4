"""Which host, model and key a launch runs on."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from kimi_cli.errors import KeyMissingError, NotConfiguredError, SecretError
from kimi_cli.launcher.live import LiveModels
from kimi_cli.launcher.model_choice import choose_models
from kimi_cli.providers.catalogue import PROVIDERS, customised, find_provider
from kimi_cli.providers.route import Route
from kimi_cli.store.base_url import clean_base_url, is_loopback
from kimi_cli.store.secrets import SecretStore
from kimi_cli.store.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.live_models import LiveModel
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.settings import Settings

PROVIDER_VARIABLE: Final = "KIMI_PROVIDER"
MODEL_VARIABLE: Final = "KIMI_MODEL"
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
    paths: Paths, environ: Mapping[str, str], *, provider: str | None, model: str | None, today: date
) -> Route:
    """The route that the user's flags, variables and settings mean, in that order; see `resolve`."""
    return resolve(paths, environ, provider=provider, model=model, today=today).route


def resolve(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    provider: str | None,
    model: str | None,
    today: date,
    now: Callable[[], float] = time.time,
    fetch: Callable[[Provider, str, float], tuple[LiveModel, ...]] | None = None,
) -> Resolution:
    """The route that the user's flags, variables and settings mean, in that order, with what to say about it.

    Where nothing names a provider, the only one that has a key is meant. The network is asked only where no model can
    be named without it.

    Raises:
        NotConfiguredError, ProviderUnknownError, BaseUrlError: something is missing or cannot be used.
        HostError: the host had to be asked for a model, and did not answer.
    """
    settings = read_settings(paths.settings_file)
    secrets = SecretStore(paths, environ)
    name = provider or environ.get(PROVIDER_VARIABLE, "").strip() or settings.provider
    host = _customised(find_provider(name), settings) if name else _only_with_key(settings, secrets, environ)
    if not host.base_url:
        raise NotConfiguredError(
            f"{host.name} has no address.", fix=f"kimi provider {host.id} --base-url URL --model ID"
        )
    key = _key(host, secrets)
    live = LiveModels(paths, host, key, now, fetch or _fetch)
    own = settings.of(host.id)
    wanted = model or environ.get(MODEL_VARIABLE, "").strip() or own.model
    chosen = choose_models(host, live, wanted=wanted, slots=own.slots, today=today)
    route = Route(
        provider=host.id,
        format=host.format,
        base_url=host.base_url,
        dialect=host.dialect_name,
        models=chosen.models,
        key=key,
        slots=tuple(own.slots.items()),
        name=host.name,
    )
    variables = {own.key_variable for own in settings.providers.values() if own.key_variable}
    return Resolution(route, live, chosen.warnings, (*host.key_variables, *sorted(variables)))


def _customised(provider: Provider, settings: Settings) -> Provider:
    own = settings.of(provider.id)
    base_url = clean_base_url(own.base_url, format=own.format or provider.format) if own.base_url else None
    return customised(provider, base_url=base_url, format=own.format, key_variable=own.key_variable)


def _only_with_key(settings: Settings, secrets: SecretStore, environ: Mapping[str, str]) -> Provider:
    """The only provider with a key: in a variable, or where no variable has one, in the keyring or the file."""
    hosts = [host for host in (_customised(listed, settings) for listed in PROVIDERS.values()) if host.base_url]
    found = [host for host in hosts if any(environ.get(variable, "").strip() for variable in host.key_variables)]
    if not found:
        try:
            found = [host for host in hosts if secrets.read_key(host) is not None]
        except SecretError:  # it says nothing about which host is meant; choosing one is the way out of it, too
            found = []
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotConfiguredError(
            "No provider is chosen, and none has a key.", fix="kimi provider NAME   (kimi provider list)"
        )
    names = ", ".join(host.id for host in found)
    raise NotConfiguredError(
        f"Several providers have a key ({names}), and none is chosen.", fix=f"kimi provider {found[0].id}"
    )


def _key(host: Provider, secrets: SecretStore) -> str:
    stored = secrets.read_key(host)
    if stored is not None:
        return stored.value
    if host.id == _KEYLESS or is_loopback(urlsplit(host.base_url).hostname or ""):
        return ""
    variable = host.key_variables[0] if host.key_variables else None
    raise KeyMissingError(host.id, provider_name=host.name, variable=variable)


def _fetch(provider: Provider, key: str, timeout: float) -> tuple[LiveModel, ...]:
    from kimi_cli.hosts.models import fetch_models

    return fetch_models(provider.models_url, key=key or None, timeout=timeout, provider_id=provider.id)
