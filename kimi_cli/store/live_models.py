"""What hosts said they serve, remembered, so that no launch has to ask and wait."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final

from kimi_cli.record import Record
from kimi_cli.store.files import ensure_private_dir, read_private, write_private

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kimi_cli.store.paths import Paths

FRESH: Final = 24 * 60 * 60.0
"""Seconds for which a list counts as the host's present one."""
_SCHEMA: Final = 1
_LIMIT: Final = 8 * 1024 * 1024
"""Bytes; the longest list, of a reseller with many hundred models, takes a twentieth."""
_DIGEST: Final = 16
"""Hexadecimal digits that keep the base URLs of one provider apart."""


class LiveModel(Record):
    """One model of a host's list; None where the list does not tell."""

    id: str
    context_window: int | None = None
    vision: bool | None = None


class LiveList(Record):
    """A host's list. `fetched_at` is in seconds since 1970; `is_fresh` is as of when it was read."""

    models: tuple[LiveModel, ...]
    fetched_at: float
    is_fresh: bool

    def model(self, model_id: str) -> LiveModel | None:
        """The entry for an id, or None where the host did not list it."""
        return next((model for model in self.models if model.id == model_id), None)


def read_live(paths: Paths, provider_id: str, base_url: str, *, now: float) -> LiveList | None:
    """The list last fetched from a host, however old, or None where there is none that can be read.

    `now` is in seconds since 1970. A list from the future, which a corrected clock leaves behind, is not fresh.
    """
    try:
        data = json.loads(read_private(_file(paths, provider_id, base_url), limit=_LIMIT))
        if data["schema"] != _SCHEMA:
            return None
        fetched_at = float(data["fetched_at"])
        models = tuple(_parse(entry) for entry in data["models"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return LiveList(models=models, fetched_at=fetched_at, is_fresh=0 <= now - fetched_at < FRESH)


def write_live(paths: Paths, provider_id: str, base_url: str, models: Sequence[LiveModel], *, now: float) -> None:
    """Remembers a list as fetched from a host at `now`.

    Raises:
        OSError: it cannot be written; nothing depends on it.
    """
    data = {
        "schema": _SCHEMA,
        "provider": provider_id,
        "base_url": base_url,
        "fetched_at": now,
        "models": [
            {"id": model.id, "context_window": model.context_window, "vision": model.vision} for model in models
        ],
    }
    ensure_private_dir(paths.live_models_dir)
    write_private(_file(paths, provider_id, base_url), json.dumps(data).encode())


def _file(paths: Paths, provider_id: str, base_url: str) -> Path:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", provider_id)[:64]
    digest = hashlib.sha256(f"{provider_id}\n{base_url}".encode()).hexdigest()[:_DIGEST]
    return paths.live_models_dir / f"{name}-{digest}.json"


def _parse(entry: dict[str, object]) -> LiveModel:
    model_id, window, vision = entry["id"], entry["context_window"], entry["vision"]
    if not isinstance(model_id, str):
        raise TypeError("an id is a text")
    if window is not None and (isinstance(window, bool) or not isinstance(window, int)):
        raise TypeError("a window is a number of tokens")
    if vision is not None and not isinstance(vision, bool):
        raise TypeError("vision is yes or no")
    return LiveModel(id=model_id, context_window=window, vision=vision)
