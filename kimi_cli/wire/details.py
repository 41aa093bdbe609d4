"""Structured reasoning, `reasoning_details`: what some models need back as it came, in their order and unchanged.

OpenRouter sends it beside the text of the reasoning, in entries of the types `reasoning.text`, `reasoning.summary` and
`reasoning.encrypted`. Where all they hold is that text, the text is enough; Kimi's models are of that kind. Where one
holds a signature or something encrypted, all of them go back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.wire.foreign import a_string

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimi_cli.wire.foreign import JsonObject

_TEXTS: Final = {"reasoning.text": "text", "reasoning.summary": "summary"}
"""The entries that come in pieces, and the field that each piece continues."""
_TELLING: Final = ("signature", "data")
"""The fields that hold what the text does not."""


class Details:
    """Puts the pieces of entries together. `is_telling` says whether the text alone would not be enough."""

    def __init__(self) -> None:
        self._entries: list[JsonObject] = []
        self._pieces: list[str] = []  # of the last entry's text
        self.is_telling = False

    def add(self, entries: Iterable[JsonObject]) -> None:
        """Some more entries, or pieces of the last one."""
        for entry in entries:
            self.is_telling = self.is_telling or any(entry.get(name) for name in _TELLING)
            field = _TEXTS.get(a_string(entry.get("type")))
            if field is None or not self._continues(entry):
                self._finish()
                self._entries.append(dict(entry))
            else:
                self._entries[-1] |= {name: value for name, value in entry.items() if value is not None}
            if field is not None:
                self._pieces.append(a_string(entry.get(field)))

    def entries(self) -> tuple[JsonObject, ...]:
        """All of them, whole."""
        self._finish()
        return tuple(self._entries)

    def _continues(self, entry: JsonObject) -> bool:
        last = self._entries[-1] if self._entries else {}
        return all(last.get(name) == entry.get(name) for name in ("type", "index"))

    def _finish(self) -> None:
        if self._pieces:
            last = self._entries[-1]
            last[_TEXTS[a_string(last["type"])]] = "".join(self._pieces)
            self._pieces.clear()


def text_in(entries: Iterable[JsonObject]) -> str:
    """The reasoning that entries hold as text."""
    return "".join(a_string(entry.get(_TEXTS.get(a_string(entry.get("type")), ""))) for entry in entries)


def as_entry(text: str) -> JsonObject:
    """A text as an entry, for reasoning without structure among reasoning with it."""
    return {"type": "reasoning.text", "text": text}
