"""Which models a session gets: the one that was named, or a Kimi model that the host serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_cli.errors import HostError, ModelMissingError, ModelRetiredError
from kimi_cli.providers.catalogue import is_catalogued, model_facts
from kimi_cli.providers.provider import is_kimi

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from kimi_cli.launcher.live import LiveModels
    from kimi_cli.providers.model import Model
    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.live_models import LiveList


def choose_models(
    provider: Provider, live: LiveModels, *, wanted: str | None, slots: Mapping[str, str], today: date
) -> tuple[tuple[Model, ...], tuple[str, ...]]:
    """The session's models, and sentences for the user about them. The main model is the first, each is there once.

    `wanted` is what the user named, `slots` are the models behind Claude Code's other names.

    Raises:
        ModelRetiredError: the host has ended the named one.
        ModelMissingError: none was named, and the host serves no Kimi model.
        HostError: none was named, and whether the host serves one cannot be found out.
    """
    listed = live.remembered()
    if wanted:
        main, listed = _named(provider, live, wanted, listed, today=today)
    else:
        main, listed = _unnamed(provider, live, listed, today=today)
    ids = dict.fromkeys((main, *filter(None, slots.values())))
    models = tuple(_facts(provider, model_id, listed) for model_id in ids)
    return models, tuple(_doubts(provider, models, listed, today=today))


def _named(
    provider: Provider, live: LiveModels, wanted: str, listed: LiveList | None, *, today: date
) -> tuple[str, LiveList | None]:
    model_id = wanted.removesuffix("[1m]")  # what Claude Code puts behind a model whose window is large
    retired = _retired(provider, model_id, today=today)
    if retired is None or retired.retired is None or _lists(listed, model_id):
        return model_id, listed
    if listed is None or not listed.is_fresh:
        listed = _asked(live) or listed
    if _lists(listed, model_id):
        return model_id, listed
    raise ModelRetiredError(provider.id, model=model_id, retired=retired.retired, successor=retired.successor)


def _unnamed(
    provider: Provider, live: LiveModels, listed: LiveList | None, *, today: date
) -> tuple[str, LiveList | None]:
    default = provider.default_model(today=today)
    if default is not None:
        if listed is None or not listed.is_fresh or _lists(listed, default.id):
            return default.id, listed
        return _pick(provider, listed) or default.id, listed
    if provider.models_url and (listed is None or not listed.is_fresh):
        try:
            listed = live.ask()
        except HostError as error:
            found = _pick(provider, listed)
            if found is None:
                error.fix = error.fix or f"kimi launch --model MODEL   or   kimi provider {provider.id} --model MODEL"
                raise
            return found, listed
    found = _pick(provider, listed)
    if found is None:
        reason = provider.note if is_catalogued(provider) and provider.note else f"{provider.name} lists no Kimi model."
        raise ModelMissingError(provider.id, reason=reason)
    return found, listed


def _pick(provider: Provider, listed: LiveList | None) -> str | None:
    """The model of a live list to use: one that the catalogue knows, else any Kimi model."""
    if listed is None:
        return None
    ours = (model.id for model in provider.models if is_kimi(model.id) and _lists(listed, model.id))
    anyones = (model.id for model in listed.models if is_kimi(model.id))
    return next(ours, None) or next(anyones, None)


def _facts(provider: Provider, model_id: str, listed: LiveList | None) -> Model:
    seen = listed.model(model_id) if listed else None
    return model_facts(
        provider, model_id, window=seen.context_window if seen else None, vision=seen.vision if seen else None
    )


def _doubts(provider: Provider, models: tuple[Model, ...], listed: LiveList | None, *, today: date) -> list[str]:
    """What may go wrong with the chosen models. The host has the last word, so none of it stops a launch."""
    doubts = []
    for model in models:
        if _lists(listed, model.id):
            continue
        if _retired(provider, model.id, today=today) is not None:
            doubts.append(f"{provider.name} retired {model.id} on {model.retired}.")
        elif listed is not None and listed.is_fresh and listed.models:
            doubts.append(f"{provider.name} does not list {model.id} among its models.")
    return doubts


def _asked(live: LiveModels) -> LiveList | None:
    try:
        return live.ask()
    except HostError:
        return None


def _lists(listed: LiveList | None, model_id: str) -> bool:
    return listed is not None and listed.model(model_id) is not None


def _retired(provider: Provider, model_id: str, *, today: date) -> Model | None:
    """The catalogue's entry for a model that the host has ended."""
    model = provider.model(model_id) if is_catalogued(provider) else None
    return model if model is not None and model.is_retired(today=today) else None
