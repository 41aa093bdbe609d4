"""The same command, corrected: what a failure proposes in place of a name or an address that cannot be used."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kimi_cli.errors import BaseUrlError, ProviderUnknownError
from kimi_cli.store.wanted import MisnamedProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def suggesting(command: str) -> Iterator[None]:
    """Let a provider that there is not lead to `command` with the one that was probably meant behind it.

    By itself the failure proposes to choose that provider, which is not what somebody wanted who was about to store a
    key. A name that stands in a variable or a file is corrected there.
    """
    try:
        yield
    except ProviderUnknownError as error:
        if error.suggestion and not isinstance(error, MisnamedProviderError):
            error.fix = f"{command} {error.suggestion}"
        raise


@contextmanager
def an_address(command: str) -> Iterator[None]:
    """Let a base URL that cannot be used lead to `command` with the form of one that can behind it."""
    try:
        yield
    except BaseUrlError as error:
        error.fix = error.fix or f"{command} --base-url https://HOST/v1"
        raise
