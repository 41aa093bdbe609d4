"""How hard a model should think, and what of that the client sees.

Anthropic's `thinking` and `output_config.effort` become the host's own knobs. Reasoning is asked for by every type of
`thinking` but `disabled`; `between_tools` asks for it too, and no host can be told to reason between calls alone.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from kimi_cli.providers.dialect import EffortField, ThinkingSwitch
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


class Display(Enum):
    """What becomes of a model's reasoning on its way to the client."""

    SHOWN = auto()
    """Thinking blocks with their text."""
    OMITTED = auto()
    """Thinking blocks without text, whose signatures carry it. Claude Code asks for that where nobody watches."""
    CARRIED = auto()
    """No thinking blocks, but for one without text ahead of an answer's tool calls.

    The client did not ask for reasoning, and one that did not may read the first block of an answer as its text. A
    model that thinks all the same wants its reasoning back beside its calls, or its host refuses the next turn. Where
    an answer calls no tool, the host can do without.
    """
    DROPPED = auto()
    """No thinking blocks: the client did not ask for them, and the host takes no reasoning back."""


def display_of(request: JsonObject, *, goes_back: bool) -> Display:
    """What the client sees; `goes_back` is whether the host takes the reasoning of earlier turns."""
    if is_wanted(request):
        is_omitted = an_object(request.get("thinking")).get("display") == "omitted"
        return Display.OMITTED if is_omitted else Display.SHOWN
    return Display.CARRIED if goes_back else Display.DROPPED


def is_wanted(request: JsonObject) -> bool:
    """Whether the request asks for reasoning. Leaving `thinking` out asks for none."""
    return a_string(an_object(request.get("thinking")).get("type")) not in {"", "disabled"}


def effort_for(request: JsonObject, efforts: Sequence[str]) -> str | None:
    """The effort among those that a model takes: the one asked for, else the next stronger, else the strongest.

    A request without reasoning gets the weakest, whatever effort it asks for: Claude Code asks for its usual one also
    where the user has switched thinking off, and a host that is told nothing takes its strongest. None where the
    request wants reasoning and says no more, or the model takes no effort.
    """
    if not efforts:
        return None
    if not is_wanted(request):
        return efforts[0]
    wanted = a_string(an_object(request.get("output_config")).get("effort")) or _from_budget(request)
    if wanted not in _LEVELS:
        return None
    stronger = _LEVELS[_LEVELS.index(wanted) :]
    return next((level for level in stronger if level in efforts), efforts[-1])


def knobs(request: JsonObject, *, dialect: Dialect, model: Model) -> JsonObject:
    """The fields that set a model's reasoning on a host of this dialect."""
    wanted = is_wanted(request)
    switch = dialect.thinking_switch if model.thinking is Thinking.SWITCHABLE else ThinkingSwitch.NONE
    fields = _switched(switch, wanted=wanted)
    if fields and not wanted:
        return fields  # there is nothing left to make an effort at
    if effort := effort_for(request, model.efforts):
        match dialect.effort_field:
            case EffortField.TOP:
                fields["reasoning_effort"] = effort
            case EffortField.REASONING:
                fields["reasoning"] = {"effort": effort}
            case EffortField.NONE:
                pass
    return fields


def _switched(switch: ThinkingSwitch, *, wanted: bool) -> JsonObject:
    match switch:
        case ThinkingSwitch.THINKING:
            return {} if wanted else {"thinking": {"type": "disabled"}}
        case ThinkingSwitch.THINKING_KEPT:
            return {"thinking": {"type": "enabled", "keep": "all"} if wanted else {"type": "disabled"}}
        case ThinkingSwitch.REASONING:
            return {} if wanted else {"reasoning": {"enabled": False}}
        case ThinkingSwitch.TEMPLATE:
            return {"chat_template_kwargs": {"thinking": wanted}}
        case ThinkingSwitch.PARSED:
            return {"reasoning_format": "parsed"} if wanted else {}
        case ThinkingSwitch.NONE:
            return {}


def _from_budget(request: JsonObject) -> str:
    budget = an_int(an_object(request.get("thinking")).get("budget_tokens"))
    if budget is None:
        return ""
    return next((level for limit, level in _BUDGETS if budget <= limit), "high")
