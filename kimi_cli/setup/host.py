"""What a host says to a key, and which of its models can be offered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from kimi_cli.hosts.failure import HostAnswerError, HostUnreachableError, KeyRefusedError
from kimi_cli.hosts.models import fetch_models
from kimi_cli.providers.catalogue import model_facts
from kimi_cli.providers.provider import is_kimi

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from kimi_cli.providers.model import Model
    from kimi_cli.providers.provider import Provider
    from kimi_cli.store.live_models import LiveModel

ASK_SECONDS: Final = 10.0
"""How long a person waits before a host counts as out of reach."""


class Verdict(StrEnum):
    """What asking a host came to."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NO_LIST = "no list"
    """It answered, and not with a list of models; the key may be good or not."""


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """The host's answer; `sentence` says what went wrong, and is empty where nothing did."""

    verdict: Verdict
    models: tuple[LiveModel, ...] = ()
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be chosen. `is_live` is None where the host gave no list."""

    model: Model
    is_live: bool | None


def ask_host(provider: Provider, key: str | None, *, seconds: float = ASK_SECONDS) -> HostAnswer:
    """Ask a host for its models with a key, which shows whether it takes that key."""
    try:
        models = fetch_models(provider.models_url, key=key, timeout=seconds, provider_id=provider.id)
    except KeyRefusedError as error:
        return HostAnswer(Verdict.REFUSED, sentence=str(error))
    except HostUnreachableError as error:
        return HostAnswer(Verdict.UNREACHABLE, sentence=str(error))
    except HostAnswerError as error:
        return HostAnswer(Verdict.NO_LIST, sentence=str(error))
    return HostAnswer(Verdict.ACCEPTED, models)


def offers(provider: Provider, live: Sequence[LiveModel] | None, *, today: date) -> list[Offer]:
    """The models to choose from, the best guess first: the catalogue's Kimi models, other Kimi models, the rest of it.

    `live` is the host's list, or None where there is none.
    """
    if live is None:
        served = [model for model in provider.models if not model.is_retired(today=today)]
        return [Offer(model, is_live=None) for model in sorted(served, key=lambda model: not is_kimi(model.id))]
    listed = {model.id: model for model in live}
    known = [model.id for model in provider.models]
    wanted = [*(one for one in known if one in listed), *(one for one in listed if is_kimi(one) and one not in known)]
    found = [
        model_facts(provider, one, window=listed[one].context_window, vision=listed[one].vision)
        for one in sorted(wanted, key=lambda one: not is_kimi(one))
    ]
    return [Offer(model, is_live=True) for model in found]
