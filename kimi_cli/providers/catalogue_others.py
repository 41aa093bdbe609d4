"""The other hosts that serve Kimi's open weights over the OpenAI format.

What a model is (whether it reasons, whether it sees) comes with its weights; how much of the window a host gives it,
what it charges and what it lets be set is the host's own. Where a host's figure is not established, prices are None
and limits are the cautious ones below; the host's live list, where it tells a window, overrides them.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from kimi_cli.providers.model import Model, Price, Thinking
from kimi_cli.providers.provider import Format, Provider
from kimi_cli.record import replace

_WINDOW: Final = 262_144
"""The window of every Kimi since K2 0905; K3's own is four times that, which not every host gives."""
_OUTPUT: Final = 32_768
"""Room for the 32,000 tokens that Claude Code asks for."""
_K2_WINDOW: Final = 131_072
_K2_OUTPUT: Final = 16_384

_K3: Final = Model(
    id="moonshotai/Kimi-K3",
    name="Kimi K3",
    context_window=_WINDOW,
    max_output=_OUTPUT,
    thinking=Thinking.ALWAYS,
    vision=True,
)
_K27_CODE: Final = replace(_K3, id="moonshotai/Kimi-K2.7-Code", name="Kimi K2.7 Code")
_K26: Final = replace(_K3, id="moonshotai/Kimi-K2.6", name="Kimi K2.6", thinking=Thinking.SWITCHABLE)
_K2_0905: Final = Model(
    id="moonshotai/Kimi-K2-Instruct-0905", name="Kimi K2 0905", context_window=_WINDOW, max_output=_K2_OUTPUT
)
_EFFORTS: Final = ("low", "high", "max")
"""What K3 itself knows; some hosts take more, and map them."""
_FIREWORKS_K3: Final = "accounts/fireworks/models/kimi-k3"
_ON_FIREWORKS: Final = replace(
    _K3, id=_FIREWORKS_K3, thinking=Thinking.SWITCHABLE, efforts=("none", "low", "medium", "high", "max")
)
_FIREWORKS_ENDED: Final = date(2026, 9, 25)

OPENROUTER: Final = Provider(
    id="openrouter",
    name="OpenRouter",
    format=Format.OPENAI,
    base_url="https://openrouter.ai/api/v1",
    models_url="https://openrouter.ai/api/v1/models",
    dialect_name="openrouter",
    key_variables=("OPENROUTER_API_KEY",),
    key_prefixes=("sk-or-",),
    keys_url="https://openrouter.ai/settings/keys",
    speed="by route",
    # K3 could be switched off there, but not by the hosts that OpenRouter may choose for it.
    models=(replace(_K3, id="moonshotai/kimi-k3", efforts=_EFFORTS), replace(_K26, id="moonshotai/kimi-k2.6")),
)

FIREWORKS: Final = Provider(
    id="fireworks",
    name="Fireworks",
    format=Format.OPENAI,
    base_url="https://api.fireworks.ai/inference/v1",
    models_url="https://api.fireworks.ai/inference/v1/models",
    dialect_name="fireworks",
    key_variables=("FIREWORKS_API_KEY",),
    keys_url="https://app.fireworks.ai/settings/users/api-keys",
    speed="fast route",
    models=(
        _ON_FIREWORKS,
        replace(_ON_FIREWORKS, id="accounts/fireworks/routers/kimi-k3-fast", name="Kimi K3 (fast)"),
        replace(_ON_FIREWORKS, id="accounts/fireworks/routers/kimi-k3-us", name="Kimi K3 (US)"),
        replace(_ON_FIREWORKS, id="accounts/fireworks/routers/kimi-k3-spot", name="Kimi K3 (spot)"),
        replace(
            _K27_CODE,
            id="accounts/fireworks/models/kimi-k2p7-code",
            retired=_FIREWORKS_ENDED,
            successor=_FIREWORKS_K3,
        ),
        replace(_K26, id="accounts/fireworks/models/kimi-k2p6", retired=_FIREWORKS_ENDED, successor=_FIREWORKS_K3),
    ),
)

TOGETHER: Final = Provider(
    id="together",
    name="Together",
    format=Format.OPENAI,
    base_url="https://api.together.ai/v1",
    models_url="https://api.together.ai/v1/models",
    dialect_name="together",
    key_variables=("TOGETHER_API_KEY",),
    keys_url="https://api.together.ai/settings/api-keys",
    models=(
        # Together states the whole window for K3.
        replace(
            _K3,
            context_window=1_048_576,
            price=Price(3.00, 15.00),
            thinking=Thinking.SWITCHABLE,
            efforts=("low", "medium", "high", "max"),
        ),
        replace(_K27_CODE, retired=date(2026, 8, 27), successor=_K3.id),
        replace(_K26, retired=date(2026, 8, 19), successor=_K3.id),
    ),
)

DEEPINFRA: Final = Provider(
    id="deepinfra",
    name="DeepInfra",
    format=Format.OPENAI,
    base_url="https://api.deepinfra.com/v1/openai",
    models_url="https://api.deepinfra.com/v1/openai/models",
    dialect_name="deepinfra",
    key_variables=("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
    keys_url="https://deepinfra.com/dash/api_keys",
    models=(
        replace(_K3, price=Price(2.85, 14.25)),
        replace(_K27_CODE, price=Price(0.68, 3.40)),
        replace(_K26, price=Price(0.75, 3.50)),
        replace(_K2_0905, price=Price(0.50, 2.00)),
    ),
)

BASETEN: Final = Provider(
    id="baseten",
    name="Baseten",
    format=Format.OPENAI,
    base_url="https://inference.baseten.co/v1",
    models_url="https://inference.baseten.co/v1/models",
    key_variables=("BASETEN_API_KEY",),
    keys_url="https://app.baseten.co/settings/api_keys",
    models=(_K3,),
    note="Baseten ended its Kimi models before K3 on 2026-10-16.",
)

NOVITA: Final = Provider(
    id="novita",
    name="Novita",
    format=Format.OPENAI,
    base_url="https://api.novita.ai/openai/v1",
    models_url="https://api.novita.ai/openai/v1/models",
    dialect_name="novita",
    key_variables=("NOVITA_API_KEY",),
    keys_url="https://novita.ai/settings/key-management",
    models=(
        replace(_K3, id="moonshotai/kimi-k3", thinking=Thinking.SWITCHABLE, efforts=_EFFORTS),
        replace(_K27_CODE, id="moonshotai/kimi-k2.7-code"),
        replace(_K26, id="moonshotai/kimi-k2.6"),
        replace(_K2_0905, id="moonshotai/kimi-k2-0905"),
        replace(_K2_0905, id="moonshotai/kimi-k2-instruct", name="Kimi K2", context_window=_K2_WINDOW),
    ),
)

CUSTOM: Final = Provider(
    id="custom",
    name="Custom host",
    format=Format.OPENAI,
    base_url="",
    models_url="",
    dialect_name="gateway",
    key_variables=("KIMI_API_KEY",),
    note="Give its address with kimi provider custom --base-url URL --model MODEL; a key is optional.",
)
