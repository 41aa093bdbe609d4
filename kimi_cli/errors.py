"""Every failure of our own that a user can see.

Each class is one kind of failure with one exit status; each instance holds its data, composes one sentence from it,
and names the command that fixes it where there is one. Claude Code's own exit status is never one of ours: these are
for what goes wrong before it runs.

| status | meaning |
|---|---|
| 1 | something that we did not foresee |
| 2 | the command was used wrongly |
| 3 | something is not configured: provider, key or model |
| 4 | Claude Code was not found or cannot be run |
| 5 | the proxy could not be started or reached |
| 6 | the host refused the key or the model, or could not be reached |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path


class KimiError(Exception):
    """The base of them all: `str(error)` is the sentence, `error.fix` the command, `error.exit_code` the status."""

    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str, *, fix: str | None = None) -> None:
        super().__init__(sentence)
        self.fix = fix


class UsageError(KimiError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class NotConfiguredError(KimiError):
    """Something that a launch needs is not set."""

    exit_code = 3


class ProviderUnknownError(UsageError):
    """There is no provider of that name."""

    def __init__(self, name: str, *, known: Sequence[str], suggestion: str | None = None) -> None:
        hint = f"; did you mean {suggestion!r}?" if suggestion else f"; known: {', '.join(known)}."
        fix = f"kimi provider {suggestion}" if suggestion else "kimi provider list"
        super().__init__(f"There is no provider {name!r}{hint}", fix=fix)
        self.name, self.known, self.suggestion = name, tuple(known), suggestion


class KeyMissingError(NotConfiguredError):
    """No key is stored or set for the provider."""

    def __init__(self, provider: str, *, provider_name: str, variable: str | None) -> None:
        ways = f", neither stored nor in {variable}" if variable else ""
        super().__init__(f"No API key is set for {provider_name}{ways}.", fix=f"kimi set-key {provider}")
        self.provider, self.variable = provider, variable


class ModelMissingError(NotConfiguredError):
    """The provider serves no Kimi model that we could choose by ourselves."""

    def __init__(self, provider: str, *, reason: str) -> None:
        super().__init__(
            f"{reason} Choose another host, or name a model that this one serves.",
            fix=f"kimi provider moonshot   or   kimi provider {provider} --model MODEL",
        )
        self.provider = provider


class ModelRetiredError(NotConfiguredError):
    """The chosen model has been taken out of service by its host."""

    def __init__(self, provider: str, *, model: str, retired: date, successor: str | None) -> None:
        instead = f"; {successor} is its successor" if successor else ""
        fix = f"kimi provider {provider} --model {successor}" if successor else "kimi provider list"
        super().__init__(f"{provider} retired {model} on {retired.isoformat()}{instead}.", fix=fix)
        self.provider, self.model, self.retired, self.successor = provider, model, retired, successor


class BaseUrlError(UsageError):
    """A base URL that cannot or must not be used."""

    def __init__(self, url: str, *, reason: str) -> None:
        super().__init__(f"The base URL {url!r} cannot be used: {reason}.")
        self.url, self.reason = url, reason


class SettingsError(NotConfiguredError):
    """The settings file cannot be read, understood or written."""

    def __init__(self, path: Path, *, reason: str, fix: str | None = None) -> None:
        super().__init__(f"{path}: {reason}.", fix=fix)
        self.path, self.reason = path, reason


class SecretError(NotConfiguredError):
    """A key cannot be read, accepted or stored."""


class ClaudeNotFoundError(KimiError):
    """Claude Code is not installed where we looked."""

    exit_code = 4

    def __init__(self, *, tried: Sequence[str], install: str) -> None:
        super().__init__(f"Claude Code was not found; looked at {', '.join(tried)}.", fix=install)
        self.tried, self.install = tuple(tried), install


class ClaudeUnusableError(KimiError):
    """Claude Code was found and cannot be started."""

    exit_code = 4


class ProxyError(KimiError):
    """The proxy could not be started, found or talked to."""

    exit_code = 5


class HostError(KimiError):
    """The host refused the key or the model, or could not be asked."""

    exit_code = 6
