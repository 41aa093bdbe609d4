"""The user's choices: which provider, and for each one its base URL and models.

The file is TOML, and may be written by hand:

    provider = "groq"
    fallback = ["moonshot"]
    ledger = "off"

    [search]
    engine = "searxng"
    base_url = "http://127.0.0.1:8888"

    [progress]
    emoji = "on"
    starting = "Here we go"

    [providers.groq]
    model = "moonshotai/kimi-k2-instruct-0905"

    [providers.groq.slots]
    haiku = "openai/gpt-oss-20b"

    [providers.local]
    format = "openai"
    base_url = "http://127.0.0.1:8000/v1"
    model = "kimi"
    key_variable = "LOCAL_KEY"

What we change in it leaves comments, order and everything that we do not know as they are. A file that cannot be
understood is reported with its line and column, and never written to. A key that we do not know is a warning.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import SettingsError, UsageError
from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import SLOTS
from kimi_cli.providers.search import ENGINES, KEYLESS, SearchChoice
from kimi_cli.providers.tools import WORDS, Wording, word_fault
from kimi_cli.record import Record, field
from kimi_cli.store.base_url import clean_base_url
from kimi_cli.store.provider_name import name_fault
from kimi_cli.store.settings_file import EDIT, read_document, rewrite, switch_at, table_at, text_at, texts_at
from kimi_cli.store.spelling import closest, shown, unknown_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_TOP: Final = ("provider", "fallback", "ledger", "search", "progress", "providers")
_OF_SEARCH: Final = ("engine", "base_url")
_OF_PROVIDER: Final = ("base_url", "model", "format", "key_variable", "slots")
_MISPLACED: Final = MappingProxyType(
    dict.fromkeys(_OF_PROVIDER, "is not a setting here; it belongs under [providers.NAME].")
)
_NO_KEYS: Final = MappingProxyType(
    dict.fromkeys(("key", "api_key", "apikey", "token"), "is not read; keys are stored with kimi set-key.")
)


class ProviderSettings(Record):
    """What the user set for one provider; None where the catalogue decides.

    `base_url` is as it stands in the file: `clean_base_url` judges it when it is used, so that one bad entry does not
    make the whole file useless. `slots` maps Claude Code's slot names to model ids.
    """

    base_url: str | None = None
    model: str | None = None
    format: Format | None = None
    key_variable: str | None = None
    slots: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Settings(Record):
    """All of the user's choices: the provider that launches use, those that stand in for it, what is set for each one.

    `ledger` says whether usage is recorded; None where nothing is said of it, and then it is. `warnings` are sentences
    about what in the file means nothing.
    """

    provider: str | None = None
    fallback: tuple[str, ...] = ()
    ledger: bool | None = None
    search: SearchChoice = field(default_factory=SearchChoice)
    progress: Wording = field(default_factory=Wording)
    providers: Mapping[str, ProviderSettings] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()

    def of(self, provider_id: str) -> ProviderSettings:
        """What the user set for this provider; empty where that is nothing."""
        return self.providers.get(provider_id) or ProviderSettings()


def read_settings(path: Path) -> Settings:
    """The settings in the file at `path`; empty ones where there is none.

    Raises:
        SettingsError: there is a file, and it cannot be read or understood.
    """
    try:
        document = read_document(path)
        tables = table_at(path, document, "providers")
        return Settings(
            provider=text_at(path, document, "provider"),
            fallback=texts_at(path, document, "fallback"),
            ledger=switch_at(path, document, "ledger"),
            search=_search(path, document),
            progress=_progress(path, document),
            providers=MappingProxyType({name: _provider(path, tables, name) for name in tables}),
            warnings=tuple(_warnings(path, document, tables)),
        )
    except SettingsError as error:
        error.fix = error.fix or EDIT
        raise


def choose_provider(path: Path, provider_id: str) -> None:
    """Makes a provider the one that launches use.

    Raises:
        SettingsError: the file cannot be read, understood or written; then it is as it was.
    """
    read_settings(path)
    rewrite(path, {("provider",): provider_id})


def save_fallback(path: Path, provider_ids: Sequence[str]) -> None:
    """Sets the providers that stand in for one that cannot answer, in order; raises as `choose_provider` does."""
    read_settings(path)
    rewrite(path, {("fallback",): list(provider_ids)})


def save_search(path: Path, engine: str, *, base_url: str | None = None) -> None:
    """Sets what searches the web; without `base_url` the address stays. Raises as `choose_provider` does."""
    read_settings(path)
    changes: dict[tuple[str, ...], str | list[str]] = {("search", "engine"): engine}
    if base_url is not None:
        changes["search", "base_url"] = base_url
    rewrite(path, changes)


def save_provider(
    path: Path,
    provider_id: str,
    *,
    base_url: str | None = None,
    model: str | None = None,
    format: Format | None = None,  # noqa: A002 - the word that users know
    key_variable: str | None = None,
    slots: Mapping[str, str] | None = None,
) -> None:
    """Changes what is set for one provider: None leaves a value as it is, an empty text removes it.

    A base URL is brought to its clean form for the provider's format: the one given, set before, or the catalogue's.

    Raises:
        BaseUrlError: the base URL cannot be used.
        SettingsError: the file cannot be read, understood or written; then it is as it was.
    """
    known = PROVIDERS.get(provider_id)
    spoken = format or read_settings(path).of(provider_id).format or (known.format if known else Format.OPENAI)
    values = {
        "format": None if format is None else format.value,
        "base_url": clean_base_url(base_url, format=spoken) if base_url else base_url,
        "model": model,
        "key_variable": key_variable,
    }
    table = ("providers", provider_id)
    changes: dict[tuple[str, ...], str | list[str]] = {
        (*table, key): value for key, value in values.items() if value is not None
    }
    changes.update({(*table, "slots", slot): value for slot, value in (slots or {}).items()})
    rewrite(path, changes)


def save_slots(path: Path, provider_id: str, slots: Mapping[str, str]) -> None:
    """Sets which models of a provider answer Claude Code's slots; an empty id gives a slot back to the main model.

    Raises:
        UsageError: there is no such slot.
        SettingsError: the file cannot be read, understood or written; then it is as it was.
    """
    for slot in slots:
        if slot not in SLOTS:
            close = closest(slot, SLOTS)
            hint = f"did you mean {close}?" if close else f"the slots are {', '.join(SLOTS)}."
            raise UsageError(f"There is no slot {slot!r}; {hint}")
    save_provider(path, provider_id, slots={slot: model_id.strip() for slot, model_id in slots.items()})


def remove_slots(path: Path, provider_id: str) -> None:
    """Gives all slots of a provider back to its main model; raises as `choose_provider` does."""
    read_settings(path)
    rewrite(path, {("providers", provider_id, "slots"): ""})


def remove_provider(path: Path, provider_id: str) -> None:
    """Removes what is set for a provider, comments in its table included; raises as `choose_provider` does.

    Where it is the one that launches use, none is from then on; and it stands in for no other any more.
    """
    settings = read_settings(path)
    changes: dict[tuple[str, ...], str | list[str]] = {("providers", provider_id): ""}
    if (settings.provider or "").lower() == provider_id:
        changes["provider",] = ""
    if provider_id in settings.fallback:
        changes["fallback",] = [name for name in settings.fallback if name != provider_id]
    rewrite(path, changes)


def _search(path: Path, document: Mapping[str, object]) -> SearchChoice:
    table = table_at(path, document, "search")
    engine = text_at(path, table, "engine", where="search.") or KEYLESS
    if engine not in ENGINES:
        raise SettingsError(path, reason=f"search.engine is {engine!r}, and must be one of {', '.join(ENGINES)}")
    return SearchChoice(engine, text_at(path, table, "base_url", where="search.") or "")


def _progress(path: Path, document: Mapping[str, object]) -> Wording:
    table = table_at(path, document, "progress")
    words: list[tuple[str, str]] = []
    for name in WORDS:
        text = table.get(name)
        if text is None:
            continue
        if not isinstance(text, str):
            raise SettingsError(path, reason=f"progress.{name} must be a text")
        if (fault := word_fault(name, text)) is not None:
            raise SettingsError(path, reason=f"progress.{fault}")
        words.append((name, str(text)))
    return Wording(emoji=switch_at(path, table, "emoji") is True, words=tuple(words))


def _provider(path: Path, tables: Mapping[str, object], name: str) -> ProviderSettings:
    where = f"providers.{name}."
    table = table_at(path, tables, name, where="providers.")
    slots = table_at(path, table, "slots", where=where)
    spoken = text_at(path, table, "format", where=where)
    if spoken is not None and spoken not in set(Format):
        raise SettingsError(path, reason=f"{where}format is {spoken!r}, and must be one of {', '.join(Format)}")
    found = {slot: text_at(path, slots, slot, where=f"{where}slots.") for slot in SLOTS}
    return ProviderSettings(
        base_url=text_at(path, table, "base_url", where=where),
        model=text_at(path, table, "model", where=where),
        format=None if spoken is None else Format(spoken),
        key_variable=text_at(path, table, "key_variable", where=where),
        slots=MappingProxyType({slot: model_id for slot, model_id in found.items() if model_id}),
    )


def _warnings(path: Path, document: Mapping[str, object], tables: Mapping[str, object]) -> Iterator[str]:
    yield from unknown_keys(path, document, known=_TOP, reasons=_MISPLACED | _NO_KEYS)
    yield from unknown_keys(
        path, table_at(path, document, "search"), known=_OF_SEARCH, where="search.", reasons=_NO_KEYS
    )
    yield from unknown_keys(path, table_at(path, document, "progress"), known=("emoji", *WORDS), where="progress.")
    for name in tables:
        table = table_at(path, tables, name)
        where = f"providers.{shown(name)}."
        yield from unknown_keys(path, table, known=_OF_PROVIDER, where=where, reasons=_NO_KEYS)
        yield from unknown_keys(path, table_at(path, table, "slots"), known=SLOTS, where=f"{where}slots.", what="slot")
        if name not in PROVIDERS:
            yield from _doubts(path, name, table)


def _doubts(path: Path, name: str, table: Mapping[str, object]) -> Iterator[str]:
    """What keeps a provider of the user's own from being one."""
    fault = name_fault(name)
    if fault is not None:
        yield f"{path}: providers.{shown(name)} is not used, because of its name: {fault}."
    elif not table.get("base_url"):
        close = closest(name, PROVIDERS)
        hint = f"did you mean {close}? One" if close else "one"
        yield f"{path}: there is no provider {name}; {hint} of your own needs a base_url."
