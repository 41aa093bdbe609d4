"""What the tests of this room share: a user's directories, and the means to make them fail."""

from __future__ import annotations

from tests.daemon.conftest import world
from tests.store.conftest import full_disk, paths, unprivileged

__all__ = ["full_disk", "paths", "unprivileged", "world"]
