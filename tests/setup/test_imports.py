"""What the commands about provider and model do not load, so that they start at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("aiohttp", "asyncio", "keyring", "tomlkit", "rich", "typer")


@pytest.mark.parametrize("module", ["added", "footprint", "forget", "old_keys", "reset"])
def test_stays_light(module):
    """Neither the network nor the keyring is loaded before it is wanted."""
    code = f"import kimi_cli.setup.{module}, sys; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "[]"
