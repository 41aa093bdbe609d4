"""Every value that a launch in a directory would go by, and where it comes from."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.daemon.wishes import DEFAULT_GRACE, DEFAULT_PORT, DEFAULT_RETRY, read_wishes
from kimi_cli.engine.progress import Words
from kimi_cli.errors import HostError, KimiError, SecretError, UsageError
from kimi_cli.launcher.live import LiveModels
from kimi_cli.launcher.model_choice import choose_models
from kimi_cli.launcher.tools_choice import DIRECTORY_VARIABLE, STEPS_VARIABLE, steps_of
from kimi_cli.providers.route import SLOTS
from kimi_cli.providers.search import SearchChoice
from kimi_cli.providers.tools import DEFAULT_STEPS
from kimi_cli.setup.forget import set_variable
from kimi_cli.store.keyring_backend import DEFAULT_TIMEOUT
from kimi_cli.store.known import only_with_key
from kimi_cli.store.secrets import TIMEOUT_VARIABLE, KeySource, SecretStore
from kimi_cli.store.wanted import Named, Origin, Wanted, read_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.keyring_backend import Keyring
    from kimi_cli.store.live_models import LiveModel
    from kimi_cli.store.paths import Paths

_CLAUDE: Final = "KIMI_CLAUDE"


@dataclass(frozen=True, slots=True)
class Value:
    """One value. `detail` is the flag, the variable or the file that it is from; a key's is the place where it is kept.

    `value` is None where there is none, a key's is masked. `trouble` says why it cannot be used.
    """

    name: str
    value: str | None
    origin: Origin
    detail: str = ""
    trouble: str | None = None


def effective_values(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    cwd: Path | None,
    today: date,
    provider: str | None = None,
    model: str | None = None,
    keyring: Keyring | None = None,
    now: Callable[[], float] = time.time,
) -> tuple[Value, ...]:
    """All values, for a launch in `cwd` with these flags. No host is asked.

    Raises:
        SettingsError: the settings or the project's file cannot be read or understood.
    """
    wanted = read_wanted(paths, environ, cwd=cwd, provider=provider, model=model)
    secrets = SecretStore(paths, environ, keyring=keyring)
    named = wanted.provider
    try:
        host = wanted.host() or only_with_key(wanted.settings, secrets, environ)
    except KimiError as error:
        missing = named or Named("", Origin.DEFAULT, "")
        provider_value = Value("provider", missing.value or None, missing.origin, missing.detail, str(error))
        return (provider_value, *_of_variables(environ))
    found = named or Named(host.id, Origin.DEFAULT, "the only one with a key")
    file = str(wanted.settings_file)
    return (
        Value("provider", host.id, found.origin, found.detail),
        _model(wanted, host, LiveModels(paths, host, "", now, _ask_nobody), today=today),
        *_of_host(wanted, host),
        _key(host, secrets, environ),
        *_of_slots(wanted, host),
        Value("fallback", ", ".join(wanted.settings.fallback) or None, *_set_by_user(wanted.settings.fallback, file)),
        _ledger(wanted),
        *_search(wanted),
        *_progress(wanted),
        *_of_variables(environ),
    )


def _ledger(wanted: Wanted) -> Value:
    chosen = wanted.settings.ledger
    origin = (Origin.DEFAULT, "") if chosen is None else (Origin.USER, str(wanted.settings_file))
    return Value("ledger", "off" if chosen is False else "on", *origin)


def _search(wanted: Wanted) -> Iterator[Value]:
    chosen, file = wanted.settings.search, str(wanted.settings_file)
    yield Value("search", chosen.engine, *_set_by_user(chosen != SearchChoice(), file))
    if chosen.base_url:
        yield Value("search.base_url", chosen.base_url, Origin.USER, file)


def _progress(wanted: Wanted) -> Iterator[Value]:
    """The words in which tools are told of, whoever chose them."""
    chosen, file = wanted.settings.progress, str(wanted.settings_file)
    yield Value("progress.emoji", "on" if chosen.emoji else "off", *_set_by_user(chosen.emoji, file))
    own = dict(chosen.words)
    for name, line in asdict(Words.from_mapping(own, emoji=chosen.emoji)).items():
        yield Value(f"progress.{name}", line or None, *_set_by_user(name in own, file))


def _of_host(wanted: Wanted, host: Provider) -> Iterator[Value]:
    own, file = wanted.settings.of(host.id), str(wanted.settings_file)
    trouble = None if host.base_url else f"{host.name} has no address."
    yield Value("base_url", host.base_url or None, *_set_by_user(own.base_url, file), trouble=trouble)
    yield Value("format", host.format.value, *_set_by_user(own.format, file))


def _of_slots(wanted: Wanted, host: Provider) -> Iterator[Value]:
    slots = wanted.slots(host.id)
    for slot in SLOTS:
        model = slots.get(slot)
        yield _named(f"slots.{slot}", model) if model else Value(f"slots.{slot}", None, Origin.DEFAULT)


def _model(wanted: Wanted, host: Provider, live: LiveModels, *, today: date) -> Value:
    """The model, chosen as a launch chooses it, but from the remembered list alone."""
    named = wanted.model(host.id)
    chosen: str | None = None
    trouble: str | None = None
    try:
        models, doubts = choose_models(host, live, wanted=named.value if named else None, slots={}, today=today)
        chosen = models[0].id
        trouble = " ".join(doubts) or None
    except HostError:  # which the launch will ask
        trouble = f"It is chosen at launch from what {host.name} lists then."
    except KimiError as error:
        trouble = str(error)
    if named is None:
        return Value("model", chosen, Origin.DEFAULT, trouble=trouble)
    return Value("model", chosen or named.value, named.origin, named.detail, trouble)


def _key(host: Provider, secrets: SecretStore, environ: Mapping[str, str]) -> Value:
    try:
        found = secrets.read_key(host)
    except SecretError as error:
        variable = set_variable(host.key_variables, environ)
        return Value("key", None, Origin.ENVIRONMENT if variable else Origin.DEFAULT, variable or "", str(error))
    if found is None:
        return Value("key", None, Origin.DEFAULT)
    origin = Origin.ENVIRONMENT if found.source is KeySource.ENVIRONMENT else Origin.USER
    detail = f"keyring {found.detail}" if found.source is KeySource.KEYRING else found.detail
    return Value("key", found.masked, origin, detail)


def _of_variables(environ: Mapping[str, str]) -> Iterator[Value]:
    for name, default in (
        ("KIMI_PROXY_PORT", str(DEFAULT_PORT)),
        ("KIMI_IDLE_GRACE", f"{DEFAULT_GRACE:g}"),
        ("KIMI_RETRY_SECONDS", f"{DEFAULT_RETRY:g}"),
        (TIMEOUT_VARIABLE, f"{DEFAULT_TIMEOUT:g}"),
        (STEPS_VARIABLE, str(DEFAULT_STEPS)),
        (DIRECTORY_VARIABLE, None),
        (_CLAUDE, None),
        ("KIMI_DEBUG", "0"),
    ):
        text = environ.get(name, "").strip()
        if not text:
            yield Value(name, default, Origin.DEFAULT)
            continue
        trouble: str | None = None
        try:
            read_wishes({name: text})
            steps_of({name: text})
        except UsageError as error:
            trouble = str(error)
        yield Value(name, text, Origin.ENVIRONMENT, name, trouble)


def _named(name: str, named: Named) -> Value:
    return Value(name, named.value, named.origin, named.detail)


def _set_by_user(value: object, file: str) -> tuple[Origin, str]:
    return (Origin.USER, file) if value else (Origin.DEFAULT, "")


def _ask_nobody(provider: Provider, _key: str, _seconds: float) -> tuple[LiveModel, ...]:
    raise HostError(f"{provider.name} is not asked.")
