"""What a set-up decided, carried out in one go at its end: until then nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimi_cli.store.secrets import SecretStore, clean_key
from kimi_cli.store.settings import choose_provider, save_provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.secrets import KeySource


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices. None leaves what is set as it is; `insecure` keeps the key in a protected file."""

    provider: Provider
    base_url: str | None = None
    model: str | None = None
    key: str | None = field(default=None, repr=False)
    insecure: bool = False


def carry_out(plan: Plan, paths: Paths, environ: Mapping[str, str]) -> KeySource | None:
    """Store the key, then the choices; returns where the key went.

    The key comes first, because it is what can fail: a provider that was chosen without its key would be a broken
    set-up, a key without its provider is merely unused.

    Raises:
        SecretError, SettingsError, BaseUrlError: it could not be stored; nothing after it was changed.
    """
    source = None
    if plan.key is not None:
        key = clean_key(plan.provider, plan.key)
        source = SecretStore(paths, environ).store_key(plan.provider.id, key, insecure=plan.insecure)
    if plan.base_url is not None or plan.model is not None:
        save_provider(paths.settings_file, plan.provider.id, base_url=plan.base_url, model=plan.model)
    choose_provider(paths.settings_file, plan.provider.id)
    return source
