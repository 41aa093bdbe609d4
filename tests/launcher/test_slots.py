"""Claude Code's names for models, and what its picker shows."""

from __future__ import annotations

import pytest

from kimi_cli.launcher.slots import describe, model_picker, slot_variables, tokens
from tests.launcher.conftest import MAIN, SMALL, make_route


def test_every_name_has_a_model_of_ours():
    """No name of Claude Code's is left to a model of Anthropic's; an empty slot is the main model."""
    variables = slot_variables(make_route())
    assert variables["ANTHROPIC_MODEL"] == variables["ANTHROPIC_DEFAULT_MODEL"] == "big"
    found = {name: variables[f"ANTHROPIC_DEFAULT_{name}_MODEL"] for name in ("OPUS", "SONNET", "HAIKU", "FABLE")}
    assert found == {"OPUS": "big", "SONNET": "big", "HAIKU": "small", "FABLE": "big"}
    assert variables["ANTHROPIC_DEFAULT_OPUS_MODEL_NAME"] == "Big Kimi"
    assert variables["ANTHROPIC_DEFAULT_HAIKU_MODEL_NAME"] == "small"
    assert "$1 in, $3.5 out" in variables["ANTHROPIC_DEFAULT_OPUS_MODEL_DESCRIPTION"]


def test_subagents():
    """Subagents get a model of their own only where one was set; otherwise the user's own variable is cleared."""
    assert slot_variables(make_route())["CLAUDE_CODE_SUBAGENT_MODEL"] == ""
    route = make_route(slots=(("subagent", "small"),))
    assert slot_variables(route)["CLAUDE_CODE_SUBAGENT_MODEL"] == "small"


def test_the_picker_shows_our_models_alone():
    """One row for each model, with what it costs and holds."""
    picker = model_picker(make_route())
    assert picker["replaceBuiltInOptions"] is True
    assert picker["options"] == [
        {
            "model": "big",
            "label": "Big Kimi",
            "description": "Groq · $1 in, $3.5 out per million tokens · 256K context",
        },
        {"model": "small", "label": "small", "description": "Groq · 128K context"},
    ]


def test_description_without_a_price():
    """What is not known is left out."""
    assert describe(SMALL, host="Here") == "Here · 128K context"
    assert describe(MAIN, host="") == "$1 in, $3.5 out per million tokens · 256K context"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1_048_576, "1M"),
        (1_000_000, "1M"),
        (262_144, "256K"),
        (200_000, "200k"),
        (128_000, "128k"),
        (131_071, "131k"),
        (500, "500"),
    ],
)
def test_tokens(count, text):
    """Numbers of tokens as people say them."""
    assert tokens(count) == text
