"""What this room does not load, so that commands start at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("aiohttp", "keyring", "tomlkit", "asyncio", "rich", "typer", "psutil", "urllib.request")
FIND = "import os; from kimi_cli.store.paths import Paths; paths = Paths.find(os.environ)\n"
READ_SETTINGS = "from kimi_cli.store.settings import read_settings; read_settings(paths.settings_file)"
READ_WANTED = "from kimi_cli.store.wanted import read_wanted; read_wanted(paths, os.environ, cwd=paths.config_dir)"
READ_STATE = "from kimi_cli.store.state import read_state; read_state(paths.state_file)"
READ_KEY = """from kimi_cli.store.secrets import SecretStore
from kimi_cli.providers.catalogue import find_provider
assert SecretStore(paths, {"GROQ_API_KEY": "gsk_1"}).read_key(find_provider("groq"))
"""
LIGHT = {
    "settings": "import kimi_cli.store.settings",
    "secrets": "import kimi_cli.store.secrets",
    "live models": "import kimi_cli.store.live_models",
    "key file": "import kimi_cli.store.key_file",
    "reading settings": FIND + READ_SETTINGS,
    "reading what is wanted": FIND + READ_WANTED,
    "reading a state": FIND + READ_STATE,
    "reading a key from a variable": FIND + READ_KEY,
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need psutil for identities")
@pytest.mark.parametrize("script", LIGHT.values(), ids=LIGHT)
def test_stays_light(script):
    """Neither importing nor reading loads the network, the keyring or what only writing needs."""
    code = f"{script}\nimport sys; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "[]"


def test_hosts_stay_light():
    """Aiohttp is loaded when a host is asked, and not before."""
    code = "import kimi_cli.hosts.models, sys; print('aiohttp' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "False"
