"""What a host is: where it listens, what it speaks, how its keys look, and which models it serves."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from kimi_cli.record import Record

if TYPE_CHECKING:
    from datetime import date

    from kimi_cli.providers.dialect import Dialect
    from kimi_cli.providers.model import Model


class Format(StrEnum):
    """The protocol of a base URL."""

    OPENAI = "openai"
    """`BASE/chat/completions`; translated."""
    ANTHROPIC = "anthropic"
    """`BASE/v1/messages`; relayed."""


class Provider(Record):
    """One host of the catalogue, or one that the user added.

    `base_url` has no trailing slash: for OpenAI format `/chat/completions` is appended, for Anthropic format
    `/v1/messages`. `models_url` answers `GET` with the live list. `note` is one sentence that a user should know.
    `speed` is what the host says of its own, in a word or two; there are no figures that compare hosts.
    """

    id: str
    name: str
    format: Format
    base_url: str
    models_url: str
    dialect_name: str = "generic"
    key_variables: tuple[str, ...] = ()
    key_prefixes: tuple[str, ...] = ()
    keys_url: str = ""
    models: tuple[Model, ...] = ()
    note: str = ""
    speed: str = ""

    @property
    def dialect(self) -> Dialect:
        """The host's dialect; for Anthropic-format hosts little of it is used."""
        from kimi_cli.providers.dialect import DIALECTS

        return DIALECTS[self.dialect_name]

    def model(self, model_id: str) -> Model | None:
        """The catalogue's entry for an id, retired ones included."""
        return next((model for model in self.models if model.id == model_id), None)

    def default_model(self, *, today: date) -> Model | None:
        """The first Kimi model of the catalogue that is still served, or None where there is none.

        A host's other models are listed to be chosen by name, and are never chosen for the user.
        """
        return next((model for model in self.models if is_kimi(model.id) and not model.is_retired(today=today)), None)


def is_kimi(model_id: str) -> bool:
    """Whether an id, from the catalogue or from a host's live list, names a Kimi model."""
    return "kimi" in model_id.lower()
