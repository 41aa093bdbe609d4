"""What the tests of this room share: paths in the sandbox, a user without root's powers, a disk that is full."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import tomlkit  # noqa: F401 - loaded here, because nobody may not be allowed to read the interpreter's library

from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.conftest import Sandbox

NOBODY = 65534


@pytest.fixture
def paths(sandbox: Sandbox) -> Paths:
    """The directories of the sandbox's user."""
    return Paths.find(sandbox.environ())


@pytest.fixture
def unprivileged(sandbox: Sandbox) -> Iterator[None]:
    """Permissions count: a test that runs as root goes on as nobody, with the sandbox in nobody's hands."""
    if sys.platform == "win32":
        pytest.skip("Windows has no permission bits")
    if os.geteuid() != 0:
        yield
        return
    for directory, _, files in os.walk(sandbox.root):
        for path in (directory, *(os.path.join(directory, name) for name in files)):  # noqa: PTH118
            os.chown(path, NOBODY, NOBODY)
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def full_disk() -> Callable[[], AbstractContextManager[None]]:
    """Within it, this process cannot write a single byte to any file."""
    if sys.platform == "win32":
        pytest.skip("Windows has no limit to the size of files")
    import resource

    @contextmanager
    def limited() -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited
