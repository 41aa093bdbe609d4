"""Where keys come from, where they go, and which texts are keys."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.errors import SecretError
from kimi_cli.providers.catalogue import customised, find_provider
from kimi_cli.store.key_file import change_key, read_keys
from kimi_cli.store.keyring_backend import KeyringError, KeyringFault
from kimi_cli.store.secrets import KeySource, SecretStore, StoredKey, clean_key
from tests.store.rings import FakeKeyring

GROQ = find_provider("groq")
MOONSHOT = find_provider("moonshot")
DEEPINFRA = find_provider("deepinfra")
FAULTS = [KeyringFault.LOCKED, KeyringFault.SILENT, KeyringFault.FAILED]


@pytest.fixture
def store(paths):
    """Makes a store with this environment and this keyring."""

    def make(environ=None, *, ring=None):
        return SecretStore(paths, environ or {}, keyring=ring or FakeKeyring())

    return make


def test_no_key(store, paths):
    """Where no key is, there is none, and nothing is made."""
    assert store().read_key(GROQ) is None
    assert store(ring=FakeKeyring(fault=KeyringFault.ABSENT)).read_key(GROQ) is None
    assert not paths.config_dir.exists()


def test_order(store, paths):
    """The environment outranks the keyring, and the keyring the file."""
    ring, environ = FakeKeyring(groq="gsk_ring"), {"GROQ_API_KEY": "gsk_environ"}
    change_key(paths.keys_file, "groq", key="gsk_file")
    found = store(environ, ring=ring).read_key(GROQ)
    assert found == StoredKey("gsk_environ", KeySource.ENVIRONMENT, "GROQ_API_KEY")
    assert store(ring=ring).read_key(GROQ) == StoredKey("gsk_ring", KeySource.KEYRING, "kimi-cli/groq")
    assert store().read_key(GROQ) == StoredKey("gsk_file", KeySource.FILE, str(paths.keys_file))


def test_variables_in_order(store):
    """A provider's first variable that is set counts; an empty one is not set."""
    environ = {"DEEPINFRA_API_KEY": " ", "DEEPINFRA_TOKEN": " token\n"}
    assert store(environ).read_key(DEEPINFRA) == StoredKey("token", KeySource.ENVIRONMENT, "DEEPINFRA_TOKEN")


def test_variable_that_holds_no_key(store):
    """A variable with something else in it is an error that names it and not its content."""
    with pytest.raises(SecretError, match=r"^GROQ_API_KEY cannot be used for Groq: it is a key of Anthropic") as caught:
        store({"GROQ_API_KEY": "sk-ant-secret"}).read_key(GROQ)
    assert "secret" not in str(caught.value)


def test_stored_key_that_is_none(store, paths):
    """What the keyring or the file holds is judged like everything else."""
    with pytest.raises(SecretError, match=r"^The key in the keyring cannot be used"):
        store(ring=FakeKeyring(groq="gsk_a\nb")).read_key(GROQ)
    change_key(paths.keys_file, "groq", key="other")
    with pytest.raises(SecretError, match=r"^The key in .*keys\.json cannot be used"):
        store().read_key(GROQ)


@pytest.mark.parametrize("fault", FAULTS)
def test_keyring_that_may_hold_the_key(store, paths, fault):
    """Where the keyring cannot be asked it is an error, unless the file has the key."""
    ring = FakeKeyring(fault=fault)
    with pytest.raises(KeyringError) as caught:
        store(ring=ring).read_key(GROQ)
    assert caught.value.fault is fault
    change_key(paths.keys_file, "groq", key="gsk_file")
    assert store(ring=ring).read_key(GROQ).source is KeySource.FILE


def test_kept_in_the_keyring(store, paths):
    """A key goes to the keyring; an older one in the file is forgotten, other providers' stay."""
    ring = FakeKeyring()
    change_key(paths.keys_file, "groq", key="gsk_old")
    change_key(paths.keys_file, "moonshot", key="sk-other")
    assert store(ring=ring).store_key("groq", "gsk_new") is KeySource.KEYRING
    assert ring.kept == {"groq": "gsk_new"}
    assert read_keys(paths.keys_file) == {"moonshot": "sk-other"}


@pytest.mark.parametrize("fault", list(KeyringFault))
def test_never_kept_in_the_file_by_itself(store, paths, fault):
    """Where the keyring does not work, storing is an error, and no file is made."""
    with pytest.raises(KeyringError):
        store(ring=FakeKeyring(fault=fault)).store_key("groq", "gsk_new")
    assert not paths.keys_file.exists()


def test_kept_in_the_file_on_request(store, paths):
    """On request a key goes to the file; an older one in the keyring, which would outrank it, is forgotten."""
    ring = FakeKeyring(groq="gsk_old", moonshot="sk-other")
    assert store(ring=ring).store_key("groq", "gsk_new", insecure=True) is KeySource.FILE
    assert ring.kept == {"moonshot": "sk-other"}
    assert store(ring=ring).read_key(GROQ).value == "gsk_new"


@pytest.mark.parametrize("fault", list(KeyringFault))
def test_kept_in_the_file_without_a_keyring(store, fault):
    """The file works where the keyring does not, in whatever way it fails."""
    secrets = store(ring=FakeKeyring(fault=fault))
    secrets.store_key("groq", "gsk_new", insecure=True)
    assert secrets.read_key(GROQ).value == "gsk_new"


def test_forgets_everywhere(store, paths):
    """A key is forgotten wherever it is, and the places are told."""
    ring = FakeKeyring(groq="gsk_ring", moonshot="sk-other")
    change_key(paths.keys_file, "groq", key="gsk_file")
    secrets = store(ring=ring)
    assert secrets.delete_key("groq") == (KeySource.KEYRING, KeySource.FILE)
    assert secrets.delete_key("groq") == ()
    assert ring.kept == {"moonshot": "sk-other"}
    assert not paths.keys_file.exists()


def test_forgets_without_a_keyring(store, paths):
    """Without a keyring the file's key is forgotten; one that cannot be asked is an error, after that."""
    change_key(paths.keys_file, "groq", key="gsk_file")
    assert store(ring=FakeKeyring(fault=KeyringFault.ABSENT)).delete_key("groq") == (KeySource.FILE,)
    change_key(paths.keys_file, "groq", key="gsk_file")
    with pytest.raises(KeyringError):
        store(ring=FakeKeyring(fault=KeyringFault.LOCKED)).delete_key("groq")
    assert not paths.keys_file.exists()


def test_keyring_name(store):
    """The keyring's name is told, or why there is none."""
    assert store().keyring_name() == "fake"
    with pytest.raises(KeyringError):
        store(ring=FakeKeyring(fault=KeyringFault.ABSENT)).keyring_name()


def test_no_key_shows_itself():
    """A key is not in the repr of what holds it, and its masked form gives too little away."""
    key = StoredKey("gsk_0123456789abcdefghij", KeySource.KEYRING, "kimi-cli/groq")
    assert "0123456789" not in repr(key)
    assert key.masked == "gsk_...ghij"
    assert StoredKey("short-key", KeySource.FILE, "f").masked == "..."


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_bad_timeout(paths, text):
    """A timeout that is none is an error that names the variable."""
    with pytest.raises(SecretError, match="KIMI_KEYRING_TIMEOUT must be a number of seconds"):
        SecretStore(paths, {"KIMI_KEYRING_TIMEOUT": text}).read_key(GROQ)


def test_timeout_of_the_environment(paths):
    """The variable's timeout is used with the system's keyring."""
    script = (
        "import sys, threading, keyring\n"
        "from tests.store.rings import HangingRing\n"
        "from kimi_cli.store.paths import Paths; from kimi_cli.store.secrets import SecretStore\n"
        "from kimi_cli.providers.catalogue import find_provider; import os\n"
        "keyring.set_keyring(HangingRing())\n"
        "environ = dict(os.environ, KIMI_KEYRING_TIMEOUT='0.1')\n"
        "try: SecretStore(Paths.find(environ), environ).read_key(find_provider('groq'))\n"
        "except Exception as error: print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert "did not answer within 0.1 seconds" in ended.stdout
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("provider", "text", "key"),
    [
        (GROQ, "gsk_abc", "gsk_abc"),
        (GROQ, "  gsk_abc\r\n", "gsk_abc"),
        (MOONSHOT, "sk-abc", "sk-abc"),
        (DEEPINFRA, "anything-at-all", "anything-at-all"),
        (find_provider("openrouter"), "sk-or-v1-abc", "sk-or-v1-abc"),
        (find_provider("custom"), "sk-ant-abc", "sk-ant-abc"),
        (customised(GROQ, base_url="https://gate.example/v1"), "sk-gateway", "sk-gateway"),
        (GROQ, "gsk_" + "a" * 4092, "gsk_" + "a" * 4092),
    ],
    ids=lambda value: str(getattr(value, "id", value))[:20],
)
def test_keys(provider, text, key):
    """Keys of the provider's form are taken, without the space around them."""
    assert clean_key(provider, text) == key


@pytest.mark.parametrize(
    ("provider", "text", "reason"),
    [
        (GROQ, "", "is empty"),
        (GROQ, " \n\t", "is empty"),
        (GROQ, "gsk_" + "a" * 4093, "longer than 4096"),
        (GROQ, "gsk_" + "a" * 10_000_000, "longer than 4096"),
        (GROQ, "gsk_a\nb", "line breaks"),
        (GROQ, "gsk_a b", "spaces"),
        (GROQ, "gsk_a\x00b", "other characters"),
        (GROQ, "gsk_a\u200bb", "other characters"),
        (GROQ, "gsk_ä", "other characters"),
        (GROQ, "secret", "does not begin with gsk_"),
        (GROQ, "GROQ_API_KEY=gsk_secret", "does not begin with gsk_"),
        (GROQ, "sk-kimi-secret", "key of the Kimi Code subscription"),
        (GROQ, "sk-ant-secret", "key of Anthropic"),
        (MOONSHOT, "sk-kimi-secret", "key of the Kimi Code subscription"),
        (MOONSHOT, "sk-or-v1-secret", "key of OpenRouter"),
        (MOONSHOT, "sk-proj-secret", "key of OpenAI"),
        (MOONSHOT, "gsk_secret", "key of Groq"),
        (DEEPINFRA, "gsk_secret", "key of Groq"),
        (find_provider("openrouter"), "sk-secret", "does not begin with sk-or-"),
        (find_provider("custom"), "a b", "spaces"),
        (customised(GROQ, base_url="https://gate.example/v1"), "a\rb", "line breaks"),
    ],
    ids=lambda value: str(getattr(value, "id", value))[:20],
)
def test_refused(provider, text, reason):
    """What is no key of the provider is refused with its reason, and not repeated."""
    with pytest.raises(SecretError, match=reason) as caught:
        clean_key(provider, text)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert caught.value.fix == f"kimi set-key {provider.id}"


@given(st.text(max_size=40), st.sampled_from([GROQ, MOONSHOT, DEEPINFRA, find_provider("custom")]))
def test_a_clean_key_can_stand_in_a_header(text, provider):
    """Whatever is taken is visible ASCII, and is taken again unchanged."""
    try:
        key = clean_key(provider, text)
    except SecretError:
        return
    assert key.isascii()
    assert key.isprintable()
    assert " " not in key
    assert clean_key(provider, key) == key
