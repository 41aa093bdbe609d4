"""What several commands' tests share."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from kimi_cli.daemon.end import kill
from kimi_cli.store.identity import ProcessIdentity
from tests.cli.proxies import Proxies

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Sandbox


@pytest.fixture
def proxies(sandbox: Sandbox, tmp_path: Path):
    """Proxies that end with the test at the latest."""
    yield Proxies(tmp_path)
    for process in sandbox.processes():
        with suppress(ProcessLookupError):  # it has just ended
            kill(ProcessIdentity.of(process.pid))
