"""A key taken in and stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimi_cli.setup.forget import set_variable
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


def take_key(provider: Provider, text: str, paths: Paths, environ: Mapping[str, str], *, insecure: bool) -> Stored:
    """Store a provider's key.

    Raises:
        SecretError: the key is none, or cannot be stored; what was stored before still is.
    """
    source = SecretStore(paths, environ).store_key(provider.id, clean_key(provider, text), insecure=insecure)
    return Stored(provider, source, set_variable(provider.key_variables, environ))
