"""What the shell can complete: names of providers, ids of models, and our own words. Nothing is asked of any host."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - the application looks at the annotations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimi_cli.store.settings import Settings


def complete_provider(incomplete: str) -> list[str]:
    """The providers whose names begin so."""
    return _beginning(_known(), incomplete)


def complete_provider_or_word(incomplete: str) -> list[str]:
    """The same, and what else `kimi provider` can be followed by."""
    return _beginning((*_known(), "list", "add", "remove", "fallback"), incomplete)


def complete_named_provider(ctx: typer.Context, incomplete: str) -> list[str]:
    """The providers that can be removed, which are those of the user's own, or that can stand in, which all can."""
    from kimi_cli.providers.catalogue import PROVIDERS

    if ctx.params.get("what") == "fallback":
        return _beginning(_known(), incomplete)
    if ctx.params.get("what") != "remove":
        return []
    return _beginning((name for name in _known() if name not in PROVIDERS), incomplete)


def complete_model(ctx: typer.Context, incomplete: str) -> list[str]:
    """The models whose ids begin so, of the provider on the command line or of the chosen one.

    They are those of the remembered list, or else the catalogue's that are still served.
    """
    from kimi_cli.errors import KimiError
    from kimi_cli.store.known import configured
    from kimi_cli.store.live_models import read_live
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.wanted import PROVIDER_VARIABLE

    try:
        settings = _settings()
        name = _typed(ctx) or os.environ.get(PROVIDER_VARIABLE) or settings.provider
        if not name:
            return []
        provider = configured(name, settings)
        live = read_live(Paths.find(os.environ), provider.id, provider.base_url, now=time.time())
    except KimiError:  # a completion has nowhere to say what is wrong; the command will
        return []
    listed = (
        [model.id for model in live.models] if live else [model.id for model in provider.models if not model.retired]
    )
    return _beginning(listed, incomplete)


def complete_slot(incomplete: str) -> list[str]:
    """Claude Code's names for models."""
    from kimi_cli.providers.route import SLOTS

    return _beginning(SLOTS, incomplete)


def complete_engine(incomplete: str) -> list[str]:
    """The search engines."""
    from kimi_cli.providers.search import ENGINES

    return _beginning(ENGINES, incomplete)


def complete_key_owner(incomplete: str) -> list[str]:
    """Whoever a key can be for: the providers, and the search engines that want one."""
    from kimi_cli.providers.search import SERVICES

    return _beginning((*_known(), *SERVICES), incomplete)


def complete_config_word(incomplete: str) -> list[str]:
    """What `kimi config` can be followed by."""
    return _beginning(("path", "show", "edit"), incomplete)


def _typed(ctx: typer.Context) -> str | None:
    """The provider that stands on the command line already."""
    named: str | None = ctx.params.get("provider") or ctx.params.get("what")
    if named is None and ctx.info_name == "provider" and ctx.args:  # where an option waits for its value
        return ctx.args[0]
    return named


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _known() -> list[str]:
    from kimi_cli.errors import KimiError
    from kimi_cli.providers.catalogue import PROVIDERS
    from kimi_cli.store.known import known_providers

    try:
        return list(known_providers(_settings()))
    except KimiError:  # as above
        return list(PROVIDERS)


def _settings() -> Settings:
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.settings import read_settings

    return read_settings(Paths.find(os.environ).settings_file)
