"""Keyrings that are not there, fail, hang or stay locked, through the commands that use them.

Each command is a process of its own with a backend of `tests/store/rings.py`, chosen as users choose theirs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from kimi_cli.store.key_file import read_keys
from kimi_cli.store.paths import Paths
from kimi_cli.store.settings import choose_provider, read_settings, save_provider
from tests.cli.pty_screen import on_terminal
from tests.cli.run import GROQ_KEY, Ran, kimi
from tests.doubles.groq import KIMI, Groq
from tests.doubles.serve import running

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 0.5
PATIENCE = 60.0
"""Seconds that a command may take beside the timeout, on a loaded machine."""
LOCKED = "The system keyring is locked; unlock it and try again."
SILENT = f"The system keyring did not answer within {TIMEOUT:g} seconds"
BROKEN = "The system keyring failed (ConnectionRefusedError: [Errno 111] Connection refused)."
ABSENT = "No keyring that keeps keys works here."
FAILING = [("LockedRing", LOCKED), ("DismissedRing", LOCKED), ("BrokenRing", BROKEN), ("HangingRing", SILENT)]
"""Backends that may hold a key and do not give it, with what is said of each."""
NO_KEYRING = ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"]
MISSING = "no.such.backend.Keyring"


def backend(ring: str) -> dict[str, str]:
    """The variables that choose a backend."""
    name = ring if "." in ring else f"tests.store.rings.{ring}"
    return {"PYTHON_KEYRING_BACKEND": name, "PYTHONPATH": str(ROOT), "KIMI_KEYRING_TIMEOUT": str(TIMEOUT)}


def with_ring(ring: str, *arguments: str, stdin: str = "", **variables: str) -> Ran:
    """Run a command with this backend; it must end soon, whatever the backend does."""
    began = time.monotonic()
    ran = kimi(*arguments, stdin=stdin, **backend(ring), **variables)
    assert time.monotonic() - began < 3 * TIMEOUT + PATIENCE
    assert "Traceback" not in ran.err
    assert "unforeseen" not in ran.err
    assert GROQ_KEY not in ran.out + ran.err
    return ran


@pytest.fixture
def paths() -> Paths:
    """The directories of a user who has chosen Groq."""
    found = Paths.find(os.environ)
    save_provider(found.settings_file, "groq", model="openai/gpt-oss-120b")
    choose_provider(found.settings_file, "groq")
    return found


@pytest.mark.parametrize(
    ("ring", "says"),
    [
        *[(ring, says) for ring, says in FAILING if ring != "BrokenRing"],
        ("BrokenRing", "The system keyring failed (RuntimeError)."),  # whose own words repeat the key
        *((ring, ABSENT) for ring in NO_KEYRING),
    ],
)
def test_a_key_is_never_stored_elsewhere_by_itself(paths, ring, says):
    """Where the keyring does not take it the key is nowhere, and the explicit way is named."""
    ran = with_ring(ring, "set-key", "groq", "--stdin", stdin=GROQ_KEY)
    assert (ran.status, ran.out) == (3, "")
    assert says in ran.err
    assert "Try: kimi set-key groq --insecure-storage" in ran.err
    assert not paths.keys_file.exists()


def test_a_backend_that_does_not_exist(paths):
    """A backend that is configured and cannot be loaded is told, and not taken for none."""
    ran = with_ring(MISSING, "set-key", "groq", "--stdin", stdin=GROQ_KEY)
    assert ran.status == 3
    assert "The system keyring failed" in ran.err
    assert with_ring(MISSING, "check").status == 3


@pytest.mark.parametrize(("ring", "says"), FAILING)
def test_the_file_works_beside_any_keyring(paths, ring, says):
    """A key that is kept in the file by choice is stored, used and removed whatever the keyring does."""
    stored = with_ring(ring, "set-key", "groq", "--stdin", "--insecure-storage", stdin=GROQ_KEY)
    assert stored.status == 0
    assert read_keys(paths.keys_file) == {"groq": GROQ_KEY}
    shown = with_ring(ring, "provider")
    assert (shown.status, "Missing" in shown.err) == (0, False)
    assert "gsk_...mnop" in shown.out
    gone = with_ring(ring, "unset-key", "groq")
    assert gone.status == 3
    assert says in gone.err
    assert "A key may be left in it." in gone.err
    assert "Try: kimi unset-key groq" in gone.err
    assert "is gone from a file" in gone.err
    assert not paths.keys_file.exists()


@pytest.mark.parametrize(("ring", "says"), FAILING)
def test_switching_works_and_says_what_is_wrong(paths, ring, says):
    """Choosing a provider does not depend on its key; that the key cannot be read is told beside it."""
    ran = with_ring(ring, "provider", "moonshot")
    assert ran.status == 0
    assert read_settings(paths.settings_file).provider == "moonshot"
    assert "Key       not known" in ran.out
    assert f"Missing: {says}" in ran.err
    assert "Try: kimi set-key moonshot --insecure-storage" in ran.err


@pytest.mark.parametrize(("ring", "says"), FAILING)
def test_a_launch_and_what_looks_at_it(paths, ring, says):
    """A launch says why it has no key, and so do `check` and `config show`."""
    launch = with_ring(ring, "--print", "hello", KIMI_CLAUDE=sys.executable)
    assert launch.status == 3
    assert says in launch.err
    check = with_ring(ring, "check", "--json", KIMI_CLAUDE=sys.executable)
    assert check.status == 3
    (found,) = [one for one in json.loads(check.out)["findings"] if one["topic"] == "provider"]
    assert says in found["text"]
    assert found["fix"] == "kimi set-key groq --insecure-storage"
    values = with_ring(ring, "config", "show", "--json")
    assert values.status == 0
    (key,) = [one for one in json.loads(values.out)["values"] if one["name"] == "key"]
    assert key["value"] is None
    assert says in key["trouble"]


@pytest.mark.parametrize(("ring", "says"), FAILING)
def test_models_are_listed_and_chosen_without_a_key(paths, ring, says):
    """What the catalogue knows is shown, and a model can be set, with a word about the keyring."""
    listed = with_ring(ring, "models", "--json")
    assert listed.status == 0
    assert says in json.loads(listed.out)["trouble"]
    assert with_ring(ring, "model", "m2").status == 0
    assert read_settings(paths.settings_file).of("groq").model == "m2"


@pytest.mark.parametrize("ring", [ring for ring, _ in FAILING])
def test_a_variable_needs_no_keyring(paths, ring):
    """With a key in the environment no keyring is asked, however long it would take."""
    ran = with_ring(ring, "provider", GROQ_API_KEY=GROQ_KEY)
    assert (ran.status, ran.err.count("Missing")) == (0, 0)
    assert "from GROQ_API_KEY" in ran.out


@pytest.mark.parametrize(("ring", "says"), FAILING)
def test_a_reset_takes_everything_else(paths, ring, says):
    """A keyring that fails keeps nothing else from going, and what may be left in it is told with its command."""
    ran = with_ring(ring, "reset", "--yes")
    assert ran.status == 3
    assert says in ran.err
    assert "A key may be left in it." in ran.err
    assert ran.err.rstrip().endswith("Done, but for that.")
    assert not paths.settings_file.exists()


@pytest.mark.parametrize("ring", [*NO_KEYRING])
def test_without_a_keyring_there_is_just_no_key(paths, ring):
    """A machine without a keyring has no key, which is no failure of anything."""
    ran = with_ring(ring, "provider")
    assert (ran.status, "Key       none" in ran.out) == (0, True)
    assert "It has no key." in ran.err
    assert with_ring(ring, "unset-key", "groq").err == "No key is stored for Groq.\n"
    assert with_ring(ring, "reset", "--yes").status == 0


@posix
@pytest.mark.parametrize(("ring", "says"), [*FAILING, (NO_KEYRING[0], None)])
def test_setup_goes_on_with_the_file(sandbox, ring, says):
    """The wizard says what is wrong with the keyring and offers the file, which has to be chosen."""
    double = Groq()
    with running(double) as url:
        kimi("provider", "groq", "--base-url", url)
        shown = on_terminal(
            "setup",
            answers=[
                ("Which host", "\r"),
                ("API key for", f"{double.key}\r"),
                ("Which model", "\r"),
                ("unencrypted", "y\r"),
                ("with Tab", "n\r"),
            ],
            **backend(ring),
        )
    assert shown.status == 0
    assert (f"Warning: {says}" in shown.words) if says else "Warning" not in shown.words
    assert "The key cannot go into a keyring:" in shown.words
    paths = Paths.find(os.environ)
    assert read_keys(paths.keys_file) == {"groq": double.key}
    assert read_settings(paths.settings_file).of("groq").model == KIMI


@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_a_timeout_that_is_none(text):
    """A time that is no number of seconds is told, with the command that takes it back."""
    ran = kimi("set-key", "groq", "--stdin", stdin=GROQ_KEY, KIMI_KEYRING_TIMEOUT=text)
    assert ran.status == 3
    assert "KIMI_KEYRING_TIMEOUT must be a number of seconds" in ran.err
    assert "Try: unset KIMI_KEYRING_TIMEOUT" in ran.err
