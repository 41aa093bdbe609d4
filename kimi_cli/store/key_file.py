"""Keys in a file that only its owner can read, for systems on which no keyring works.

    {"schema": 1, "keys": {"groq": "gsk_..."}}

A file that others can read is refused, whatever is asked of it: the keys in it may be known to them already.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import SecretError
from kimi_cli.store.files import NotPrivateError, ensure_private_dir, exclusive, read_private, write_private
from kimi_cli.store.remedy import read_remedy, write_remedy

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA: Final = 1
_LIMIT: Final = 1024 * 1024
"""Bytes; a hundred keys of the greatest length that we take have less than half of it."""


def read_keys(path: Path) -> dict[str, str]:
    """The key of each provider id; empty where there is no file.

    Raises:
        SecretError: others can read the file, or it cannot be read or understood.
    """
    try:
        return _parse(path, read_private(path, limit=_LIMIT))
    except FileNotFoundError:
        return {}
    except NotPrivateError as error:
        fix = f"chmod 600 {shlex.quote(str(path))}" if "others" in error.reason else None
        raise SecretError(f"The key file {path} is not used: it {error.reason}.", fix=fix) from error
    except OSError as error:
        fix = read_remedy(path, error)
        raise SecretError(f"The key file {path} cannot be read ({error.strerror}).", fix=fix) from error


def change_key(path: Path, provider_id: str, *, key: str | None) -> bool:
    """Sets the key of a provider, or removes it where `key` is None; whether anything changed.

    Two processes that do this at once do not lose a change. The last key's removal removes the file.

    Raises:
        SecretError: the file cannot be read, understood or written; then it is as it was.
    """
    if key is None and not path.exists():
        return False
    try:
        ensure_private_dir(path.parent)
        with exclusive(path.parent):
            before = read_keys(path)
            after = {name: value for name, value in before.items() if name != provider_id}
            if key is not None:
                after[provider_id] = key
            if after == before:
                return False
            if after:
                write_private(path, json.dumps({"schema": _SCHEMA, "keys": after}, indent=2).encode() + b"\n")
            else:
                path.unlink()
            return True
    except OSError as error:
        fix = write_remedy(path, error)
        raise SecretError(f"The key file {path} cannot be written ({error.strerror or error}).", fix=fix) from error


def _parse(path: Path, data: bytes) -> dict[str, str]:
    fix = f"kimi set-key PROVIDER --insecure-storage, after moving {shlex.quote(str(path))} away"
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        place = f", line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SecretError(f"The key file {path} is not JSON{place}; it is left as it is.", fix=fix) from error
    keys = document.get("keys") if isinstance(document, dict) and document.get("schema") == _SCHEMA else None
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        raise SecretError(f"The key file {path} is not one of ours; it is left as it is.", fix=fix)
    return keys
