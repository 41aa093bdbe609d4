"""Which model stands behind each of Claude Code's names, and how its `/model` picker shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kimi_cli.providers.model import Model
    from kimi_cli.providers.route import Route

_NAMES: Final = ("opus", "sonnet", "haiku", "fable")
"""Every name for which Claude Code would otherwise show, and price, a model of Anthropic's."""
_UNITS: Final = ((1_000_000, "M"), (1000, "k"), (1024 * 1024, "M"), (1024, "K"))
"""Round numbers are decimal ones where they can be: 128000 is also 125 times 1024, and nobody calls it that."""


def slot_variables(route: Route) -> dict[str, str]:
    """The variables that put the route's models behind Claude Code's names."""
    main, slots = route.main, dict(route.slots)
    variables = {
        "ANTHROPIC_MODEL": main.id,
        # What `Default` in the picker and `--model default` mean; without it, a model with an assumed window of 1M.
        "ANTHROPIC_DEFAULT_MODEL": main.id,
        "CLAUDE_CODE_SUBAGENT_MODEL": slots.get("subagent", ""),
    }
    for name in _NAMES:
        model = _model(route, slots.get(name))
        variable = f"ANTHROPIC_DEFAULT_{name.upper()}_MODEL"
        variables[variable] = model.id
        variables[f"{variable}_NAME"] = model.display_name
        variables[f"{variable}_DESCRIPTION"] = describe(model, host=route.host)
    return variables


def model_picker(route: Route) -> dict[str, Any]:
    """The rows of the picker: the route's models and no others."""
    rows = [
        {"model": model.id, "label": model.display_name, "description": describe(model, host=route.host)}
        for model in route.models
    ]
    return {"options": rows, "replaceBuiltInOptions": True}


def describe(model: Model, *, host: str) -> str:
    """A model in one line: host, price and window."""
    price = model.price
    cost = f"${price.input:g} in, ${price.output:g} out per million tokens" if price else ""
    return " · ".join(filter(None, (host, cost, f"{tokens(model.context_window)} context")))


def tokens(count: int) -> str:
    """A number of tokens as people say it: 200000 is 200k, 262144 is 256K, 1048576 is 1M."""
    for unit, name in _UNITS:
        if count >= unit and count % unit == 0:
            return f"{count // unit}{name}"
    return f"{count / 1000:.0f}k" if count >= 1000 else str(count)


def _model(route: Route, model_id: str | None) -> Model:
    return next((model for model in route.models if model.id == model_id), route.main)
