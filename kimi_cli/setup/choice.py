"""Which provider is chosen, and what it still lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimi_cli.errors import UsageError
from kimi_cli.providers.catalogue import is_catalogued, model_facts
from kimi_cli.store.known import configured, known_providers
from kimi_cli.store.secrets import SecretStore
from kimi_cli.store.settings import choose_provider, read_settings, save_provider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from kimi_cli.providers.model import Model
    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.secrets import StoredKey


@dataclass(frozen=True, slots=True)
class Choice:
    """One provider as a launch would see it. `lacks` are sentences, each with the command that mends it."""

    provider: Provider
    model: Model | None
    key: StoredKey | None
    is_current: bool
    lacks: tuple[tuple[str, str], ...]


def current_choice(paths: Paths, environ: Mapping[str, str], *, today: date) -> Choice | None:
    """The provider that the settings name, or None where they name none.

    Raises:
        SettingsError, SecretError, BaseUrlError, ProviderUnknownError: what is set cannot be used.
    """
    name = read_settings(paths.settings_file).provider
    return None if name is None else look_at(name, paths, environ, today=today)


def look_at(name: str, paths: Paths, environ: Mapping[str, str], *, today: date) -> Choice:
    """One provider, chosen or not; raises as `current_choice` does."""
    settings = read_settings(paths.settings_file)
    provider = configured(name, settings)
    own = settings.of(provider.id)
    model = model_facts(provider, own.model) if own.model else provider.default_model(today=today)
    key = SecretStore(paths, environ).read_key(provider)
    return Choice(
        provider=provider,
        model=model,
        key=key,
        is_current=settings.provider == provider.id,
        lacks=tuple(_lacks(provider, model, key, today=today)),
    )


def switch(
    name: str, paths: Paths, environ: Mapping[str, str], *, base_url: str | None, model: str | None, today: date
) -> Choice:
    """Make a provider the one that launches use, with an address or a model of its own where they are given.

    Raises:
        ProviderUnknownError, BaseUrlError, SettingsError: it cannot be done, and nothing is changed.
    """
    provider = configured(name, read_settings(paths.settings_file))
    if model is not None and not model.strip():
        raise UsageError("A model needs an id.", fix=f"kimi provider {provider.id} --model ID")
    if base_url is not None or model is not None:
        save_provider(paths.settings_file, provider.id, base_url=base_url, model=model.strip() if model else None)
    choose_provider(paths.settings_file, provider.id)
    return look_at(provider.id, paths, environ, today=today)


def all_choices(paths: Paths) -> list[tuple[Provider, bool]]:
    """Every provider, the user's own last, and whether it is the one that is chosen."""
    settings = read_settings(paths.settings_file)
    return [(provider, provider.id == settings.provider) for provider in known_providers(settings).values()]


def needs_key(provider: Provider) -> bool:
    """Whether a provider wants a key; engines on this machine run without, and http:// leads nowhere else."""
    return bool(provider.key_variables) and not provider.base_url.startswith("http://")


def _lacks(provider: Provider, model: Model | None, key: StoredKey | None, *, today: date) -> list[tuple[str, str]]:
    lacks: list[tuple[str, str]] = []
    if not provider.base_url:
        lacks.append(("It has no address.", f"kimi provider {provider.id} --base-url URL --model ID"))
    if model is None:
        lacks.append((provider.note or "No model is chosen.", f"kimi provider {provider.id} --model ID"))
    elif model.is_retired(today=today) and is_catalogued(provider):
        instead = model.successor or "ID"
        lacks.append((f"{model.id} was retired on {model.retired}.", f"kimi provider {provider.id} --model {instead}"))
    if key is None and needs_key(provider):
        lacks.append(("It has no key.", f"kimi set-key {provider.id}"))
    return lacks
