"""What the shell can complete: names of providers and ids of models. Nothing is asked of any host."""

from __future__ import annotations

import os
import time


def complete_provider(incomplete: str) -> list[str]:
    """The providers whose names begin so."""
    from kimi_cli.errors import KimiError
    from kimi_cli.providers.catalogue import PROVIDERS
    from kimi_cli.store.known import known_providers
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.settings import read_settings

    try:
        known = known_providers(read_settings(Paths.find(os.environ).settings_file))
    except KimiError:  # a completion has nowhere to say what is wrong; the command will
        known = PROVIDERS
    return [name for name in known if name.startswith(incomplete)]


def complete_model(incomplete: str) -> list[str]:
    """The models of the chosen provider whose ids begin so: the remembered list's, and the catalogue's."""
    from kimi_cli.errors import KimiError
    from kimi_cli.store.known import configured
    from kimi_cli.store.live_models import read_live
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.settings import read_settings

    try:
        paths = Paths.find(os.environ)
        settings = read_settings(paths.settings_file)
        if settings.provider is None:
            return []
        provider = configured(settings.provider, settings)
    except KimiError:
        return []
    live = read_live(paths, provider.id, provider.base_url, now=time.time())
    listed = (
        [model.id for model in live.models] if live else [model.id for model in provider.models if not model.retired]
    )
    return [model_id for model_id in listed if model_id.startswith(incomplete)]
