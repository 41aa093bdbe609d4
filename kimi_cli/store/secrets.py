"""The user's keys: where they are looked for, where they are kept, and which texts are keys at all.

A key is looked for in the environment variables of its provider, then in the system keyring (service `kimi-cli`, user
the provider's id), then in the protected file. It is kept in the keyring, or in the file where the user chose that
explicitly; never in the file by itself. With a variable set, the keyring is not even imported.
"""

from __future__ import annotations

import math
from contextlib import suppress
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import SecretError
from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.record import Record, field
from kimi_cli.store.key_file import change_key, read_keys
from kimi_cli.store.keyring_backend import DEFAULT_TIMEOUT, Keyring, KeyringError, KeyringFault, SystemKeyring

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.paths import Paths

TIMEOUT_VARIABLE: Final = "KIMI_KEYRING_TIMEOUT"
_LONGEST: Final = 4096
"""Characters. The longest keys in use are a tenth of it; headers of hosts end at twice that."""
_SHOWN: Final = 4
_OTHERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sk-kimi-": "the Kimi Code subscription",
        "sk-ant-": "Anthropic",
        "sk-or-": "OpenRouter",
        "sk-proj-": "OpenAI",
        "sk-svcacct-": "OpenAI",
        "gsk_": "Groq",
        "nvapi-": "NVIDIA",
        "xai-": "xAI",
        "hf_": "Hugging Face",
        "AIza": "Google",
    }
)
"""How the keys of services begin that are easily mistaken for one another."""


class KeySource(StrEnum):
    """Where a key is kept."""

    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    FILE = "file"


class StoredKey(Record):
    """A key and where it was found; `detail` names the variable, the keyring's service or the file."""

    value: str = field(shown=False)
    source: KeySource
    detail: str

    @property
    def masked(self) -> str:
        """Enough to tell the user's keys apart, and too little to use: `gsk_...9f3a`."""
        if len(self.value) < 4 * _SHOWN:
            return "..."
        return f"{self.value[:_SHOWN]}...{self.value[-_SHOWN:]}"


class SecretStore:
    """The keys of one user on this machine.

    `keyring_timeout` is in seconds; without it `KIMI_KEYRING_TIMEOUT` counts, else five seconds. `keyring` is the
    system's unless another is given.
    """

    def __init__(
        self,
        paths: Paths,
        environ: Mapping[str, str],
        keyring_timeout: float | None = None,
        *,
        keyring: Keyring | None = None,
    ) -> None:
        self._file = paths.keys_file
        self._environ = environ
        self._timeout = keyring_timeout
        self._given = keyring

    def read_key(self, provider: Provider) -> StoredKey | None:
        """The key for a provider, or None where none is set.

        A keyring that does not exist holds no key; one that is locked, silent or failing may, so it is an error
        unless the file has the key.

        Raises:
            SecretError: a key may be there and cannot be read, or what is there is no key of this provider.
        """
        found = self._from_environment(provider)
        if found is not None:
            return found
        trouble: KeyringError | None = None
        try:
            value = self._keyring().read(provider.id)
        except KeyringError as error:
            value, trouble = None, error
        if value:
            checked = _checked(provider, value, what="The key in the keyring")
            return StoredKey(value=checked, source=KeySource.KEYRING, detail=f"kimi-cli/{provider.id}")
        value = read_keys(self._file).get(provider.id)
        if value:
            checked = _checked(provider, value, what=f"The key in {self._file}")
            return StoredKey(value=checked, source=KeySource.FILE, detail=str(self._file))
        if trouble is not None and trouble.fault is not KeyringFault.ABSENT:
            raise trouble
        return None

    def store_key(self, provider_id: str, value: str, *, insecure: bool = False) -> KeySource:
        """Keeps a key that `clean_key` has passed; in the file only if `insecure`. Says where it is.

        The other place then forgets its key of that provider, so that an old one never outranks a new one.

        Raises:
            SecretError: it cannot be kept; what was there before still is.
        """
        if insecure:
            change_key(self._file, provider_id, key=value)
            with suppress(KeyringError):  # a keyring that does not work was the reason for the file
                self._keyring().delete(provider_id)
            return KeySource.FILE
        self._keyring().store(provider_id, value)
        with suppress(SecretError):  # an entry that cannot be removed is outranked all the same
            change_key(self._file, provider_id, key=None)
        return KeySource.KEYRING

    def delete_key(self, provider_id: str) -> tuple[KeySource, ...]:
        """Forgets the key of a provider wherever it is kept, and says where it was; variables are the user's own.

        Raises:
            SecretError: a key may be left; `kimi` did what it could.
        """
        gone = (KeySource.FILE,) if change_key(self._file, provider_id, key=None) else ()
        try:
            if self._keyring().delete(provider_id):
                gone = (KeySource.KEYRING, *gone)
        except KeyringError as error:
            if error.fault is not KeyringFault.ABSENT:
                raise
        return gone

    def keyring_name(self) -> str:
        """What the keyring calls itself.

        Raises:
            KeyringError: no keyring works here; its `fault` says why.
        """
        return self._keyring().name()

    def _from_environment(self, provider: Provider) -> StoredKey | None:
        for variable in provider.key_variables:
            value = self._environ.get(variable, "").strip()
            if value:
                checked = _checked(provider, value, what=variable)
                return StoredKey(value=checked, source=KeySource.ENVIRONMENT, detail=variable)
        return None

    def _keyring(self) -> Keyring:
        if self._given is None:
            self._given = SystemKeyring(timeout=self._timeout or _timeout(self._environ))
        return self._given


def clean_key(provider: Provider, text: str) -> str:
    """The key that a user typed or pasted, without the white space around it.

    Raises:
        SecretError: it is empty or too long, holds what no key holds, or is visibly a key of another service. Its
            text never repeats the key.
    """
    return _checked(provider, text, what="The key")


def _checked(provider: Provider, text: str, *, what: str) -> str:
    text = text.strip()
    fault = _fault(provider, text)
    if fault is not None:
        made = f" Keys are made at {provider.keys_url}." if provider.keys_url else ""
        raise SecretError(
            f"{what} cannot be used for {provider.name}: it {fault}.{made}", fix=f"kimi set-key {provider.id}"
        )
    return text


def _fault(provider: Provider, text: str) -> str | None:
    """What is wrong with a key, as the rest of a sentence about it."""
    if not text:
        return "is empty"
    if len(text) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if any(not " " < character <= "~" for character in text):
        return "holds spaces, line breaks or other characters that no key has"
    listed = PROVIDERS.get(provider.id)
    if listed is None or not listed.base_url or listed.base_url != provider.base_url:
        return None  # a host of the user's own takes keys of any form
    for prefix, service in _OTHERS.items():
        if text.startswith(prefix) and prefix not in provider.key_prefixes:
            return f"is a key of {service}"
    if provider.key_prefixes and not text.startswith(provider.key_prefixes):
        return f"does not begin with {' or '.join(provider.key_prefixes)}"
    return None


def _timeout(environ: Mapping[str, str]) -> float:
    text = environ.get(TIMEOUT_VARIABLE, "").strip()
    if not text:
        return DEFAULT_TIMEOUT
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SecretError(
            f"{TIMEOUT_VARIABLE} must be a number of seconds, not {text!r}.", fix=f"unset {TIMEOUT_VARIABLE}"
        )
    return seconds
