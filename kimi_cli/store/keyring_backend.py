"""The system's keyring, with a limit to how long it may take and one kind of failure.

Service is `kimi-cli`, user the provider's id. `keyring` is imported only when a key is wanted from it: it is slow to
import, and looks for its backends on the session bus.
"""

from __future__ import annotations

import queue
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from kimi_cli.errors import SecretError
from kimi_cli.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

SERVICE: Final = "kimi-cli"
DEFAULT_TIMEOUT: Final = 5.0
"""Seconds. A working keyring answers in a fraction of one; some of those without a desktop never do."""
_WORKING: Final = 1
"""The least priority of a backend that `keyring` recommends. Below are those that keep keys in plain files."""
_SAID: Final = 200
"""Characters of a library's own words that are shown."""

_Answer = TypeVar("_Answer")


class KeyringFault(StrEnum):
    """Why a keyring did not do what it was asked to."""

    ABSENT = "absent"
    """There is none, or only one that keeps nothing or keeps it in a plain file."""
    LOCKED = "locked"
    SILENT = "silent"
    """It did not answer in time; it may be asking for a password."""
    FAILED = "failed"


class KeyringError(SecretError):
    """The system keyring did not do what it was asked to; `fault` says why."""

    def __init__(self, sentence: str, *, fault: KeyringFault, fix: str | None = None) -> None:
        super().__init__(sentence, fix=fix)
        self.fault = fault


class Keyring(Protocol):
    """Where keys are kept for a user name. Every method may raise `KeyringError`."""

    def name(self) -> str:
        """What the keyring calls itself."""

    def read(self, user: str) -> str | None:
        """The key, or None where there is none."""

    def store(self, user: str, key: str) -> None:
        """Keeps a key, in place of an earlier one."""

    def delete(self, user: str) -> bool:
        """Forgets a key; whether there was one."""


class SystemKeyring:
    """The keyring that this system or the user's configuration of `keyring` offers."""

    def __init__(self, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        self._timeout = timeout

    def name(self) -> str:
        """What the keyring calls itself, once it is found to be a working one."""
        return self._ask("", lambda backend: str(backend.name))

    def read(self, user: str) -> str | None:
        """The key, or None where there is none."""
        return self._ask(user, lambda backend: backend.get_password(SERVICE, user))

    def store(self, user: str, key: str) -> None:
        """Keeps a key, in place of an earlier one."""
        self._ask(user, lambda backend: backend.set_password(SERVICE, user, key), secret=key)

    def delete(self, user: str) -> bool:
        """Forgets a key; whether there was one."""

        def forget(backend: KeyringBackend) -> bool:
            # Asking first: backends do not agree on what deleting nothing raises.
            if backend.get_password(SERVICE, user) is None:
                return False
            backend.delete_password(SERVICE, user)
            return True

        return self._ask(user, forget)

    def _ask(self, user: str, question: Callable[[KeyringBackend], _Answer], *, secret: str = "") -> _Answer:
        """Puts a question to the keyring in a thread that can be left behind when no answer comes."""
        answers: queue.SimpleQueue[_Answer | _Failure] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(question(_working_backend()))
            except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
                answers.put(_Failure(_translated(error, user=user, secret=secret)))

        threading.Thread(target=ask, name="keyring", daemon=True).start()
        try:
            answer = answers.get(timeout=self._timeout)
        except queue.Empty:
            raise KeyringError(
                f"The system keyring did not answer within {self._timeout:g} seconds; if it asks for a password, give "
                "it and try again.",
                fault=KeyringFault.SILENT,
                fix=_elsewhere(user),
            ) from None
        if isinstance(answer, _Failure):
            raise answer.error
        return answer


class _Failure(Record):
    """What a question ended in, told from an answer by its type."""

    error: KeyringError


class _NoBackendError(Exception):
    """There is no backend that keeps keys."""


def _working_backend() -> KeyringBackend:
    """The backend in use, if it keeps keys as a keyring should."""
    import keyring
    from keyring import core
    from keyring.backends import chainer, fail, null

    backend = keyring.get_keyring()
    if isinstance(backend, fail.Keyring | null.Keyring):
        raise _NoBackendError
    several = backend.backends if isinstance(backend, chainer.ChainerBackend) else [backend]
    if any(one.priority >= _WORKING for one in several):
        return backend
    chosen = core.load_env() or core.load_config()
    if type(chosen) is type(backend):  # the user asked for this very one
        return backend
    raise _NoBackendError


def _translated(error: BaseException, *, user: str, secret: str) -> KeyringError:
    match _fault(error):
        case KeyringFault.ABSENT as fault:
            sentence = "No keyring that keeps keys works here."
        case KeyringFault.LOCKED as fault:
            sentence = "The system keyring is locked; unlock it and try again."
        case fault:
            said = " ".join(str(error).split())[:_SAID]
            what = (
                f"{type(error).__name__}: {said}" if said and not (secret and secret in said) else type(error).__name__
            )
            sentence = f"The system keyring failed ({what})."
    return KeyringError(sentence, fault=fault, fix=_elsewhere(user))


def _fault(error: BaseException) -> KeyringFault:
    if isinstance(error, _NoBackendError | ImportError):  # its own modules, or those of the backend asked for
        return KeyringFault.ABSENT if isinstance(error, _NoBackendError) else KeyringFault.FAILED
    from keyring.errors import InitError, KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        return KeyringFault.ABSENT
    return KeyringFault.LOCKED if isinstance(error, KeyringLocked | InitError) else KeyringFault.FAILED


def _elsewhere(user: str) -> str | None:
    """The command that keeps the key without a keyring; only by the user's own choice."""
    return f"kimi set-key {user} --insecure-storage" if user else None
