"""What is wanted for a launch, and by whom: a flag, a variable, the project's file, the user's settings.

The first of these that names something is right. A model goes with the provider that is named beside it: where a
stronger source names another provider, it means nothing there. A model that is named alone goes with any.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import KimiError, ProviderUnknownError
from kimi_cli.record import Record, field
from kimi_cli.store.known import configured
from kimi_cli.store.paths import home_of
from kimi_cli.store.project import Project, read_project
from kimi_cli.store.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.paths import Paths

PROVIDER_VARIABLE: Final = "KIMI_PROVIDER"
MODEL_VARIABLE: Final = "KIMI_MODEL"


class Origin(StrEnum):
    """Where a value comes from, the strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    PROJECT = "project"
    USER = "user"
    DEFAULT = "default"


class Named(Record):
    """A value that somebody gave. `detail` is the flag, the variable or the file."""

    value: str
    origin: Origin
    detail: str


class MisnamedProviderError(ProviderUnknownError):
    """A variable or a file names a provider that there is not; it says which, and how to change it."""

    def __init__(self, unknown: ProviderUnknownError, *, named: Named) -> None:
        KimiError.__init__(self, f"{named.detail}: {unknown}", fix=_correction(unknown.suggestion, named))
        self.name, self.known, self.suggestion, self.named = unknown.name, unknown.known, unknown.suggestion, named


class Wanted(Record):
    """Everything that is wanted. `provider` is None where nobody names one."""

    settings: Settings
    settings_file: Path
    project: Project | None
    provider: Named | None
    _models: tuple[tuple[Named, str | None], ...] = field(default=(), shown=False)
    """Models that are named outside of the settings, the strongest first, with the provider that each goes with."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what in the files means nothing, or is not trusted."""
        return (*self.settings.warnings, *(self.project.warnings if self.project else ()))

    def host(self) -> Provider | None:
        """The provider that is wanted, as the user changed it; None where nobody names one.

        Raises:
            ProviderUnknownError: there is none of that name.
            BaseUrlError: the base URL that is set for it cannot be used.
        """
        if self.provider is None:
            return None
        try:
            return configured(self.provider.value, self.settings)
        except ProviderUnknownError as error:
            if self.provider.origin is Origin.FLAG:
                raise
            raise MisnamedProviderError(error, named=self.provider) from error

    def model(self, provider_id: str) -> Named | None:
        """The model that is wanted on a provider; None where nobody names one."""
        for named, goes_with in self._models:
            if goes_with is None or goes_with == provider_id:
                return named
        own = self.settings.of(provider_id).model
        return Named(own, Origin.USER, str(self.settings_file)) if own else None

    def slots(self, provider_id: str) -> Mapping[str, Named]:
        """The models that are wanted behind Claude Code's slots on a provider; a slot without one is left out."""
        user = {
            slot: Named(model, Origin.USER, str(self.settings_file))
            for slot, model in self.settings.of(provider_id).slots.items()
        }
        project = self.project
        if project is None or (project.provider and _id(project.provider) != provider_id):
            return MappingProxyType(user)
        asked = {slot: Named(model, Origin.PROJECT, str(project.path)) for slot, model in project.slots.items()}
        return MappingProxyType(user | asked)


def read_wanted(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    cwd: Path | None,
    provider: str | None = None,
    model: str | None = None,
) -> Wanted:
    """What is wanted in the directory `cwd`; without one no project counts. `provider` and `model` are the flags.

    Raises:
        SettingsError: the settings or the project's file cannot be read or understood.
    """
    settings = read_settings(paths.settings_file)
    project = None if cwd is None else read_project(cwd, home=home_of(environ))
    asked = project or Project(Path())
    named = (
        (Origin.FLAG, "--provider", provider, "--model", model),
        (
            Origin.ENVIRONMENT,
            *(PROVIDER_VARIABLE, environ.get(PROVIDER_VARIABLE)),
            *(MODEL_VARIABLE, environ.get(MODEL_VARIABLE)),
        ),
        (Origin.PROJECT, str(asked.path), asked.provider, str(asked.path), asked.model),
        (Origin.USER, str(paths.settings_file), settings.provider, "", None),
    )
    found: Named | None = None
    models: list[tuple[Named, str | None]] = []
    for origin, provider_from, provider_text, model_from, model_text in named:
        host, model_id = (provider_text or "").strip(), (model_text or "").strip()
        if host and found is None:
            found = Named(host, origin, provider_from)
        if model_id:
            models.append((Named(model_id, origin, model_from), _id(host) or None))
    return Wanted(settings, paths.settings_file, project, found, tuple(models))


def _id(name: str) -> str:
    return name.strip().lower()


def _correction(suggestion: str | None, named: Named) -> str:
    """The command that puts another provider in the place of one that there is not."""
    match named.origin:
        case Origin.ENVIRONMENT:
            return f"export {named.detail}={suggestion}" if suggestion else f"unset {named.detail}"
        case Origin.PROJECT:
            return f"kimi provider list, and change {named.detail}"
        case _:
            return f"kimi provider {suggestion}" if suggestion else "kimi provider list"
