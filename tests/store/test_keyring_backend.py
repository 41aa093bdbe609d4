"""The system's keyring, in all its moods."""

from __future__ import annotations

import time

import keyring
import pytest
from keyring.backends import chainer, fail, null

from kimi_cli.store.keyring_backend import KeyringError, KeyringFault, SystemKeyring
from tests.store.rings import (
    BrokenRing,
    DismissedRing,
    HangingRing,
    LockedRing,
    MemoryRing,
    PlainRing,
)


@pytest.fixture
def use(monkeypatch):
    """Makes a backend the one that the library uses, for the length of the test."""

    def use_ring(ring):
        monkeypatch.setattr(keyring.core, "_keyring_backend", ring)
        return ring

    return use_ring


def test_keeps_reads_and_forgets(use):
    """A key is kept under our service and the provider's id, read back, replaced and forgotten."""
    ring, system = use(MemoryRing()), SystemKeyring()
    assert system.read("groq") is None
    system.store("groq", "first")
    system.store("groq", "second")
    assert ring.kept == {("kimi-cli", "groq"): "second"}
    assert system.read("groq") == "second"
    assert system.delete("groq") is True
    assert system.delete("groq") is False
    assert system.read("groq") is None
    assert system.name() == "memory"


@pytest.mark.parametrize("ring", [null.Keyring(), fail.Keyring(), PlainRing()], ids=lambda ring: type(ring).__module__)
def test_none_that_keeps_keys(use, ring):
    """A null backend, none at all, or one that writes plain files unasked counts as no keyring."""
    use(ring)
    for question in (lambda it: it.read("groq"), lambda it: it.store("groq", "k"), lambda it: it.delete("groq")):
        with pytest.raises(KeyringError, match="No keyring that keeps keys works here") as caught:
            question(SystemKeyring())
        assert caught.value.fault is KeyringFault.ABSENT
        assert caught.value.fix == "kimi set-key groq --insecure-storage"
    assert getattr(ring, "kept", {}) == {}


def test_plain_backend_that_was_asked_for(use, monkeypatch):
    """A backend that the user named in the library's own variable is used, whatever it is."""
    use(PlainRing())
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.store.rings.PlainRing")
    SystemKeyring().store("groq", "k")
    assert SystemKeyring().read("groq") == "k"


def test_several_backends(use, monkeypatch):
    """A chain of backends works if one of them does."""
    chain, rings = use(chainer.ChainerBackend()), [MemoryRing()]
    monkeypatch.setattr(type(chain), "backends", rings)
    SystemKeyring().store("groq", "k")
    assert rings[0].kept == {("kimi-cli", "groq"): "k"}
    monkeypatch.setattr(type(chain), "backends", [PlainRing()])
    with pytest.raises(KeyringError, match="No keyring"):
        SystemKeyring().read("groq")


@pytest.mark.parametrize("ring", [LockedRing(), DismissedRing()], ids=lambda ring: type(ring).__name__)
def test_locked(use, ring):
    """A locked keyring, or a dismissed prompt, is told as such."""
    use(ring)
    with pytest.raises(KeyringError, match="locked; unlock it") as caught:
        SystemKeyring().read("groq")
    assert caught.value.fault is KeyringFault.LOCKED


def test_failing(use):
    """What a library raises of its own is one sentence on one line."""
    use(BrokenRing())
    with pytest.raises(
        KeyringError, match=r"failed \(ConnectionRefusedError: \[Errno 111\] Connection refused\)"
    ) as caught:
        SystemKeyring().read("groq")
    assert caught.value.fault is KeyringFault.FAILED


def test_failures_repeat_no_key(use):
    """A key that a failing library repeats is not in our error, nor behind it."""
    use(BrokenRing())
    with pytest.raises(KeyringError) as caught:
        SystemKeyring().store("groq", "gsk_secret")
    error = caught.value
    assert str(error) == "The system keyring failed (RuntimeError)."
    assert error.__cause__ is None
    assert error.__context__ is None


def test_hanging(use):
    """A keyring that does not answer is given up after the timeout."""
    ring = use(HangingRing())
    started = time.monotonic()
    try:
        with pytest.raises(KeyringError, match=r"did not answer within 0\.2 seconds") as caught:
            SystemKeyring(timeout=0.2).read("groq")
    finally:
        ring.let_go.set()
    assert caught.value.fault is KeyringFault.SILENT
    assert time.monotonic() - started < 30


def test_backend_that_does_not_exist(use, monkeypatch):
    """A backend named in the library's variable that is not installed is one sentence."""
    use(None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.nowhere.Keyring")
    with pytest.raises(KeyringError, match="failed") as caught:
        SystemKeyring().read("groq")
    assert caught.value.fault is KeyringFault.FAILED
