"""How hard a model should think: Anthropic's `thinking` and `output_config.effort` as the host's own knobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.providers.dialect import ThinkingKnob
from kimi_cli.providers.model import Thinking
from kimi_cli.wire.foreign import a_string, an_int, an_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimi_cli.providers.dialect import Dialect
    from kimi_cli.providers.model import Model
    from kimi_cli.wire.foreign import JsonObject

_LEVELS: Final = ("low", "medium", "high", "xhigh", "max")
_BUDGETS: Final = ((4_096, "low"), (16_384, "medium"))
"""Up to so many thinking tokens, a budget asks for so much effort; above, for a high one."""


def is_wanted(request: JsonObject) -> bool:
    """Whether the request asks for reasoning. Leaving `thinking` out asks for none."""
    return a_string(an_object(request.get("thinking")).get("type")) not in {"", "disabled"}


def effort_for(request: JsonObject, efforts: Sequence[str]) -> str | None:
    """The effort among those that a model takes: the one asked for, else the next stronger, else the strongest.

    A request without reasoning gets the weakest, because a model with efforts cannot stop thinking altogether. None
    where the request says nothing, or the model takes no effort.
    """
    if not efforts:
        return None
    if not is_wanted(request) and "thinking" in request:
        return efforts[0]
    wanted = a_string(an_object(request.get("output_config")).get("effort")) or _from_budget(request)
    if wanted not in _LEVELS:
        return None
    stronger = _LEVELS[_LEVELS.index(wanted) :]
    return next((level for level in stronger if level in efforts), efforts[-1])


def knobs(request: JsonObject, *, dialect: Dialect, model: Model) -> JsonObject:
    """The fields that set a model's reasoning on a host of this dialect."""
    wanted, effort = is_wanted(request), effort_for(request, model.efforts)
    switch = model.thinking is Thinking.SWITCHABLE
    match dialect.thinking_knob:
        case ThinkingKnob.EFFORT:
            return {"reasoning_effort": effort} if effort else {}
        case ThinkingKnob.MOONSHOT:
            if switch:
                # `keep` makes the host use the reasoning of earlier turns that the history carries.
                return {"thinking": {"type": "enabled", "keep": "all"} if wanted else {"type": "disabled"}}
            return {"reasoning_effort": effort} if effort else {}
        case ThinkingKnob.OPENROUTER:
            if switch and not wanted:
                return {"reasoning": {"enabled": False}}
            return {"reasoning": {"effort": effort}} if effort else {}
        case ThinkingKnob.TEMPLATE:
            return {"chat_template_kwargs": {"thinking": wanted}} if switch else {}
        case ThinkingKnob.NONE:
            return {}


def _from_budget(request: JsonObject) -> str:
    budget = an_int(an_object(request.get("thinking")).get("budget_tokens"))
    if budget is None:
        return ""
    return next((level for limit, level in _BUDGETS if budget <= limit), "high")
