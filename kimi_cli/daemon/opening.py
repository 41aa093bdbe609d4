"""A session opened, on the proxy that runs or on a new one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from kimi_cli.daemon.control import OpenSession, session_request
from kimi_cli.daemon.ensure import Beginning, begin_proxy, ensure_proxy
from kimi_cli.daemon.errors import ProxyClosingError, ProxyGoneError
from kimi_cli.store.state import address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from kimi_cli.daemon.control import Control
    from kimi_cli.providers.route import Route
    from kimi_cli.store.identity import ProcessIdentity
    from kimi_cli.store.paths import Paths

    Request = Callable[[str | None], dict[str, Any]]
    """What to ask for, as `session_request` makes it, with a token or with None."""

_TRIES: Final = 5
"""How often a session is asked for. A proxy that ends in between is met once; twice in a row hardly ever."""


def open_session(
    paths: Paths,
    route: Route,
    *,
    environ: Mapping[str, str],
    owners: Sequence[ProcessIdentity],
    project: str,
    token: str | None = None,
    files: Sequence[Path] = (),
    port: int | None = None,
) -> tuple[Control, OpenSession]:
    """A session on the proxy that runs, or on a new one; arguments as of `ensure_proxy` and `session_request`."""
    request = partial(session_request, route, owners=owners, project=project, files=files)
    return open_as(request, paths, environ=environ, token=token, port=port)


def open_as(
    request: Request, paths: Paths, *, environ: Mapping[str, str], token: str | None = None, port: int | None = None
) -> tuple[Control, OpenSession]:
    """The same, with the words to ask for it.

    The proxy may end between being found and being asked, as it does when its last session has; then another is
    started.
    """
    for tries_left in reversed(range(_TRIES)):
        control = ensure_proxy(paths, environ=environ, port=port)
        try:
            return control, control.open(request(token))
        except (ProxyClosingError, ProxyGoneError):
            if not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


class Opening:
    """A session that is open, on a proxy that runs. `base_url` and `token` are what its client needs."""

    is_open = True
    """Whether it is open already. Where it is not, its client may be started all the same: its requests wait."""

    def __init__(self, control: Control, session: OpenSession) -> None:
        self.base_url, self.token = session.base_url, session.token
        self._found = control, session

    def hand_over(self) -> None:
        """Leaves it to the proxy to open the session, whatever becomes of this process."""

    def finish(self) -> tuple[Control, OpenSession]:
        """The proxy, and the session on it; to be called in any case.

        Raises:
            ProxyStartError: the proxy does not come to answer.
            KimiError: it ended, and there is no other.
        """
        return self._found


class EarlyOpening(Opening):
    """A session that will be open once its proxy, which has its port, answers."""

    is_open = False

    def __init__(self, new: Beginning, request: Request, paths: Paths, *, environ: Mapping[str, str]) -> None:
        from kimi_cli.store.session_token import new_token

        self.base_url, self.token = address(new.port), new_token()
        self._new, self._request, self._paths, self._environ = new, request, paths, environ
        self._is_handed_over = False

    def hand_over(self) -> None:
        """Leaves it to the proxy to open the session, whatever becomes of this process."""
        self._new.hand_over(self._request(self.token))
        self._is_handed_over = True

    def finish(self) -> tuple[Control, OpenSession]:
        """The proxy, and the session on it.

        One that ended right after its start is for whoever watches over the session, once that was handed over.
        """
        control = self._new.finish()
        try:
            return control, control.open(self._request(self.token))
        except (ProxyClosingError, ProxyGoneError):
            if self._is_handed_over:
                return control, OpenSession(id="", token=self.token, base_url=self.base_url)
            return open_as(self._request, self._paths, environ=self._environ, token=self.token, port=control.state.port)


def begin_session(request: Request, paths: Paths, *, environ: Mapping[str, str]) -> Opening:
    """A new session as soon as its address is known: it is open on a proxy that runs, and about to be on a new one."""
    for tries_left in reversed(range(_TRIES)):
        found = begin_proxy(paths, environ=environ)
        if isinstance(found, Beginning):
            return EarlyOpening(found, request, paths, environ=environ)
        try:
            return Opening(found, found.open(request(None)))
        except (ProxyClosingError, ProxyGoneError):
            if not tries_left:
                raise
    raise AssertionError("the last try returns or raises")
