"""Proxies of this user for commands that show or stop them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kimi_cli.daemon import ensure_proxy
from kimi_cli.providers.model import Model
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import Route
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

    from kimi_cli.daemon import Control, OpenSession

KEY = "gsk_proxiesofcommandtests0123456789"


class Proxies:
    """Starts proxies, of other versions too, and opens sessions on them."""

    def __init__(self, directory: Path) -> None:
        self.paths = Paths.find(os.environ)
        self._directory = directory

    def start(self, version: str | None = None) -> Control:
        """The proxy for new sessions."""
        environ = {**os.environ, "KIMI_PROXY_PORT": "0", "KIMI_IDLE_GRACE": "60"}
        if version is not None:
            (self._directory / "sitecustomize.py").write_text(f"import kimi_cli\nkimi_cli.__version__ = {version!r}\n")
            environ["PYTHONPATH"] = str(self._directory)
        return ensure_proxy(self.paths, environ=environ)

    def open(self, control: Control, project: str = "/project") -> OpenSession:
        """A session of this process."""
        model = Model(id="kimi-test", context_window=1000, max_output=100)
        route = Route("groq", Format.OPENAI, "http://127.0.0.1:9/v1", "groq", (model,), key=KEY)
        return control.open_session(route, owners=(ProcessIdentity.current(),), project=project)
