"""Keys that the tool's predecessor left in plain files, brought to where keys are kept now.

They lie in `~/.config/kimi-claude/`, one file for each host: `groq_api_key`, `moonshot_api_key`. A file goes only
after its key has been stored and read back, so whatever fails, no key is lost.
"""

from __future__ import annotations

import os
import shlex
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import KimiError, ProviderUnknownError, SecretError
from kimi_cli.providers.catalogue import PROVIDERS, find_provider
from kimi_cli.store.keyring_backend import KeyringError
from kimi_cli.store.secrets import KeySource, SecretStore, StoredKey, clean_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.keyring_backend import Keyring
    from kimi_cli.store.paths import Paths

_FOLDER: Final = "kimi-claude"
_ENDING: Final = "_api_key"
_LIMIT: Final = 64 * 1024
"""Bytes; more than any key, so that another file is noticed and not read whole."""
_NAMES: Final[Mapping[str, str]] = MappingProxyType({"kimi": "moonshot", "moonshot_cn": "moonshot-cn"})
"""What else the hosts of the catalogue are called in file names."""


@dataclass(frozen=True, slots=True)
class OldKey:
    """One file. `provider` is the id that its name means; None where that is none of the catalogue."""

    file: Path
    provider: str | None
    masked: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file.

    `source` is where its key is now; `is_removed` whether the file is gone. Where `failure` is set the file is still
    there, and `source` tells whether its key is elsewhere as well.
    """

    old: OldKey
    source: KeySource | None = None
    is_removed: bool = False
    failure: KimiError | None = None


def find_old_keys(environ: Mapping[str, str]) -> tuple[OldKey, ...]:
    """The files that are there, can be read, belong to this user and hold something."""
    found: list[OldKey] = []
    for folder in _folders(environ):
        with suppress(OSError):
            for file in sorted(folder.iterdir()):
                if file.name.endswith(_ENDING) and (text := _read(file)):
                    provider = _provider(file.name.removesuffix(_ENDING))
                    masked = StoredKey(text, KeySource.FILE, str(file)).masked
                    found.append(OldKey(file, provider, masked, text))
    return tuple(found)


def import_old_keys(
    old_keys: Iterable[OldKey],
    paths: Paths,
    environ: Mapping[str, str],
    *,
    insecure: bool = False,
    replace: bool = False,
    keyring: Keyring | None = None,
) -> tuple[Imported, ...]:
    """Stores each key, in the keyring or with `insecure` in the protected file, and removes its old file.

    One by one: a failure is in its result, and the others go on. A provider that has another key already keeps that
    one, and the file stays, unless `replace`.
    """
    secrets = SecretStore(paths, _without_keys(environ), keyring=keyring)
    results = tuple(_import(old, secrets, insecure=insecure, replace=replace) for old in old_keys)
    for folder in {result.old.file.parent for result in results if result.is_removed}:
        with suppress(OSError):  # there is something else in it
            folder.rmdir()
    return results


def _import(old: OldKey, secrets: SecretStore, *, insecure: bool, replace: bool) -> Imported:
    if old.provider is None:
        known = ", ".join(PROVIDERS)
        fix = f"kimi set-key PROVIDER --stdin < {_word(old.file)}"
        return Imported(old, failure=SecretError(f"{old.file} is the key of none of {known}.", fix=fix))
    provider = PROVIDERS[old.provider]
    source: KeySource | None = None
    try:
        key = clean_key(provider, old.value)
        before = _stored(provider, secrets, insecure=insecure)
        if before is not None and before.value != key and not replace:
            return Imported(old, failure=_other_key(old, before))
        source = before.source if before is not None and before.value == key else None
        if source is None:
            source = secrets.store_key(provider.id, key, insecure=insecure)
            after = secrets.read_key(provider)
            if after is None or after.value != key:
                source = None
                raise SecretError(f"The key from {old.file} was stored and could not be read back; the file stays.")
        if _read(old.file) != old.value:
            raise SecretError(f"{old.file} was changed while its key was being stored, and stays.")
        old.file.unlink()
    except KimiError as error:
        return Imported(old, source, failure=error)
    except OSError as error:
        sentence = f"{old.file} cannot be removed ({error.strerror}); its key is stored."
        return Imported(old, source, failure=SecretError(sentence, fix=f"rm {_word(old.file)}"))
    return Imported(old, source, is_removed=True)


def _stored(provider: Provider, secrets: SecretStore, *, insecure: bool) -> StoredKey | None:
    """The key that a provider has already. For the protected file a keyring that does not work does not matter."""
    try:
        return secrets.read_key(provider)
    except KeyringError:
        if insecure:
            return None
        raise


def _other_key(old: OldKey, before: StoredKey) -> SecretError:
    place = "the keyring" if before.source is KeySource.KEYRING else before.detail
    return SecretError(
        f"{old.file} holds another key ({old.masked}) than {place} ({before.masked}), which stays in use.",
        fix=f"rm {_word(old.file)}   or   kimi set-key {old.provider} --stdin < {_word(old.file)}",
    )


def _word(file: Path) -> str:
    """The file as one word of a command."""
    return shlex.quote(str(file))


def _folders(environ: Mapping[str, str]) -> Sequence[Path]:
    """The directory of the predecessor, which did not look at XDG_CONFIG_HOME, and where it would be if it had."""
    homes = (environ.get("HOME", ""), environ.get("USERPROFILE", ""))
    places = [Path(home) / ".config" / _FOLDER for home in homes if home and Path(home).is_absolute()]
    config = environ.get("XDG_CONFIG_HOME", "")
    if config and Path(config).is_absolute():
        places.append(Path(config) / _FOLDER)
    return tuple(dict.fromkeys(places))


def _read(file: Path) -> str:
    """The text of a regular file of this user's; empty where it is something else. Links are left to who made them."""
    try:
        if not stat.S_ISREG(file.lstat().st_mode) or not _is_own(file):
            return ""
        with file.open("rb") as opened:
            data = opened.read(_LIMIT + 1)
    except OSError:
        return ""
    return "" if len(data) > _LIMIT else data.decode(errors="replace").strip()


def _is_own(file: Path) -> bool:
    return not hasattr(os, "geteuid") or file.lstat().st_uid == os.geteuid()


def _provider(name: str) -> str | None:
    wanted = name.lower()
    try:
        return find_provider(_NAMES.get(wanted, wanted)).id
    except ProviderUnknownError:
        return None


def _without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without the providers' variables, which would hide what is stored."""
    hidden = {variable for provider in PROVIDERS.values() for variable in provider.key_variables}
    return {name: value for name, value in environ.items() if name not in hidden}
