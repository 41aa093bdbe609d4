"""The model that Claude Code saves as the user's default when one is picked with Enter in `/model`.

A model of ours that is saved there breaks a later `claude` without us, which asks Anthropic for it.
"""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

from kimi_cli.errors import SettingsError
from kimi_cli.launcher.client_settings import user_model, user_settings_file
from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.provider import is_kimi
from kimi_cli.record import Record
from kimi_cli.store.files import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LIMIT = 4 * 1024 * 1024
_SETTING = "model"
_ALIASES = frozenset({"best", "default", "fable", "haiku", "opus", "opusplan", "sonnet"})
"""What Claude Code calls Anthropic's models for short."""


class SavedModel(Record):
    """What the user's settings of Claude Code name as the default; `before` is what they named before a launch."""

    path: Path
    model: str
    before: str | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it is a model that Anthropic does not serve, as far as we can tell."""
        model_id = self.model.removesuffix("[1m]")
        return is_kimi(model_id) or any(provider.model(model_id) is not None for provider in PROVIDERS.values())

    @property
    def is_anthropics(self) -> bool:
        """Whether it is one of Anthropic's, by its name."""
        model_id = self.model.removesuffix("[1m]").lower()
        return model_id in _ALIASES or "claude" in model_id or "anthropic" in model_id

    def undo(self) -> None:
        """Puts `before` back, or no default at all. Does nothing where the settings name another model by now.

        Everything else in the file stays; it is written as Claude Code itself writes it.

        Raises:
            SettingsError: the file cannot be read or written; then it is as it was.
        """
        path = self.path.resolve()  # managers of dotfiles make it a link
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            settings = _read(path)
            if settings.get(_SETTING) != self.model:
                return
            if self.before is None:
                del settings[_SETTING]
            else:
                settings[_SETTING] = self.before
            write_private(path, (json.dumps(settings, indent=2, ensure_ascii=False) + "\n").encode())
            path.chmod(mode)
        except (OSError, ValueError, RecursionError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or "it cannot be understood"
            raise SettingsError(self.path, reason=f"the model could not be put back: {reason}") from error


def read_saved_model(environ: Mapping[str, str]) -> SavedModel | None:
    """The default that the user's settings name, or None."""
    path, model = user_settings_file(environ), user_model(environ)
    return SavedModel(path, model) if path is not None and model is not None else None


def left_behind(environ: Mapping[str, str], *, before: str | None) -> SavedModel | None:
    """The model that a launch left behind as the user's default, which was `before`; None where it left none."""
    after = read_saved_model(environ)
    return newly_saved(SavedModel(after.path, before) if after is not None and before is not None else None, after)


def newly_saved(before: SavedModel | None, after: SavedModel | None) -> SavedModel | None:
    """The same, from what was saved before and after.

    Whatever is not Anthropic's was picked among ours, also a model of a host that we know nothing of.
    """
    if after is None or after.is_anthropics or after == before:
        return None
    return SavedModel(after.path, after.model, before.model if before is not None and not before.is_ours else None)


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        found = json.loads(file.read(_LIMIT).decode("utf-8-sig"))
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - of the same kind as JSON that is none
    return found
