"""Keyrings that behave in every way that keyrings do."""

from __future__ import annotations

import threading

from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked, PasswordDeleteError

from kimi_cli.store.keyring_backend import KeyringError, KeyringFault


class MemoryRing(KeyringBackend):
    """A backend of the library that works, and keeps its passwords while the test runs."""

    priority = 5
    name = "memory"

    def __init__(self):
        super().__init__()
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not found")
        del self.kept[service, username]


class PlainRing(MemoryRing):
    """A backend that the library does not recommend, as those are that write plain files."""

    priority = 0.5


class LockedRing(MemoryRing):
    """A backend whose collection stays locked."""

    def get_password(self, service, username):
        raise KeyringLocked("Failed to unlock the collection!")

    def set_password(self, service, username, password):
        raise KeyringLocked("Failed to unlock the collection!")


class DismissedRing(MemoryRing):
    """A backend whose prompt was dismissed."""

    def get_password(self, service, username):
        raise InitError("Failed to create the collection: Prompt dismissed..")

    def set_password(self, service, username, password):
        raise InitError("Failed to create the collection: Prompt dismissed..")


class BrokenRing(MemoryRing):
    """A backend whose library fails in a way of its own, and repeats what it was given."""

    def get_password(self, service, username):
        raise ConnectionRefusedError(111, "Connection refused")

    def set_password(self, service, username, password):
        raise RuntimeError(f"cannot store\n{password}")


class HangingRing(MemoryRing):
    """A backend that answers only when the test lets it."""

    def __init__(self):
        super().__init__()
        self.let_go = threading.Event()

    def get_password(self, service, username):
        self.let_go.wait()

    def set_password(self, service, username, password):
        self.let_go.wait()


class FakeKeyring:
    """Our own Keyring, in memory; with a `fault` it fails in that way."""

    def __init__(self, *, fault: KeyringFault | None = None, **kept: str):
        self.kept = dict(kept)
        self.fault = fault

    def name(self):
        self._fail()
        return "fake"

    def read(self, user):
        self._fail()
        return self.kept.get(user)

    def store(self, user, key):
        self._fail()
        self.kept[user] = key

    def delete(self, user):
        self._fail()
        return self.kept.pop(user, None) is not None

    def _fail(self):
        if self.fault:
            raise KeyringError(f"The keyring is {self.fault}.", fault=self.fault)
