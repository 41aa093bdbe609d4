"""Groq, which served Kimi K2 until 15 April 2026 and serves no Kimi model since.

Its entry stays complete: a Kimi model that appears in its live list is used, and its other models can be chosen by
name. Facts are from Groq's documentation and from public price lists of November 2026.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from kimi_cli.providers.model import Model, Price, Thinking
from kimi_cli.providers.provider import Format, Provider

_SUCCESSOR: Final = "openai/gpt-oss-120b"
"""What Groq itself suggested instead. It is not a Kimi model."""
_GPT_OSS_EFFORTS: Final = ("low", "medium", "high")

GROQ: Final = Provider(
    id="groq",
    name="Groq",
    format=Format.OPENAI,
    base_url="https://api.groq.com/openai/v1",
    models_url="https://api.groq.com/openai/v1/models",
    dialect_name="groq",
    key_variables=("GROQ_API_KEY",),
    key_prefixes=("gsk_",),
    keys_url="https://console.groq.com/keys",
    models=(
        Model(
            id="moonshotai/kimi-k2-instruct-0905",
            name="Kimi K2 0905",
            context_window=262_144,
            max_output=16_384,
            price=Price(1.00, 3.00, 0.50),
            retired=date(2026, 4, 15),
            successor=_SUCCESSOR,
        ),
        Model(
            id="moonshotai/kimi-k2-instruct",
            name="Kimi K2",
            context_window=131_072,
            max_output=16_384,
            price=Price(1.00, 3.00),
            retired=date(2025, 10, 10),
            successor=_SUCCESSOR,
        ),
        Model(
            id="openai/gpt-oss-120b",
            name="GPT-OSS 120B",
            context_window=131_072,
            max_output=65_536,
            price=Price(0.15, 0.60, 0.075),
            thinking=Thinking.ALWAYS,
            efforts=_GPT_OSS_EFFORTS,
        ),
        Model(
            id="openai/gpt-oss-20b",
            name="GPT-OSS 20B",
            context_window=131_072,
            max_output=65_536,
            price=Price(0.075, 0.30, 0.0375),
            thinking=Thinking.ALWAYS,
            efforts=_GPT_OSS_EFFORTS,
        ),
        Model(
            id="qwen/qwen3.8-27b",
            name="Qwen3.8 27B",
            context_window=131_072,
            max_output=16_384,
            price=Price(0.80, 4.00),
            thinking=Thinking.SWITCHABLE,
            efforts=("none", "default"),
            vision=True,
        ),
    ),
    speed="very fast",
    note="Groq retired its Kimi models on 2026-04-15 and serves none today.",
)
