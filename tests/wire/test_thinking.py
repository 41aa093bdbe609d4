"""How hard to think is said in each host's own words, or not at all."""

from __future__ import annotations

import pytest

from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.dialect import FIREWORKS, GENERIC, GROQ, MOONSHOT, NOVITA, OPENROUTER, TOGETHER, VLLM
from kimi_cli.providers.model import Thinking
from kimi_cli.record import replace
from kimi_cli.wire.thinking import Display, display_of, effort_for, is_wanted, knobs
from tests.wire.asking import ALWAYS, MODEL, SWITCHABLE, ask, chat, relayed

_OSS = replace(MODEL, id="gpt-oss", thinking=Thinking.ALWAYS, efforts=("low", "medium", "high"))
_QWEN = replace(MODEL, id="qwen", thinking=Thinking.SWITCHABLE, efforts=("none", "default"))
_BOTH = replace(ALWAYS, thinking=Thinking.SWITCHABLE)
_WIDE = replace(_BOTH, efforts=("none", "low", "medium", "high", "max"))
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
        (GROQ, _OSS, {}, {"reasoning_effort": "low"}),
        (GROQ, _QWEN, _effort("high"), {"reasoning_format": "parsed", "reasoning_effort": "default"}),
        (GROQ, _QWEN, _ADAPTIVE, {"reasoning_format": "parsed"}),
        (GROQ, _QWEN, _OFF, {"reasoning_effort": "none"}),
        (GROQ, _QWEN, {}, {"reasoning_effort": "none"}),
        (FIREWORKS, _WIDE, _effort("medium"), {"reasoning_effort": "medium"}),
        (FIREWORKS, _WIDE, _effort("xhigh"), {"reasoning_effort": "max"}),
        (FIREWORKS, _WIDE, _OFF, {"reasoning_effort": "none"}),
        (TOGETHER, _BOTH, _effort("low"), {"reasoning_effort": "low"}),
        (TOGETHER, _BOTH, _OFF, {"reasoning": {"enabled": False}}),
        (NOVITA, _BOTH, _effort("xhigh"), {"reasoning_effort": "max"}),
        (NOVITA, _BOTH, _OFF, {"thinking": {"type": "disabled"}}),
        (NOVITA, _CODE, _OFF, {}),
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
    names = {
        "reasoning_effort",
        "reasoning_format",
        "thinking",
        "reasoning",
        "chat_template_kwargs",
        "output_config",
    }
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
        ({}, "low"),
        ({"output_config": {"effort": "max"}}, "low"),
        ({"thinking": {"type": "adaptive"}, "output_config": "high"}, None),
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


@pytest.mark.parametrize(
    ("provider", "model"),
    [(provider, model) for provider in PROVIDERS.values() for model in provider.models],
    ids=lambda item: item.id,
)
def test_every_model_of_the_catalogue(provider, model):
    """Whatever is asked for, a model is told of an effort that it takes, and as strong a one as was asked for."""
    levels = ["low", "medium", "high", "xhigh", "max"]
    told = []
    for level in levels:
        if provider.format == "anthropic":
            body, _ = relayed(ask(**_effort(level)), model=model)
            effort = body.get("output_config", {}).get("effort")
        else:
            body = chat(ask(**_effort(level)), dialect=provider.dialect, model=model).body
            effort = body.get("reasoning_effort") or body.get("reasoning", {}).get("effort")
        assert (effort is None) is (not model.efforts)
        assert effort is None or effort in model.efforts
        assert effort != "none"
        told.append(effort)
    if set(model.efforts) <= {*levels, "none"} and model.efforts:
        strengths = [levels.index(effort) for effort in told]
        assert strengths == sorted(strengths)
        assert all(told[at] == level for at, level in enumerate(levels) if level in model.efforts)


@pytest.mark.parametrize(
    ("fields", "goes_back", "display"),
    [
        ({"thinking": {"type": "adaptive"}}, True, Display.SHOWN),
        ({"thinking": {"type": "adaptive", "display": "updates"}}, True, Display.SHOWN),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, False, Display.SHOWN),
        ({"thinking": {"type": "enabled", "budget_tokens": 2_000}}, True, Display.SHOWN),
        ({"thinking": {"type": "between_tools"}}, True, Display.SHOWN),
        (_ADAPTIVE, True, Display.OMITTED),
        (_ADAPTIVE, False, Display.OMITTED),
        (_OFF, True, Display.CARRIED),
        ({"thinking": {"type": "disabled", "display": "omitted"}}, True, Display.CARRIED),
        ({}, True, Display.CARRIED),
        ({}, False, Display.DROPPED),
    ],
)
def test_what_the_client_sees(fields, goes_back, display):
    """Reasoning is shown where it was asked for, unless its text was not."""
    assert display_of(ask(**fields), goes_back=goes_back) is display
    dialect = MOONSHOT if goes_back else GROQ
    assert chat(ask(**fields), dialect=dialect, model=ALWAYS if goes_back else MODEL).display is display
