"""Moonshot, the maker of Kimi: its two platforms, and the models that they serve.

Both have an Anthropic-format endpoint, which is the one we use; their list of models is on the OpenAI-format one.
Facts are from Moonshot's documentation of models, prices and errors, autumn 2026.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from kimi_cli.providers.model import Model, Price, Thinking
from kimi_cli.providers.provider import Format, Provider
from kimi_cli.record import replace

_EFFORTS: Final = ("low", "high", "max")
_K3_OUTPUT: Final = 131_072
"""K3's own default. It can be raised to the whole window, which would let one answer displace the conversation."""
_K2_OUTPUT: Final = 98_304
"""The lowest figure published for K2.6 and K2.7; Moonshot itself publishes none."""
_EARLY_OUTPUT: Final = 16_384
_K2_ENDED: Final = date(2026, 5, 25)
_K25_ENDED: Final = date(2026, 8, 31)
_LATEST_ENDED: Final = date(2026, 1, 28)
_SUCCESSOR: Final = "kimi-k2.6"
"""What we name for every discontinued model: the current one nearest to them in price and kind."""


def _early(model_id: str, *, window: int, ended: date, thinking: Thinking = Thinking.NEVER) -> Model:
    """A discontinued model; only its end is of interest any more."""
    return Model(
        id=model_id,
        context_window=window,
        max_output=min(window, _EARLY_OUTPUT),
        thinking=thinking,
        retired=ended,
        successor=_SUCCESSOR,
    )


_K3: Final = Model(
    id="kimi-k3",
    name="Kimi K3",
    context_window=1_048_576,
    max_output=_K3_OUTPUT,
    price=Price(3.00, 15.00, 0.30),
    thinking=Thinking.ALWAYS,
    efforts=_EFFORTS,
    vision=True,
)
_K27_CODE: Final = Model(
    id="kimi-k2.7-code",
    name="Kimi K2.7 Code",
    context_window=262_144,
    max_output=_K2_OUTPUT,
    price=Price(0.95, 4.00, 0.19),
    thinking=Thinking.ALWAYS,
    vision=True,
    forced_tools=False,
)

_MODELS: Final = (
    # The first one is the default: Moonshot documents K3 for Claude Code.
    _K3,
    replace(_K3, id="kimi-k3.1-pro", name="Kimi K3.1 Pro", price=Price(2.00, 10.00, 0.20)),
    replace(_K3, id="kimi-k3.1-pro-highspeed", name="Kimi K3.1 Pro Highspeed", price=Price(4.00, 20.00, 0.20)),
    _K27_CODE,
    replace(_K27_CODE, id="kimi-k2.7-code-highspeed", name="Kimi K2.7 Code Highspeed", price=Price(1.90, 8.00, 0.38)),
    Model(
        id="kimi-k2.6",
        name="Kimi K2.6",
        context_window=262_144,
        max_output=_K2_OUTPUT,
        price=Price(0.95, 4.00, 0.16),
        thinking=Thinking.SWITCHABLE,
        vision=True,
        forced_tools=False,
    ),
    _early("kimi-k2.5", window=262_144, ended=_K25_ENDED, thinking=Thinking.SWITCHABLE),
    _early("kimi-k2-0711-preview", window=131_072, ended=_K2_ENDED),
    _early("kimi-k2-0905-preview", window=262_144, ended=_K2_ENDED),
    _early("kimi-k2-turbo-preview", window=262_144, ended=_K2_ENDED),
    _early("kimi-k2-thinking", window=262_144, ended=_K2_ENDED, thinking=Thinking.ALWAYS),
    _early("kimi-k2-thinking-turbo", window=262_144, ended=_K2_ENDED, thinking=Thinking.ALWAYS),
    _early("kimi-latest", window=131_072, ended=_LATEST_ENDED),
    _early("moonshot-v1-8k", window=8_192, ended=_K25_ENDED),
    _early("moonshot-v1-32k", window=32_768, ended=_K25_ENDED),
    _early("moonshot-v1-128k", window=131_072, ended=_K25_ENDED),
)

MOONSHOT: Final = Provider(
    id="moonshot",
    name="Moonshot",
    format=Format.ANTHROPIC,
    base_url="https://api.moonshot.ai/anthropic",
    models_url="https://api.moonshot.ai/v1/models",
    dialect_name="moonshot",
    key_variables=("MOONSHOT_API_KEY",),
    key_prefixes=("sk-",),
    keys_url="https://platform.kimi.ai/console/api-keys",
    speed="fast models",
    models=_MODELS,
)

MOONSHOT_CN: Final = replace(
    MOONSHOT,
    id="moonshot-cn",
    name="Moonshot (China)",
    base_url="https://api.moonshot.cn/anthropic",
    models_url="https://api.moonshot.cn/v1/models",
    # Its own variable: the platforms do not take each other's keys, so one variable cannot mean both.
    key_variables=("MOONSHOT_CN_API_KEY",),
    keys_url="https://platform.kimi.com/console/api-keys",
    # It bills in yuan, and our prices are US dollars.
    models=tuple(replace(model, price=None) for model in _MODELS),
    note="Keys of platform.kimi.ai are not valid here, nor the other way round.",
)
