"""The hosts that we know, and the facts about a model wherever they come from.

The entries are in `catalogue_moonshot`, `catalogue_groq` and `catalogue_others`. All of them are what the world looked
like when they were written: a host's live list is right where they differ.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import ProviderUnknownError
from kimi_cli.providers.catalogue_groq import GROQ
from kimi_cli.providers.catalogue_moonshot import MOONSHOT, MOONSHOT_CN
from kimi_cli.providers.catalogue_others import (
    BASETEN,
    CUSTOM,
    DEEPINFRA,
    FIREWORKS,
    NOVITA,
    OPENROUTER,
    TOGETHER,
)
from kimi_cli.providers.model import Model, Thinking
from kimi_cli.providers.provider import Format, Provider
from kimi_cli.record import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        provider.id: provider
        for provider in (
            MOONSHOT,
            MOONSHOT_CN,
            OPENROUTER,
            FIREWORKS,
            TOGETHER,
            DEEPINFRA,
            BASETEN,
            NOVITA,
            GROQ,
            CUSTOM,
        )
    }
)
"""By id, in the order in which to show them: the maker, hosts that serve Kimi, Groq, the user's own."""

_UNKNOWN_WINDOW: Final = 131_072
"""The smallest window that any Kimi model of these hosts has had."""
_UNKNOWN_OUTPUT: Final = 16_384
"""The smallest output limit that any of them has had; asking for more than a host allows is refused."""
_CLOSE: Final = 0.6
"""How alike two names must be for one to be offered for the other; `difflib`'s own measure and default."""
_MEANT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kimi": MOONSHOT.id,
        "moonshotai": MOONSHOT.id,
        "moonshot.ai": MOONSHOT.id,
        "moonshot.cn": MOONSHOT_CN.id,
        "china": MOONSHOT_CN.id,
        "openai": CUSTOM.id,
        "vllm": CUSTOM.id,
        "ollama": CUSTOM.id,
    }
)
"""Names that people try, and that resemble none of ours."""


def find_provider(name: str, *, providers: Mapping[str, Provider] = PROVIDERS) -> Provider:
    """The provider of that id among `providers`, the catalogue's unless told otherwise; case does not count.

    Raises:
        ProviderUnknownError: there is none. It suggests the one that was probably meant.
    """
    wanted = name.strip().lower()
    found = providers.get(wanted)
    if found is not None:
        return found
    from difflib import get_close_matches

    meant = _MEANT.get(wanted)
    close = get_close_matches(wanted, providers, n=1, cutoff=_CLOSE)
    suggestion = meant if meant in providers else close[0] if close else None
    raise ProviderUnknownError(name, known=tuple(providers), suggestion=suggestion)


def is_catalogued(provider: Provider) -> bool:
    """Whether this is the host of the catalogue; behind an address of the user's own it may be another one."""
    listed = PROVIDERS.get(provider.id)
    return listed is not None and listed.base_url == provider.base_url


def model_facts(provider: Provider, model_id: str, *, window: int | None = None, vision: bool | None = None) -> Model:
    """What is known about a model on a host: the catalogue's entry, with what the live list says put over it.

    `window` and `vision` are the live list's, None where it does not tell. An id that is not in the catalogue gets
    cautious limits, and is taken not to reason: nothing is guessed from its name.
    """
    known = provider.model(model_id)
    model = known or Model(
        id=model_id, context_window=_UNKNOWN_WINDOW, max_output=_UNKNOWN_OUTPUT, thinking=Thinking.NEVER
    )
    if window is not None and window > 0:
        model = replace(model, context_window=window, max_output=min(model.max_output, window))
    if vision is not None:
        model = replace(model, vision=vision)
    return model


def customised(
    provider: Provider,
    *,
    base_url: str | None = None,
    format: Format | None = None,  # noqa: A002 - the word that users know
    key_variable: str | None = None,
) -> Provider:
    """The provider as the user changed it; None leaves a part as it is. `base_url` is a clean one.

    Behind another address the live list is looked for where that format has it, and keys may look like anything: it
    can be a gateway with keys of its own.
    """
    if format is not None and format is not provider.format:
        provider = replace(provider, format=format)
    if base_url is not None and base_url != provider.base_url:
        path = "/v1/models" if provider.format is Format.ANTHROPIC else "/models"
        provider = replace(provider, base_url=base_url, models_url=base_url + path, key_prefixes=())
    if key_variable is not None:
        provider = replace(provider, key_variables=(key_variable,))
    return provider
