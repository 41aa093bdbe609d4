"""Providers of the user's own: added under a name, and removed."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import ProviderUnknownError, UsageError
from kimi_cli.providers.catalogue import PROVIDERS, find_provider
from kimi_cli.setup.footprint import live_lists
from kimi_cli.setup.forget import left_behind, set_variable
from kimi_cli.setup.model_id import clean_model_id
from kimi_cli.store.base_url import clean_base_url
from kimi_cli.store.key_places import KeptKeys, KeyPlaces
from kimi_cli.store.known import configured, is_added, known_providers
from kimi_cli.store.provider_name import default_variable, name_fault
from kimi_cli.store.settings import read_settings, remove_provider, save_provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.providers.provider import Format, Provider
    from kimi_cli.store.keyring_backend import Keyring
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.secrets import KeySource

_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
"""Capitals alone: a key that was pasted in the variable's place is noticed, and does not get into the settings."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing a provider takes along, or has taken.

    `is_chosen`: launches use it, and use none afterwards. `keys` are the places of its key, which goes or, with
    `keep_key`, stays; `variable` is set, and stays. `troubles` are sentences about places that cannot be looked at.
    """

    provider: str
    is_chosen: bool
    keys: tuple[KeySource, ...]
    keep_key: bool
    variable: str | None
    troubles: tuple[str, ...] = ()


def add_provider(
    name: str,
    paths: Paths,
    *,
    format: Format,  # noqa: A002 - the word that users know
    base_url: str,
    model: str,
    key_variable: str | None = None,
) -> Provider:
    """Adds a provider, and does not choose it.

    Raises:
        UsageError, BaseUrlError: the name or another value cannot be used.
        SettingsError: the settings cannot be read, understood or written; then they are as they were.
    """
    name = name.strip()
    fault = name_fault(name)
    if fault is not None:
        raise UsageError(f"A provider cannot be named {name!r}: {fault}.", fix=_example(format, name="my-host"))
    if is_added(name, read_settings(paths.settings_file)):
        raise UsageError(f"There is a provider {name} already.", fix=f"kimi provider {name} --base-url URL --model ID")
    model = clean_model_id(model, fix=_example(format, name=name))
    if key_variable is not None and not _VARIABLE.fullmatch(key_variable):
        raise UsageError(
            "--key-env takes the name of an environment variable, in capital letters, and never the key itself.",
            fix=f"{_example(format, name=name)} --key-env {default_variable(name)}",
        )
    save_provider(
        paths.settings_file,
        name,
        format=format,
        base_url=clean_base_url(base_url, format=format),
        model=model,
        key_variable=key_variable,
    )
    return configured(name, read_settings(paths.settings_file))


def removal_of(
    name: str, paths: Paths, environ: Mapping[str, str], *, keep_key: bool, keyring: Keyring | None = None
) -> Removal:
    """What `remove_added` would do; changes nothing, and raises as that does before it changes anything."""
    provider_id, variables = _find(name, paths)
    found = KeyPlaces(paths, environ, keyring=keyring).kept([provider_id])
    return _removal(provider_id, variables, paths, environ, keys=found, keep_key=keep_key)


def remove_added(
    name: str, paths: Paths, environ: Mapping[str, str], *, keep_key: bool, keyring: Keyring | None = None
) -> Removal:
    """Removes a provider that the user added, with its key unless `keep_key`, and the remembered list of its models.

    The key goes first: without its provider it could hardly be found any more.

    Raises:
        ProviderUnknownError: there is none of that name.
        UsageError: it is one of the catalogue.
        SecretError: the key may be left somewhere; then the provider is, too.
        SettingsError: the settings cannot be read, understood or written.
    """
    provider_id, variables = _find(name, paths)
    places = KeyPlaces(paths, environ, keyring=keyring)
    keys = places.kept([provider_id]) if keep_key else places.forget([provider_id])
    if keys.troubles and not keep_key:
        raise left_behind(keys.troubles[0], again=f"kimi provider remove {provider_id} --keep-key")
    removal = _removal(provider_id, variables, paths, environ, keys=keys, keep_key=keep_key)
    remove_provider(paths.settings_file, provider_id)
    for file in live_lists(paths, provider_id):
        with suppress(OSError):  # nothing reads it any more
            file.unlink()
    return removal


def _find(name: str, paths: Paths) -> tuple[str, tuple[str, ...]]:
    """The id of the provider to remove, and the variables of its key. One that is incomplete can be removed, too."""
    settings = read_settings(paths.settings_file)
    wanted = name.strip()
    if wanted.lower() in PROVIDERS:
        wanted = wanted.lower()
        raise UsageError(
            f"{PROVIDERS[wanted].name} is in the catalogue and stays there; what you set for it can be removed.",
            fix=f"kimi reset --provider {wanted}",
        )
    wanted = wanted if wanted in settings.providers else wanted.lower()
    if wanted not in settings.providers:
        known = known_providers(settings)
        try:
            find_provider(name, providers=known)
        except ProviderUnknownError as error:
            added = error.suggestion not in PROVIDERS and error.suggestion
            error.fix = f"kimi provider remove {added}" if added else "kimi provider list"
            raise
    own = settings.of(wanted).key_variable
    return wanted, (own,) if own else (default_variable(wanted),)


def _removal(
    provider_id: str,
    variables: tuple[str, ...],
    paths: Paths,
    environ: Mapping[str, str],
    *,
    keys: KeptKeys,
    keep_key: bool,
) -> Removal:
    chosen = read_settings(paths.settings_file).provider or ""
    return Removal(
        provider=provider_id,
        is_chosen=chosen.strip().lower() == provider_id.lower(),
        keys=tuple(key.source for key in keys.keys),
        keep_key=keep_key,
        variable=set_variable(variables, environ),
        troubles=tuple(str(trouble) for trouble in keys.troubles),
    )


def _example(format: Format, *, name: str) -> str:  # noqa: A002 - the word that users know
    return f"kimi provider add {name} --format {format} --base-url https://HOST/v1 --model ID"
