"""Every provider that this user can choose: the catalogue's and those of the settings, as the user changed them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from kimi_cli.errors import BaseUrlError, NotConfiguredError, SecretError
from kimi_cli.providers.catalogue import PROVIDERS, customised, find_provider
from kimi_cli.providers.provider import Format, Provider
from kimi_cli.providers.search import SERVICES
from kimi_cli.store.base_url import clean_base_url
from kimi_cli.store.provider_name import default_variable, name_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.store.secrets import SecretStore
    from kimi_cli.store.settings import ProviderSettings, Settings


def known_providers(settings: Settings) -> Mapping[str, Provider]:
    """The catalogue's providers as they are in it, then those that the user added, by id.

    An added one whose base URL cannot be used is listed without an address; `configured` says what is wrong with it.
    """
    added = {name: _added(name, own) for name, own in settings.providers.items() if is_added(name, settings)}
    return MappingProxyType({**PROVIDERS, **added})


def key_owner(name: str, settings: Settings) -> Provider:
    """Whoever a key of that name is for: a search engine, or a provider; raises as `configured` does."""
    return SERVICES.get(name.strip().lower()) or configured(name, settings)


def is_added(name: str, settings: Settings) -> bool:
    """Whether this is the id of a provider that the user added: one with an address, and with a name of its own."""
    return name_fault(name) is None and bool(settings.of(name).base_url)


def configured(name: str, settings: Settings) -> Provider:
    """The provider of that id with what the user set for it; case does not count.

    Raises:
        ProviderUnknownError: there is none; it suggests another.
        BaseUrlError: the base URL that is set for it cannot be used.
    """
    listed = find_provider(name, providers=known_providers(settings))
    own = settings.of(listed.id)
    try:
        base_url = clean_base_url(own.base_url, format=own.format or listed.format) if own.base_url else None
    except BaseUrlError as error:
        error.fix = f"kimi provider {listed.id} --base-url https://HOST/v1"
        raise
    return customised(listed, base_url=base_url, format=own.format, key_variable=own.key_variable)


def only_with_key(settings: Settings, secrets: SecretStore, environ: Mapping[str, str]) -> Provider:
    """The provider that is meant where none is named: the only one with a key.

    Keys in variables count before those in the keyring or the file, which are then not even looked at.

    Raises:
        NotConfiguredError: there is none, or there are several.
        BaseUrlError: there is none, and a base URL that is set cannot be used.
    """
    hosts: list[Provider] = []
    trouble: BaseUrlError | None = None
    for name in known_providers(settings):
        try:
            hosts.append(configured(name, settings))
        except BaseUrlError as error:
            trouble = trouble or error
    hosts = [host for host in hosts if host.base_url]
    found = [host for host in hosts if any(environ.get(variable, "").strip() for variable in host.key_variables)]
    if not found:
        try:
            found = [host for host in hosts if secrets.read_key(host) is not None]
        except SecretError:  # it says nothing about which host is meant; choosing one is the way out of it, too
            found = []
    if len(found) == 1:
        return found[0]
    if not found:
        if trouble is not None:
            raise trouble
        raise NotConfiguredError(
            "No provider is chosen, and none has a key.", fix="kimi setup   or   kimi provider NAME"
        )
    names = ", ".join(host.id for host in found)
    raise NotConfiguredError(
        f"Several providers have a key ({names}), and none is chosen.", fix=f"kimi provider {found[0].id}"
    )


def key_variables(settings: Settings) -> tuple[str, ...]:
    """Every environment variable in which a key of any provider may be, by the catalogue and by the settings."""
    owners = (*known_providers(settings).values(), *SERVICES.values())
    listed = {variable for owner in owners for variable in owner.key_variables}
    named = {own.key_variable for own in settings.providers.values() if own.key_variable}
    return tuple(sorted(listed | named))


def _added(name: str, own: ProviderSettings) -> Provider:
    bare = Provider(
        id=name,
        name=name,
        format=own.format or Format.OPENAI,
        base_url="",
        models_url="",
        dialect_name="gateway",
        key_variables=(default_variable(name),),
    )
    try:
        base_url = clean_base_url(own.base_url or "", format=bare.format)
    except BaseUrlError:
        base_url = None
    return customised(bare, base_url=base_url, key_variable=own.key_variable)
