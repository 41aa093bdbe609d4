"""What a directory tree asks for: the provider and the models that are used in it.

The file `.kimi.toml` lies at the top of the tree, and may be part of a repository:

    provider = "moonshot"
    model = "kimi-k3"

    [slots]
    haiku = "kimi-k2.6"

Whoever wrote it need not be this user. So it can choose among the providers that this user has, and no more: an
address or a key in it is not read, or a cloned repository could send this user's traffic and key wherever it likes. A
file that another user could have put there is not read at all.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import SettingsError
from kimi_cli.providers.route import SLOTS
from kimi_cli.record import Record, field
from kimi_cli.store.remedy import read_remedy
from kimi_cli.store.settings_file import parse_toml, table_at, text_at
from kimi_cli.store.spelling import unknown_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PROJECT_FILE: Final = ".kimi.toml"
_KEYS: Final = ("provider", "model", "slots")
_LIMIT: Final = 64 * 1024
"""Bytes; such a file has a few lines."""
_PROVIDER: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_MODEL: Final = r"[A-Za-z0-9@~][\x21-\x7e]{0,199}"
"""Ids such as `moonshotai/kimi-k2:free`. They go into files, headers and onto the screen, so they are kept plain."""
_REDIRECTS: Final = (
    "is not read from a project's file: it could send your traffic and your key elsewhere. It belongs into your own"
    " settings."
)
_REASONS: Final = MappingProxyType(
    dict.fromkeys(
        (
            *("base_url", "base-url", "url", "endpoint", "format", "providers", "proxy"),
            *("key", "api_key", "apikey", "token", "key_variable", "key_env"),
        ),
        _REDIRECTS,
    )
)


class Project(Record):
    """What the file at `path` asks for; None where it leaves the choice. `warnings` are sentences."""

    path: Path
    provider: str | None = None
    model: str | None = None
    slots: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()


def read_project(cwd: Path, *, home: Path | None) -> Project | None:
    """The nearest project file, from `cwd` upwards; None where there is none.

    The home directory is the last that is looked at, or the root for a directory outside of it. A file that cannot be
    trusted ends the search too; it comes back with a warning, and asks for nothing.

    Raises:
        SettingsError: there is a file, and it cannot be read or understood.
    """
    for folder in _upwards(cwd, home=home):
        path = folder / PROJECT_FILE
        try:
            entry = path.lstat()
        except OSError:  # there is none, or nothing in this directory may be seen
            continue
        try:
            data, doubt = _read(path, entry)
        except PermissionError as error:
            fix = f"chmod u+r {shlex.quote(str(path))}"
            raise SettingsError(path, reason="it exists, and you may not read it", fix=fix) from error
        except OSError as error:
            reason = f"it cannot be read ({error.strerror})"
            raise SettingsError(path, reason=reason, fix=read_remedy(path, error)) from error
        if doubt:
            return Project(path, warnings=(f"{path} is ignored: it {doubt}.",))
        try:
            return _parse(path, data)
        except SettingsError as error:
            error.fix = f"edit {shlex.quote(str(path))}"
            raise
    return None


def _upwards(cwd: Path, *, home: Path | None) -> Iterator[Path]:
    place, last = cwd.resolve(), home.resolve() if home else None
    for folder in (place, *place.parents):
        yield folder
        if folder == last:
            return


def _read(path: Path, entry: os.stat_result) -> tuple[bytes, str]:
    """The file's bytes, and why it is not trusted, as the rest of a sentence; empty where it is.

    What was opened is what is judged. A link is judged as well: somebody else's could lead to a file of this user's
    that is no settings file, and stop every launch in a shared directory. A pipe or a device in the file's place
    neither blocks nor is read.
    """
    if _is_strangers(entry):
        return b"", "belongs to another user"
    if path.is_dir():  # which Windows does not open
        return b"", "is not a regular file"
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - it is a descriptor
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            return b"", "is not a regular file"
        if _is_strangers(found):
            return b"", "belongs to another user"
        if sys.platform != "win32" and found.st_mode & stat.S_IWOTH:
            return b"", "can be written by every user"
        data = file.read(_LIMIT + 1)
    return data, f"is larger than {_LIMIT // 1024} KiB" if len(data) > _LIMIT else ""


def _is_strangers(found: os.stat_result) -> bool:
    """Whether neither this user nor the system's administrator owns it. Windows does not tell in this way."""
    return sys.platform != "win32" and found.st_uid not in {os.geteuid(), 0}


def _parse(path: Path, data: bytes) -> Project:
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise SettingsError(path, reason=f"it is not UTF-8 text (byte {error.start + 1})") from error
    document = parse_toml(path, text)
    slots = table_at(path, document, "slots")
    models = {slot: _model(path, slots, slot, where="slots.") for slot in SLOTS}
    provider = text_at(path, document, "provider")
    if provider is not None and not re.fullmatch(_PROVIDER, provider):
        raise SettingsError(path, reason="provider holds something that is no provider's name")
    return Project(
        path=path,
        provider=provider,
        model=_model(path, document, "model"),
        slots=MappingProxyType({slot: model for slot, model in models.items() if model}),
        warnings=(
            *unknown_keys(path, document, known=_KEYS, reasons=_REASONS),
            *unknown_keys(path, slots, known=SLOTS, where="slots.", what="slot"),
        ),
    )


def _model(path: Path, table: Mapping[str, object], key: str, *, where: str = "") -> str | None:
    model = text_at(path, table, key, where=where)
    if model is not None and not re.fullmatch(_MODEL, model):
        raise SettingsError(path, reason=f"{where}{key} holds something that is no model's id")
    return model
