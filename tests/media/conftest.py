"""Media as a proxy has them, with a look at the processes that they leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from kimi_cli.media.library import Library
from kimi_cli.media.preparation import Media
from kimi_cli.media.reader import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PATIENCE = 60.0
"""Seconds for a document: tests run on busy machines."""


@pytest.fixture
def no_children() -> Iterator[None]:
    """At the end no process that the test started is left, not even a dead one."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    assert [child for child in psutil.Process().children(recursive=True) if child.pid not in before] == []


@pytest.fixture
async def media(no_children: None) -> AsyncIterator[Media]:
    """What a proxy prepares its requests with."""
    media = Media(library=Library(reader=Reader(seconds=PATIENCE)))
    yield media
    await media.close()
