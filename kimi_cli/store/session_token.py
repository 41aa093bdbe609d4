"""A session's token: the form that it has, and a file in which one is kept so that it outlives a restart."""

from __future__ import annotations

import re
import secrets
import shlex
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import NotConfiguredError
from kimi_cli.store.files import NotPrivateError, exclusive, read_private, write_private
from kimi_cli.store.remedy import read_remedy

if TYPE_CHECKING:
    from pathlib import Path

_FORM: Final = re.compile(r"[A-Za-z0-9_-]{32,256}")
"""As long as one of ours at least, and safe in any header."""
_BYTES: Final = 32
_LIMIT: Final = 4096
"""Bytes of a token's file; a token has a tenth of it at most."""
_OTHER_PLACE: Final = "kimi serve --token-file PATH, with one where you can write"
FORM_IN_WORDS: Final = "32 to 256 characters out of a-z, A-Z, 0-9, _ and -"


class TokenFileError(NotConfiguredError):
    """The file that should hold a token cannot be used."""

    def __init__(self, path: Path, *, reason: str, fix: str | None = None) -> None:
        super().__init__(f"The token file {path} cannot be used: {reason}.", fix=fix)
        self.path, self.reason = path, reason


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(_BYTES)


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return _FORM.fullmatch(text) is not None


def kept_token(path: Path) -> str:
    """The token in the file, or, where there is no file, a new one that is written there for the next time.

    The file is this user's alone (0600). Its directory must exist: a path with a slip in it is not made true. Two
    processes that come at the same moment get the same token.

    Raises:
        TokenFileError: others can read the file, it holds something else, or it cannot be read or written.
    """
    try:
        found = _read(path)
        if found is not None:
            return found
        with exclusive(path.parent):
            found = _read(path)
            if found is not None:
                return found
            token = new_token()
            write_private(path, token.encode() + b"\n")
            return token
    except NotPrivateError as error:
        fix = f"chmod 600 {shlex.quote(str(path))}" if "others" in error.reason else _OTHER_PLACE
        raise TokenFileError(path, reason=f"it {error.reason}", fix=fix) from error
    except FileNotFoundError as error:
        fix = f"mkdir -p {shlex.quote(str(path.parent))}"
        raise TokenFileError(path, reason=f"there is no directory {path.parent}", fix=fix) from error
    except OSError as error:
        is_about_it = error.filename == str(path) and not isinstance(error, NotADirectoryError)
        remedy = read_remedy(path, error) if is_about_it else None
        raise TokenFileError(path, reason=error.strerror or str(error), fix=remedy or _OTHER_PLACE) from error


def _read(path: Path) -> str | None:
    """The file's token; None where there is no file."""
    try:
        text = read_private(path, limit=_LIMIT).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    if not is_token(text):
        fix = f"rm {shlex.quote(str(path))}, and a new one is written"
        raise TokenFileError(path, reason=f"what it holds is no token ({FORM_IN_WORDS})", fix=fix)
    return text
