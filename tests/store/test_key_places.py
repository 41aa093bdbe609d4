"""Where keys are kept, all of them at once."""

from __future__ import annotations

import pytest

from kimi_cli.store.key_file import change_key, read_keys
from kimi_cli.store.key_places import KeptKey, KeptKeys, KeyPlaces
from kimi_cli.store.keyring_backend import KeyringFault
from kimi_cli.store.secrets import KeySource
from tests.store.rings import FakeKeyring

RING, FILE = KeySource.KEYRING, KeySource.FILE
IDS = ("groq", "moonshot", "local")


class CountingRing(FakeKeyring):
    """A keyring that counts what it is asked."""

    asked = 0

    def read(self, user):
        self.asked += 1
        return super().read(user)

    def delete(self, user):
        self.asked += 1
        return super().delete(user)


@pytest.fixture
def places(paths):
    """The places of this user, with this keyring."""
    return lambda ring: KeyPlaces(paths, {"GROQ_API_KEY": "gsk_environ"}, keyring=ring)


def test_none(places, paths):
    """Where no key is kept none is found, and nothing is made; variables do not count."""
    for ring in (FakeKeyring(), FakeKeyring(fault=KeyringFault.ABSENT)):
        assert places(ring).kept(IDS) == places(ring).forget(IDS) == KeptKeys(())
    assert not paths.config_dir.exists()


def test_everywhere(places, paths):
    """Every key is found in every place, those of other providers in the file only on request."""
    change_key(paths.keys_file, "groq", key="f")
    change_key(paths.keys_file, "gone", key="f")
    found = places(FakeKeyring(groq="r", local="r", gone="r"))
    mine = (KeptKey("groq", RING), KeptKey("local", RING), KeptKey("groq", FILE))
    assert found.kept(IDS) == KeptKeys(mine)
    assert set(found.kept(IDS, with_others=True).keys) == {*mine, KeptKey("gone", RING), KeptKey("gone", FILE)}


def test_forgets(places, paths):
    """Keys go from every place, or from the one that was named, and other providers' stay."""
    change_key(paths.keys_file, "groq", key="f")
    change_key(paths.keys_file, "other", key="f")
    ring = FakeKeyring(groq="r", other="r")
    assert places(ring).forget(IDS, sources={RING}) == KeptKeys((KeptKey("groq", RING),))
    assert places(ring).forget(IDS) == KeptKeys((KeptKey("groq", FILE),))
    assert (ring.kept, read_keys(paths.keys_file)) == ({"other": "r"}, {"other": "f"})


@pytest.mark.parametrize("fault", [KeyringFault.LOCKED, KeyringFault.SILENT, KeyringFault.FAILED])
def test_keyring_that_fails(places, paths, fault):
    """A keyring that fails is asked once and reported; the file is looked at all the same."""
    ring = CountingRing(fault=fault)
    change_key(paths.keys_file, "groq", key="f")
    kept = places(ring).kept(IDS)
    assert (kept.keys, [trouble.fault for trouble in kept.troubles]) == ((KeptKey("groq", FILE),), [fault])
    gone = places(ring).forget(IDS)
    assert (gone.keys, [trouble.fault for trouble in gone.troubles]) == ((KeptKey("groq", FILE),), [fault])
    assert ring.asked == 2
    assert not paths.keys_file.exists()


def test_file_that_is_refused(places, paths):
    """A file that cannot be used is reported; the keyring is looked at all the same."""
    paths.config_dir.mkdir(parents=True, mode=0o700)
    paths.keys_file.write_text("no keys")
    paths.keys_file.chmod(0o600)
    found = places(FakeKeyring(groq="r"))
    for answer in (found.kept(IDS), found.forget(IDS)):
        assert answer.keys == (KeptKey("groq", RING),)
        assert "is not JSON" in str(answer.troubles[0])
    assert paths.keys_file.read_text() == "no keys"
