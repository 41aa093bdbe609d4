"""What a reset takes away, and the taking away.

Everything that is ours goes and nothing else does. What fails is told at the end, and does not keep the rest from
going: a reset is what people reach for when something is broken.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimi_cli.daemon.control import Control
from kimi_cli.daemon.stop import StopReport, stop_proxies
from kimi_cli.errors import KimiError, ProxyError, SettingsError
from kimi_cli.providers.catalogue import PROVIDERS, find_provider
from kimi_cli.setup.footprint import emptied, footprint, live_lists
from kimi_cli.setup.forget import left_behind, set_variable
from kimi_cli.store.key_places import KeptKey, KeptKeys, KeyPlaces
from kimi_cli.store.known import key_variables, known_providers
from kimi_cli.store.secrets import KeySource
from kimi_cli.store.settings import Settings, read_settings, remove_provider
from kimi_cli.store.state import other_states, read_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from kimi_cli.daemon.status import SessionStatus
    from kimi_cli.store.keyring_backend import Keyring
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.state import ProxyState


@dataclass(frozen=True, slots=True)
class RunningProxy:
    """A background proxy, which a reset stops, and the sessions that end with it."""

    pid: int
    port: int
    sessions: tuple[SessionStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class ResetPlan:
    """What will go. Without `provider` that is everything, else what belongs to this one.

    `keys` go, or with `keep_keys` stay. `settings` are the keys in the settings file that go while the file stays.
    `directories` go where they are empty then. `left` is what lies in our directories and stays: it is not ours, or
    `in_use` by a process of ours that runs in the foreground. `variables` are set, hold keys, and stay. `troubles`
    are about what could not be looked at.
    """

    provider: str | None
    keep_keys: bool
    keys: tuple[KeptKey, ...] = ()
    settings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    directories: tuple[Path, ...] = ()
    proxies: tuple[RunningProxy, ...] = ()
    left: tuple[Path, ...] = ()
    in_use: tuple[Path, ...] = ()
    variables: tuple[str, ...] = ()
    troubles: tuple[KimiError, ...] = ()
    providers: tuple[str, ...] = ()
    """The ids under which keys are looked for."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        keys = () if self.keep_keys else self.keys
        return not (keys or self.settings or self.files or self.directories or self.proxies or self.troubles)


@dataclass(frozen=True, slots=True)
class ResetReport:
    """What is gone, what is left in our directories or behind links from them, and what went wrong.

    `proxies` tells how the proxies were stopped.
    """

    keys: tuple[KeptKey, ...]
    removed: tuple[Path, ...]
    failures: tuple[KimiError, ...]
    settings: tuple[str, ...] = ()
    left: tuple[Path, ...] = ()
    proxies: tuple[StopReport, ...] = ()

    @property
    def exit_code(self) -> int:
        """The status to end with."""
        return self.failures[0].exit_code if self.failures else 0


def plan_reset(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    provider: str | None = None,
    keep_keys: bool = False,
    keyring: Keyring | None = None,
) -> ResetPlan:
    """What a reset would do, of everything or of one provider. Changes nothing.

    Raises:
        ProviderUnknownError: there is no such provider.
        SettingsError: it is about one provider, and the settings cannot be read. A reset of everything does not need
            them.
    """
    places = KeyPlaces(paths, environ, keyring=keyring)
    if provider is not None:
        return _plan_one(provider, paths, environ, keep_keys=keep_keys, places=places)
    troubles: list[KimiError] = []
    try:
        settings = read_settings(paths.settings_file)
    except SettingsError as error:
        troubles.append(error)
        settings = Settings()
    ids = tuple(dict.fromkeys((*known_providers(settings), *settings.providers)))
    kept = places.kept(ids, with_others=True)
    found = footprint(paths)
    files = tuple(file for file in found.files if not (keep_keys and file == paths.keys_file))
    return ResetPlan(
        provider=None,
        keep_keys=keep_keys,
        keys=kept.keys,
        files=files,
        directories=emptied(found.directories, files),
        proxies=_running(paths),
        left=(*found.foreign, *_targets(files)),
        in_use=found.in_use,
        variables=tuple(name for name in key_variables(settings) if environ.get(name, "").strip()),
        troubles=(*troubles, *(() if keep_keys else kept.troubles)),
        providers=tuple(dict.fromkeys((*ids, *(key.provider for key in kept.keys)))),
    )


def carry_out(
    plan: ResetPlan, paths: Paths, environ: Mapping[str, str], *, keyring: Keyring | None = None
) -> ResetReport:
    """Does what the plan says."""
    places = KeyPlaces(paths, environ, keyring=keyring)
    return _carry_out_one(plan, paths, places) if plan.provider is not None else _carry_out_all(plan, paths, places)


def _plan_one(name: str, paths: Paths, environ: Mapping[str, str], *, keep_keys: bool, places: KeyPlaces) -> ResetPlan:
    settings = read_settings(paths.settings_file)
    provider_id = name if name in settings.providers else name.strip().lower()
    if provider_id not in settings.providers:
        find_provider(provider_id, providers=known_providers(settings))
    listed = known_providers(settings).get(provider_id)
    own = settings.of(provider_id).key_variable
    variable = set_variable((own,) if own else listed.key_variables if listed else (), environ)
    kept = places.kept([provider_id])
    chosen = (settings.provider or "").strip().lower() == provider_id
    tables = (f"providers.{provider_id}",) if provider_id in settings.providers else ()
    return ResetPlan(
        provider=provider_id,
        keep_keys=keep_keys,
        keys=kept.keys,
        settings=(*(("provider",) if chosen else ()), *tables),
        files=live_lists(paths, provider_id),
        variables=(variable,) if variable else (),
        troubles=() if keep_keys else kept.troubles,
        providers=(provider_id,),
    )


def _running(paths: Paths) -> tuple[RunningProxy, ...]:
    states = (read_state(paths.state_file), *other_states(paths.runtime_dir))
    return tuple(_asked(state) for state in states if state is not None and state.process.is_alive())


def _asked(state: ProxyState) -> RunningProxy:
    try:
        sessions = Control(state).status().sessions
    except ProxyError:  # it hangs, or ends: it is stopped all the same
        sessions = ()
    return RunningProxy(state.process.pid, state.port, sessions)


def _carry_out_one(plan: ResetPlan, paths: Paths, places: KeyPlaces) -> ResetReport:
    gone = KeptKeys(()) if plan.keep_keys else places.forget(plan.providers)
    failures: list[KimiError] = [
        left_behind(error, again=f"kimi reset --provider {plan.provider}") for error in gone.troubles
    ]
    settings = plan.settings
    try:
        if settings and plan.provider is not None:
            remove_provider(paths.settings_file, plan.provider)
    except SettingsError as error:
        settings = ()
        failures.append(error)
    removed = _remove(plan.files, failures)
    return ResetReport(keys=gone.keys, settings=settings, removed=removed, failures=tuple(failures))


def _carry_out_all(plan: ResetPlan, paths: Paths, places: KeyPlaces) -> ResetReport:
    failures: list[KimiError] = []
    stopped: tuple[StopReport, ...] | None = None
    try:
        stopped = stop_proxies(paths, force=True)
    except KimiError as error:
        failures.append(error)
    gone = KeptKeys(()) if plan.keep_keys else places.forget(plan.providers, sources={KeySource.KEYRING})
    failures += (left_behind(error, again=_again(plan)) for error in gone.troubles)
    # Anew, because a proxy that ends takes files along and writes to its log. One that does not end needs them all.
    files = [
        file
        for file in footprint(paths).files
        if not (plan.keep_keys and file == paths.keys_file)
        and not (stopped is None and any(map(file.is_relative_to, (paths.runtime_dir, paths.log_dir))))
    ]
    targets = _targets(files)
    removed = _remove(files, failures)
    in_file = [key for key in plan.keys if key.source is KeySource.FILE and paths.keys_file in removed]
    removed = (*removed, *_remove_directories(footprint(paths).directories))
    found = footprint(paths)
    return ResetReport(
        proxies=stopped or (),
        keys=(*gone.keys, *in_file),
        removed=removed,
        left=(*found.foreign, *targets, *found.in_use),
        failures=tuple(failures),
    )


def _remove(files: Iterable[Path], failures: list[KimiError]) -> tuple[Path, ...]:
    removed: list[Path] = []
    for file in files:
        try:
            file.unlink()
        except FileNotFoundError:
            removed.append(file)
        except OSError as error:
            denied = isinstance(error, PermissionError)
            fix = f"chmod u+rwx {shlex.quote(str(file.parent))}" if denied else None
            failures.append(KimiError(f"{file} cannot be removed ({error.strerror or error}).", fix=fix))
        else:
            removed.append(file)
    return tuple(removed)


def _remove_directories(directories: Iterable[Path]) -> tuple[Path, ...]:
    """Removes those that are empty; whatever is in one of the others is told as left."""
    removed: list[Path] = []
    for folder in directories:
        with suppress(OSError):
            folder.rmdir()
            removed.append(folder)
    return tuple(removed)


def _targets(files: Iterable[Path]) -> tuple[Path, ...]:
    """What links in the place of our files lead to: the link goes, and that stays."""
    return tuple(file.resolve() for file in files if file.is_symlink())


def _again(plan: ResetPlan) -> str:
    """The commands that finish what a keyring has kept from being done; with the settings the added ones are gone."""
    added = [one for one in plan.providers if one not in PROVIDERS]
    return "   and   ".join(("kimi reset", *(f"kimi unset-key {one}" for one in added)))
