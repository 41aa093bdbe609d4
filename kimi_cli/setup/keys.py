"""A key taken in and stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimi_cli.providers.catalogue import find_provider
from kimi_cli.store.secrets import SecretStore, clean_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.secrets import KeySource


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a key is now, and the variable that still outranks it, if one is set."""

    provider: Provider
    source: KeySource
    outranked_by: str | None


def take_key(name: str, text: str, paths: Paths, environ: Mapping[str, str], *, insecure: bool) -> Stored:
    """Store a provider's key.

    Raises:
        ProviderUnknownError: there is no such provider.
        SecretError: the key is none, or cannot be stored; what was stored before still is.
    """
    provider = find_provider(name)
    source = SecretStore(paths, environ).store_key(provider.id, clean_key(provider, text), insecure=insecure)
    outranking = next((variable for variable in provider.key_variables if environ.get(variable, "").strip()), None)
    return Stored(provider, source, outranking)
