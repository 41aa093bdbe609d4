"""A key forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimi_cli.errors import ProviderUnknownError, SecretError, SettingsError
from kimi_cli.providers.catalogue import PROVIDERS, find_provider
from kimi_cli.providers.search import SERVICES
from kimi_cli.store.key_places import KeyPlaces
from kimi_cli.store.keyring_backend import KeyringError
from kimi_cli.store.known import known_providers
from kimi_cli.store.provider_name import name_fault
from kimi_cli.store.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kimi_cli.store.keyring_backend import Keyring
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.secrets import KeySource


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of a provider's key.

    `sources` are the places that it is gone from; none where there was no key. `variable` is set, holds a key of this
    provider, and stays: it is the user's own. With `failures` a key may be left.
    """

    provider: str
    name: str
    sources: tuple[KeySource, ...]
    variable: str | None
    failures: tuple[SecretError, ...] = ()

    @property
    def exit_code(self) -> int:
        """The status to end with."""
        return self.failures[0].exit_code if self.failures else 0


def forget_key(name: str, paths: Paths, environ: Mapping[str, str], *, keyring: Keyring | None = None) -> Forgotten:
    """Removes a provider's key from the keyring and from the protected file.

    The key of a provider that was removed with its key kept can still be named.

    Raises:
        ProviderUnknownError: there is no such provider, and no key of that name.
        SettingsError: the provider is not in the catalogue, and the settings cannot be read.
    """
    places = KeyPlaces(paths, environ, keyring=keyring)
    wanted = name.strip().lower()
    settings = _settings(wanted, paths)
    try:
        provider = find_provider(wanted, providers={**SERVICES, **known_providers(settings)})
    except ProviderUnknownError:
        gone = places.forget([wanted]) if name_fault(wanted) is None else None
        if gone is None or not gone.keys:
            raise
        shown_name, variable = wanted, None
    else:
        gone = places.forget([wanted])
        own = settings.of(wanted).key_variable
        shown_name, variable = provider.name, set_variable((own,) if own else provider.key_variables, environ)
    return Forgotten(
        provider=wanted,
        name=shown_name,
        sources=tuple(key.source for key in gone.keys),
        variable=variable,
        failures=tuple(left_behind(error, again=f"kimi unset-key {wanted}") for error in gone.troubles),
    )


def set_variable(names: Iterable[str], environ: Mapping[str, str]) -> str | None:
    """The first of these variables that is set, and not empty."""
    return next((variable for variable in names if environ.get(variable, "").strip()), None)


def left_behind(error: SecretError, *, again: str) -> SecretError:
    """An error of a place of keys as one about their removal. `again` is the command to repeat when it works."""
    if isinstance(error, KeyringError):  # what it proposes itself is another place to store a key in
        return KeyringError(f"{error} A key may be left in it.", fault=error.fault, fix=again)
    return error


def _settings(wanted: str, paths: Paths) -> Settings:
    """The settings; broken ones do not matter to a provider of the catalogue."""
    try:
        return read_settings(paths.settings_file)
    except SettingsError:
        if wanted in {*PROVIDERS, *SERVICES}:
            return Settings()
        raise
