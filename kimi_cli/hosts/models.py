"""Asks a host for its live list of models, which also tells whether it takes the key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from kimi_cli.errors import HostError
from kimi_cli.hosts.failure import HostAnswerError, HostUnreachableError, KeyRefusedError
from kimi_cli.store.live_models import LiveModel

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TIMEOUT: Final = 10.0
"""Seconds for the whole question; hosts answer in less than two."""
_SAID: Final = 200
"""Characters of a host's own words that are shown."""
_LONGEST_ID: Final = 256
_REFUSALS: Final = frozenset({401, 403})
_WINDOWS: Final = (
    "context_length",
    "context_window",
    "max_model_len",
    "max_context_length",
    "context_size",
    "max_input_tokens",
)
"""What hosts and engines call a model's window (OpenRouter, Groq, vLLM, Mistral's form, Novita, LiteLLM)."""
_VISION: Final = ("supports_image_in", "supports_image_input", "supports_vision")


def fetch_models(
    url: str, *, key: str | None, timeout: float = DEFAULT_TIMEOUT, provider_id: str = ""
) -> tuple[LiveModel, ...]:
    """The models that a host lists at `url`, in its order. `timeout` is in seconds, for everything.

    This blocks, and runs an event loop of its own: call it from a thread that has none. `provider_id` only serves to
    name the command that sets another key.

    Raises:
        KeyRefusedError: the host does not take the key. A key that cannot even be sent is a plain `HostError`.
        HostUnreachableError: no answer came in time.
        HostAnswerError: what came is not a list of models.
    """
    from kimi_cli.hosts.request import get

    host = urlsplit(url).hostname or url
    if key and not (key.isascii() and key.isprintable()):
        raise HostError(f"The key for {host} holds characters that cannot be sent.")
    answer = get(url, key=key, timeout=timeout)
    if answer.failure:
        raise HostUnreachableError(host, reason=_redacted(answer.failure, key=key))
    if answer.status in _REFUSALS:
        fix = f"kimi set-key {provider_id}" if provider_id else None
        raise KeyRefusedError(host, status=answer.status, said=_said(answer.body, key=key), fix=fix)
    if answer.elsewhere:
        reason = f"it redirects to {_redacted(answer.elsewhere, key=key)}, where the key must not go"
        raise HostAnswerError(host, status=answer.status, reason=reason)
    if answer.status != 200:
        said = _said(answer.body, key=key)
        reason = f"it answered with status {answer.status}{f' ({said})' if said else ''}"
        raise HostAnswerError(host, status=answer.status, reason=reason)
    if answer.cut_short:
        raise HostAnswerError(host, status=answer.status, reason="the answer does not end")
    entries = _entries(answer.body)
    if entries is None:
        raise HostAnswerError(host, status=answer.status, reason="the answer has another form; check the base URL")
    return tuple(model for model in map(_model, entries) if model is not None)


def _entries(body: bytes) -> list[object] | None:
    """The list in an answer: `{"data": [...]}` in OpenAI's form, or bare, as Together has it."""
    document = _document(body)
    found = document.get("data") if isinstance(document, dict) else document
    return found if isinstance(found, list) else None


def _model(entry: object) -> LiveModel | None:
    """One model of the list, or None for what is none; hosts put all sorts of things beside the id."""
    if not isinstance(entry, dict):
        return None
    model_id = entry.get("id")
    # An id is shown on terminals and put into requests, so one with control characters is no id.
    if not isinstance(model_id, str) or not 0 < len(model_id) <= _LONGEST_ID or not model_id.isprintable():
        return None
    nested = entry.get("metadata")
    places = [entry, nested] if isinstance(nested, dict) else [entry]
    windows = (place.get(name) for place in places for name in _WINDOWS)
    window = next((value for value in windows if isinstance(value, int) and value is not True and value > 0), None)
    return LiveModel(id=model_id, context_window=window, vision=_sees(entry))


def _sees(entry: Mapping[str, object]) -> bool | None:
    """Whether a model takes images, where the list tells: as a flag (Moonshot), or as modalities (OpenRouter)."""
    for name in _VISION:
        value = entry.get(name)
        if isinstance(value, bool):
            return value
    architecture = entry.get("architecture")
    modalities = architecture.get("input_modalities") if isinstance(architecture, dict) else None
    return "image" in modalities if isinstance(modalities, list) else None


def _said(body: bytes, *, key: str | None) -> str:
    """A host's own words in an error, as a piece of one line; empty where it says nothing that is meant to be read."""
    document = _document(body)
    if not isinstance(document, dict):
        return ""
    error = document.get("error")
    places = [error, document] if isinstance(error, dict) else [document]
    words = [error, *(place.get(name) for place in places for name in ("message", "detail"))]
    text = next((word for word in words if isinstance(word, str) and word), "")
    return _redacted(text, key=key)


def _redacted(text: str, *, key: str | None) -> str:
    """A foreign text on one line, without control characters, without the key, cut to a length, and unpunctuated."""
    if key:
        text = text.replace(key, "***")
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return (line[:_SAID] + "..." if len(line) > _SAID else line).rstrip(".")


def _document(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
