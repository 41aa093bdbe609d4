"""Which provider is chosen, and what it still lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimi_cli.errors import SecretError, UsageError
from kimi_cli.launcher.resolve import needs_key
from kimi_cli.providers.catalogue import find_provider, is_catalogued, model_facts
from kimi_cli.setup.model_id import clean_model_id
from kimi_cli.store.known import configured, is_added, known_providers
from kimi_cli.store.secrets import SecretStore
from kimi_cli.store.settings import choose_provider, read_settings, save_fallback, save_provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from kimi_cli.providers.model import Model
    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.secrets import StoredKey
    from kimi_cli.store.settings import Settings


@dataclass(frozen=True, slots=True)
class Choice:
    """One provider as a launch would see it. `lacks` are sentences, each with the command that mends it.

    `trouble` says why it cannot be told whether there is a key; then `key` is None.
    """

    provider: Provider
    model: Model | None
    key: StoredKey | None
    is_current: bool
    lacks: tuple[tuple[str, str], ...]
    trouble: SecretError | None = None


def current_choice(paths: Paths, environ: Mapping[str, str], *, today: date) -> Choice | None:
    """The provider that the settings name, or None where they name none.

    Raises:
        SettingsError, BaseUrlError, ProviderUnknownError: what is set cannot be used.
    """
    name = read_settings(paths.settings_file).provider
    return None if name is None else look_at(name, paths, environ, today=today)


def look_at(name: str, paths: Paths, environ: Mapping[str, str], *, today: date) -> Choice:
    """One provider, chosen or not; raises as `current_choice` does."""
    settings = read_settings(paths.settings_file)
    provider = configured(name, settings)
    own = settings.of(provider.id)
    model = model_facts(provider, own.model) if own.model else provider.default_model(today=today)
    trouble: SecretError | None = None
    try:
        key = SecretStore(paths, environ).read_key(provider)
    except SecretError as error:
        key, trouble = None, error
    lacks = list(_lacks(provider, model, today=today))
    if trouble is not None:
        lacks.append((str(trouble), trouble.fix or f"kimi set-key {provider.id}"))
    elif key is None and needs_key(provider):
        lacks.append(("It has no key.", f"kimi set-key {provider.id}"))
    return Choice(
        provider=provider,
        model=model,
        key=key,
        is_current=_is_chosen(provider, settings),
        lacks=tuple(lacks),
        trouble=trouble,
    )


def switch(
    name: str, paths: Paths, environ: Mapping[str, str], *, base_url: str | None, model: str | None, today: date
) -> Choice:
    """Make a provider the one that launches use, with an address or a model of its own where they are given.

    An address that cannot be used gives way to a new one.

    Raises:
        ProviderUnknownError, BaseUrlError, UsageError, SettingsError: it cannot be done, and nothing is changed.
    """
    settings = read_settings(paths.settings_file)
    provider = find_provider(name, providers=known_providers(settings))
    if base_url is None:
        provider = configured(provider.id, settings)
    elif not base_url and is_added(provider.id, settings):
        raise UsageError(f"{provider.id} needs an address.", fix=f"kimi provider remove {provider.id}")
    if model is not None:
        model = clean_model_id(model, fix=f"kimi provider {provider.id} --model ID")
    if base_url is not None or model is not None:
        save_provider(paths.settings_file, provider.id, base_url=base_url, model=model)
    choose_provider(paths.settings_file, provider.id)
    return look_at(provider.id, paths, environ, today=today)


def choose_fallback(names: Iterable[str], paths: Paths) -> None:
    """Set the providers that stand in for one that cannot answer, in order; a name that is repeated counts once.

    Raises:
        ProviderUnknownError, SettingsError: it cannot be done, and nothing is changed.
    """
    known = known_providers(read_settings(paths.settings_file))
    ids = dict.fromkeys(find_provider(name, providers=known).id for name in names)
    save_fallback(paths.settings_file, list(ids))


def fallback_choices(paths: Paths, environ: Mapping[str, str], *, today: date) -> list[Choice]:
    """The providers that stand in, in order; raises as `current_choice` does."""
    settings = read_settings(paths.settings_file)
    return [look_at(name, paths, environ, today=today) for name in dict.fromkeys(settings.fallback)]


def all_choices(paths: Paths) -> list[tuple[Provider, bool]]:
    """Every provider, the user's own last, and whether it is the one that is chosen."""
    settings = read_settings(paths.settings_file)
    return [(provider, _is_chosen(provider, settings)) for provider in known_providers(settings).values()]


def _is_chosen(provider: Provider, settings: Settings) -> bool:
    return (settings.provider or "").strip().lower() == provider.id


def _lacks(provider: Provider, model: Model | None, *, today: date) -> Iterator[tuple[str, str]]:
    if not provider.base_url:
        yield "It has no address.", f"kimi provider {provider.id} --base-url URL --model ID"
    if model is None:
        note = provider.note if provider.models else ""  # without models of its own it is about something else
        yield note or "No model is chosen.", f"kimi provider {provider.id} --model ID"
    elif model.is_retired(today=today) and is_catalogued(provider):
        instead = model.successor or "ID"
        yield f"{model.id} was retired on {model.retired}.", f"kimi provider {provider.id} --model {instead}"
