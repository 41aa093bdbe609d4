"""How hard to think is said in each host's own words, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kimi_cli.providers.dialect import GENERIC, GROQ, MOONSHOT, OPENROUTER, VLLM
from kimi_cli.providers.model import Thinking
from kimi_cli.wire.thinking import effort_for, is_wanted, knobs
from tests.wire.asking import ALWAYS, MODEL, SWITCHABLE, ask, chat

_OSS = replace(MODEL, id="gpt-oss", thinking=Thinking.ALWAYS, efforts=("low", "medium", "high"))
_CODE = replace(MODEL, id="k2.7-code", thinking=Thinking.ALWAYS)
_KEEP = {"type": "enabled", "keep": "all"}
_ADAPTIVE = {"thinking": {"type": "adaptive", "display": "omitted"}}
_OFF = {"thinking": {"type": "disabled"}}


def _effort(level: object) -> dict:
    return {**_ADAPTIVE, "output_config": {"effort": level}}


@pytest.mark.parametrize(
    ("dialect", "model", "fields", "expected"),
    [
        (GROQ, _OSS, _effort("medium"), {"reasoning_effort": "medium"}),
        (GROQ, _OSS, _effort("max"), {"reasoning_effort": "high"}),
        (GROQ, _OSS, _OFF, {"reasoning_effort": "low"}),
        (GROQ, _OSS, _ADAPTIVE, {}),
        (GROQ, MODEL, _effort("high"), {}),
        (GROQ, MODEL, {"thinking": {"type": "enabled", "budget_tokens": 9_000}}, {}),
        (MOONSHOT, ALWAYS, _effort("low"), {"reasoning_effort": "low"}),
        (MOONSHOT, ALWAYS, _effort("medium"), {"reasoning_effort": "high"}),
        (MOONSHOT, ALWAYS, _effort("xhigh"), {"reasoning_effort": "max"}),
        (MOONSHOT, ALWAYS, _OFF, {"reasoning_effort": "low"}),
        (MOONSHOT, _CODE, _effort("high"), {}),
        (MOONSHOT, _CODE, _OFF, {}),
        (MOONSHOT, SWITCHABLE, _ADAPTIVE, {"thinking": _KEEP}),
        (MOONSHOT, SWITCHABLE, _effort("high"), {"thinking": _KEEP}),
        (MOONSHOT, SWITCHABLE, {"thinking": {"type": "enabled", "budget_tokens": 2_000}}, {"thinking": _KEEP}),
        (MOONSHOT, SWITCHABLE, {"thinking": {"type": "between_tools"}}, {"thinking": _KEEP}),
        (MOONSHOT, SWITCHABLE, _OFF, {"thinking": {"type": "disabled"}}),
        (MOONSHOT, SWITCHABLE, {}, {"thinking": {"type": "disabled"}}),
        (OPENROUTER, ALWAYS, _effort("high"), {"reasoning": {"effort": "high"}}),
        (OPENROUTER, ALWAYS, _ADAPTIVE, {}),
        (OPENROUTER, SWITCHABLE, _OFF, {"reasoning": {"enabled": False}}),
        (OPENROUTER, SWITCHABLE, {}, {"reasoning": {"enabled": False}}),
        (OPENROUTER, SWITCHABLE, _ADAPTIVE, {}),
        (VLLM, SWITCHABLE, _ADAPTIVE, {"chat_template_kwargs": {"thinking": True}}),
        (VLLM, SWITCHABLE, _OFF, {"chat_template_kwargs": {"thinking": False}}),
        (VLLM, ALWAYS, _OFF, {}),
        (GENERIC, ALWAYS, _effort("high"), {}),
        (GENERIC, SWITCHABLE, _OFF, {}),
    ],
)
def test_knobs(dialect, model, fields, expected):
    """Each dialect has its knob for each kind of model, and the request says nothing that the host refuses."""
    assert knobs(ask(**fields), dialect=dialect, model=model) == expected
    body = chat(ask(**fields), dialect=dialect, model=model).body
    names = {"reasoning_effort", "thinking", "reasoning", "chat_template_kwargs", "output_config"}
    assert {key: body[key] for key in names if key in body} == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"output_config": {"effort": "low"}}, "low"),
        (_effort("low"), "low"),
        (_effort("medium"), "high"),
        (_effort("high"), "high"),
        (_effort("xhigh"), "max"),
        (_effort("max"), "max"),
        (_effort("minimal"), None),
        (_effort(3), None),
        (_effort(None), None),
        ({"thinking": {"type": "enabled", "budget_tokens": 4_096}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4_097}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31_999}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": "many"}}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 1_024}, "output_config": {"effort": "max"}}, "max"),
        ({**_OFF, "output_config": {"effort": "max"}}, "low"),
        ({}, None),
        ({"output_config": "high"}, None),
    ],
)
def test_efforts(fields, expected):
    """An effort that the model does not take becomes the next stronger one; a budget stands for an effort."""
    assert effort_for(ask(**fields), ALWAYS.efforts) == expected
    assert effort_for(ask(**fields), ()) is None


@pytest.mark.parametrize(
    ("thinking", "wanted"),
    [
        ({"type": "adaptive"}, True),
        ({"type": "enabled"}, True),
        ({"type": "disabled"}, False),
        (None, False),
        ({}, False),
    ],
)
def test_whether_thinking_is_wanted(thinking, wanted):
    """Every type but `disabled` asks for reasoning; saying nothing does not."""
    assert is_wanted({"thinking": thinking}) is wanted
