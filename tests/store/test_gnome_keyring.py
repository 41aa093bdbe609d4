"""Keys in the real GNOME keyring, open, locked and silent, through our own store and through the command line."""

from __future__ import annotations

import json
import sys
import time

import pytest

from tests.store.keyring_session import keyring_session, missing, wait_for_end

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

FIRST = "gsk_0123456789abcdefghijklmnop"
SECOND = "gsk_zyxwvutsrqponmlkjihg9876543210"
LOCKED = "Error: The system keyring is locked; unlock it and try again."

STORE = """
import os, sys
from kimi_cli.providers.catalogue import find_provider
from kimi_cli.store.paths import Paths
from kimi_cli.store.secrets import SecretStore
store = SecretStore(Paths.find(os.environ), os.environ)
match sys.argv[1]:
    case "name": print(store.keyring_name())
    case "store": print(store.store_key("groq", sys.stdin.read()))
    case "read":
        found = store.read_key(find_provider("groq"))
        print(found and (found.value, str(found.source), found.detail))
    case "delete": print([str(source) for source in store.delete_key("groq")])
"""
DEAF_PROMPTER = """\
[D-BUS Service]
Name=org.gnome.keyring.SystemPrompter
Exec={python} -c "import os, time; parent = os.getppid()\\nwhile os.getppid() == parent: time.sleep(0.05)"
"""


@pytest.fixture
def session(sandbox):
    """Starts a session; after the test nothing of it runs."""
    yield lambda *, unlock: keyring_session(sandbox, unlock=unlock)
    assert wait_for_end(sandbox) == []


def ask(session, what, *, stdin=""):
    """What the store says in a process of its own."""
    done = session.python("-c", STORE, what, stdin=stdin)
    assert done.stderr == ""
    return done.stdout.strip()


def test_keeps_reads_replaces_and_forgets(session):
    """A key is kept under the documented name, outlives the process, is replaced, and is forgotten."""
    with session(unlock=True) as running:
        assert "SecretService" in ask(running, "name")
        assert ask(running, "read") == "None"
        assert ask(running, "delete") == "[]"
        for key in (FIRST, SECOND):
            assert ask(running, "store", stdin=key) == "keyring"
            assert ask(running, "read") == str((key, "keyring", "kimi-cli/groq"))
        assert ask(running, "delete") == "['keyring']"
        assert ask(running, "read") == "None"


def test_outlives_the_session(session):
    """A key that was kept in one session is there in the next."""
    with session(unlock=True) as running:
        ask(running, "store", stdin=FIRST)
    with session(unlock=True) as running:
        assert FIRST in ask(running, "read")


def test_command_line(session, sandbox):
    """The commands store the key, show it masked and forget it; it is in no output and in no file of ours."""
    with session(unlock=True) as running:
        stored = running.kimi("set-key", "groq", "--stdin", stdin=f"{FIRST}\n")
        assert (stored.returncode, stored.stdout) == (0, "")
        assert "in the system keyring" in stored.stderr
        shown = running.kimi("provider", "groq", "--model", "openai/gpt-oss-20b")
        assert shown.returncode == 0
        assert "gsk_...mnop from kimi-cli/groq" in shown.stdout
        checked = running.kimi("check", "--json")
        (key,) = (found for found in json.loads(checked.stdout)["findings"] if found["topic"] == "key")
        assert (key["level"], key["source"], key["masked"]) == ("ok", "keyring", "gsk_...mnop")
        forgotten = running.kimi("unset-key", "groq")
        assert forgotten.returncode == 0
        assert ask(running, "read") == "None"
    said = "".join(ran.stdout + ran.stderr for ran in (stored, shown, checked, forgotten))
    assert FIRST not in said
    assert "Traceback" not in said
    assert not any(FIRST.encode() in file.read_bytes() for file in sandbox.root.rglob("*") if file.is_file())


@pytest.mark.parametrize("is_new", [True, False], ids=["never opened", "locked"])
def test_locked(session, is_new):
    """A keyring that nobody unlocks is one sentence within the timeout, and the file is an explicit way out."""
    if not is_new:
        with session(unlock=True) as running:
            ask(running, "store", stdin=FIRST)
    with session(unlock=False) as running:
        for arguments in (("set-key", "groq", "--stdin"), ("unset-key", "groq")):
            ran = running.kimi(*arguments, stdin=SECOND, KIMI_KEYRING_TIMEOUT="30")
            assert (ran.returncode, ran.stdout) == (3, "")
            assert ran.stderr.startswith(LOCKED)
            assert "Traceback" not in ran.stderr
        assert running.kimi("set-key", "groq", "--stdin", "--insecure-storage", stdin=SECOND).returncode == 0
        assert SECOND in ask(running, "read")


def test_silent(session, sandbox):
    """A keyring that waits for a password which nobody gives is given up after the timeout."""
    services = sandbox.runtime / "dbus-1" / "services"
    services.mkdir(parents=True)
    (services / "org.gnome.keyring.SystemPrompter.service").write_text(DEAF_PROMPTER.format(python=sys.executable))
    with session(unlock=False) as running:
        started = time.monotonic()
        ran = running.kimi("set-key", "groq", "--stdin", stdin=FIRST, KIMI_KEYRING_TIMEOUT="1")
        assert time.monotonic() - started < 20
        assert (ran.returncode, ran.stdout) == (3, "")
        assert "The system keyring did not answer within 1 seconds" in ran.stderr
        assert "Traceback" not in ran.stderr
