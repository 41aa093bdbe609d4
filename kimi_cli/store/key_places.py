"""Where keys are kept, all of them at once, and their removal from every place.

One place that fails does not keep the others from being looked at, and a keyring that fails once is not asked again:
each answer may take as long as its timeout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimi_cli.errors import SecretError
from kimi_cli.store.key_file import change_key, read_keys
from kimi_cli.store.keyring_backend import KeyringError, KeyringFault
from kimi_cli.store.secrets import KeySource, SecretStore

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key that is kept for a provider id, without its value."""

    provider: str
    source: KeySource


@dataclass(frozen=True, slots=True)
class KeptKeys:
    """Keys, and the errors of places in which there may be more."""

    keys: tuple[KeptKey, ...]
    troubles: tuple[SecretError, ...] = ()


class KeyPlaces(SecretStore):
    """The keys of one user on this machine, by place; see `SecretStore` for its arguments. Variables do not count."""

    def kept(self, provider_ids: Iterable[str], *, with_others: bool = False) -> KeptKeys:
        """The keys that are kept for these providers; `with_others` for any other in the protected file as well."""
        ids = list(dict.fromkeys(provider_ids))
        troubles: list[SecretError] = []
        try:
            names = read_keys(self._file)
        except SecretError as error:
            names = {}
            troubles.append(error)
        if with_others:
            ids += [name for name in names if name not in ids]
        in_file = [KeptKey(name, KeySource.FILE) for name in ids if name in names]
        in_keyring = self._each(ids, lambda one: self._keyring().read(one) is not None, KeySource.KEYRING, troubles)
        return KeptKeys((*in_keyring, *in_file), tuple(troubles))

    def forget(
        self, provider_ids: Iterable[str], *, sources: Container[KeySource] = (KeySource.KEYRING, KeySource.FILE)
    ) -> KeptKeys:
        """Removes the keys that are kept for these providers. The result holds what is gone, and what went wrong."""
        ids = list(dict.fromkeys(provider_ids))
        troubles: list[SecretError] = []
        gone: list[KeptKey] = []
        if KeySource.KEYRING in sources:
            gone += self._each(ids, lambda one: self._keyring().delete(one), KeySource.KEYRING, troubles)
        if KeySource.FILE in sources:
            gone += self._each(ids, lambda one: change_key(self._file, one, key=None), KeySource.FILE, troubles)
        return KeptKeys(tuple(gone), tuple(troubles))

    @staticmethod
    def _each(
        ids: Iterable[str], question: Callable[[str], bool], source: KeySource, troubles: list[SecretError]
    ) -> list[KeptKey]:
        """A key for each id to which the place says yes, up to the first error."""
        found: list[KeptKey] = []
        try:
            found += (KeptKey(one, source) for one in ids if question(one))
        except KeyringError as error:
            if error.fault is not KeyringFault.ABSENT:  # one that does not exist holds no key
                troubles.append(error)
        except SecretError as error:
            troubles.append(error)
        return found
