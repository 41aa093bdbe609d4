"""The settings that Claude Code is started with: ours, with the user's own `--settings` in them."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from kimi_cli.launcher.slots import model_picker
from kimi_cli.record import Record
from kimi_cli.store.files import ensure_private_dir, write_private
from kimi_cli.store.identity import ProcessIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kimi_cli.launcher.client_settings import ClientSettings
    from kimi_cli.providers.route import Route
    from kimi_cli.store.paths import Paths

_NAME_BYTES: Final = 8
_DIRECT: Final = "direct"
"""The directory, in the runtime directory, of settings that hold a key."""


def build_settings(
    route: Route,
    *,
    variables: Mapping[str, str],
    own: Mapping[str, Any],
    settings: ClientSettings,
    offers_auto: bool = True,
) -> dict[str, Any]:
    """The settings of one session.

    `variables` are the session's; they replace what the user's own `--settings`, `own`, set under the same names, and
    everything else of those stays. `settings` are all that Claude Code reads, these included. Unless `offers_auto`,
    which is for those who ask for it, Claude Code's questions do not advise to switch to auto mode: it does not work
    here, and says then that whoever runs the gateway should be asked about it.
    """
    permissions, environment = own.get("permissions", {}), own.get("env", {})
    built = dict(own)
    if isinstance(permissions, dict) and "defaultMode" not in permissions:
        mode = settings.permission_mode()
        if mode is not None:
            no_offer = {} if offers_auto else {"disableAutoMode": "disable"}
            built["permissions"] = {**no_offer, **permissions, "defaultMode": mode}
    built["env"] = {**(environment if isinstance(environment, dict) else {}), **variables}
    built["modelPicker"] = model_picker(route)
    if settings.has("apiKeyHelper"):
        built["apiKeyHelper"] = ""  # its key would be sent to our proxy beside our token
    if settings.has("availableModels"):
        built["availableModels"] = [model.id for model in route.models]  # added to the user's list
    return built


class SettingsFile(Record):
    """Where the settings of one launch lie, readable by this user alone."""

    path: Path

    @classmethod
    def for_session(cls, paths: Paths) -> Self:
        """A file beside the proxy's own, which removes it with the session where nobody else can. Makes nothing."""
        return cls(paths.sessions_dir / _new_name())

    @classmethod
    def for_direct(cls, paths: Paths) -> Self:
        """A file for a launch without the proxy.

        It holds a key. Those of launches that were killed are removed here, since no proxy does it.
        """
        folder = paths.runtime_dir / _DIRECT
        current = ProcessIdentity.current()
        with suppress(OSError):
            for file in folder.iterdir():
                if not _has_owner(file):
                    file.unlink()
        return cls(folder / f"{current.pid}_{current.created}_{_new_name()}")

    def write(self, settings: Mapping[str, Any]) -> None:
        """Writes the settings.

        Raises:
            OSError: they cannot be written.
        """
        ensure_private_dir(self.path.parent)
        write_private(self.path, json.dumps(settings).encode())

    def remove(self) -> None:
        """Removes the file, and its directories where they are empty."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            if self.path.parent.name == _DIRECT:
                self.path.parent.rmdir()
                self.path.parent.parent.rmdir()


def _new_name() -> str:
    return f"{os.urandom(_NAME_BYTES).hex()}.json"


def _has_owner(file: Path) -> bool:
    """Whether the process that a file is named after still runs."""
    pid, _, rest = file.name.partition("_")
    try:
        return ProcessIdentity(int(pid), float(rest.partition("_")[0])).is_alive()
    except ValueError:
        return False
