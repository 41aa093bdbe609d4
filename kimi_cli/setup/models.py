"""The models of a provider: which its host serves, which stand behind Claude Code's slots, and choosing them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from kimi_cli.errors import HostError, KeyMissingError, NotConfiguredError, SecretError, UsageError
from kimi_cli.hosts.models import fetch_models
from kimi_cli.launcher.live import LiveModels
from kimi_cli.launcher.model_choice import choose_models
from kimi_cli.launcher.resolve import needs_key
from kimi_cli.providers.catalogue import model_facts
from kimi_cli.providers.provider import is_kimi
from kimi_cli.providers.route import SLOTS
from kimi_cli.record import replace
from kimi_cli.setup.model_id import clean_model_id
from kimi_cli.store.secrets import SecretStore
from kimi_cli.store.settings import save_provider, save_slots
from kimi_cli.store.spelling import closest
from kimi_cli.store.wanted import read_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

    from kimi_cli.providers.model import Model
    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.live_models import LiveList, LiveModel
    from kimi_cli.store.paths import Paths


class Standing(StrEnum):
    """How it stands with a model at its host."""

    LIVE = "live"
    RETIRED = "retired"
    UNLISTED = "not listed"
    UNKNOWN = "unknown"
    """The host gave no list."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model; `slots` are Claude Code's names that it stands behind, `main` for the session's own."""

    model: Model
    standing: Standing
    slots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelTable:
    """The models of one provider, Kimi models first.

    `trouble` says why there is no list of this moment, and `fix` is the command that mends it, where there is one.
    """

    provider: Provider
    rows: tuple[ModelRow, ...]
    trouble: str = ""
    fix: str | None = None

    @property
    def main(self) -> str | None:
        """The id of the session's own model, where one is chosen."""
        return next((row.model.id for row in self.rows if "main" in row.slots), None)


def model_table(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    provider: str | None,
    cwd: Path,
    today: date,
    now: Callable[[], float],
) -> ModelTable:
    """The models of a provider, the chosen one where none is named. The host is asked; its last list is second best.

    Raises:
        NotConfiguredError: no provider is chosen.
        KimiError: the settings or the provider cannot be used.
    """
    wanted = read_wanted(paths, environ, cwd=cwd, provider=provider)
    host = wanted.host()
    if host is None:
        raise NotConfiguredError("No provider is chosen.", fix="kimi setup   or   kimi provider NAME")
    live, trouble = LiveModels(paths, host, "", now, _fetch), ""
    listed, fix = live.remembered(), None
    try:
        live = replace(live, key=_key(host, SecretStore(paths, environ)))
        listed = live.ask()
    except (HostError, SecretError, KeyMissingError) as error:
        trouble, fix = str(error), error.fix
    named = wanted.model(host.id)
    slots = {slot: chosen.value for slot, chosen in wanted.slots(host.id).items()}
    main = named.value if named else _default(host, replace(live, fetch=_repeating(listed)), today)
    rows = [_row(host, one, listed, main=main, slots=slots, today=today) for one in _ids(host, listed, main, slots)]
    return ModelTable(host, tuple(sorted(rows, key=lambda row: not is_kimi(row.model.id))), trouble, fix)


def choose_model(paths: Paths, provider: Provider, model_id: str, *, slot: str | None) -> None:
    """Set a provider's model, or the one behind a slot; an empty id puts the slot back to the main model.

    Raises:
        UsageError: there is no such slot, or the id is none.
        SettingsError: it cannot be stored.
    """
    if slot is not None and slot not in SLOTS:
        example = model_id.strip() or "ID"
        close = closest(slot, SLOTS) or "haiku"
        fix = f"kimi model {example} --slot {close}"
        raise UsageError(f"There is no slot {slot!r}; there are {', '.join(SLOTS)}.", fix=fix)
    if slot is None:
        save_provider(paths.settings_file, provider.id, model=clean_model_id(model_id, fix="kimi models"))
    else:
        chosen = clean_model_id(model_id, fix="kimi models") if model_id.strip() else ""
        save_slots(paths.settings_file, provider.id, {slot: chosen})


def _key(host: Provider, secrets: SecretStore) -> str:
    stored = secrets.read_key(host)
    if stored is None and needs_key(host):
        variable = host.key_variables[0] if host.key_variables else None
        raise KeyMissingError(host.id, provider_name=host.name, variable=variable)
    return stored.value if stored else ""


def _default(host: Provider, live: LiveModels, today: date) -> str | None:
    try:
        (main, *_), _ = choose_models(host, live, wanted=None, slots={}, today=today)
    except (HostError, NotConfiguredError):
        return None
    return main.id


def _ids(host: Provider, listed: LiveList | None, main: str | None, slots: Mapping[str, str]) -> list[str]:
    """Every id worth a row, each once: what is chosen, what the host lists, what the catalogue knows."""
    live = [model.id for model in listed.models] if listed else []
    return list(dict.fromkeys([*filter(None, (main,)), *slots.values(), *live, *(model.id for model in host.models)]))


def _row(
    host: Provider,
    model_id: str,
    listed: LiveList | None,
    *,
    main: str | None,
    slots: Mapping[str, str],
    today: date,
) -> ModelRow:
    seen = listed.model(model_id) if listed else None
    model = model_facts(
        host, model_id, window=seen.context_window if seen else None, vision=seen.vision if seen else None
    )
    if seen is not None:
        standing = Standing.LIVE
    elif model.is_retired(today=today):
        standing = Standing.RETIRED
    else:
        standing = Standing.UNKNOWN if listed is None else Standing.UNLISTED
    names = (*(("main",) if model_id == main else ()), *(slot for slot, one in slots.items() if one == model_id))
    return ModelRow(model, standing, names)


def _repeating(listed: LiveList | None) -> Callable[[Provider, str, float], tuple[LiveModel, ...]]:
    """Gives the list that the host was just asked for, instead of asking it again."""

    def repeat(provider: Provider, _key: str, _seconds: float) -> tuple[LiveModel, ...]:
        if listed is None:
            raise HostError(f"{provider.name} gave no list.")
        return listed.models

    return repeat


def _fetch(provider: Provider, key: str, timeout: float) -> tuple[LiveModel, ...]:
    return fetch_models(provider.models_url, key=key or None, timeout=timeout, provider_id=provider.id)
