"""Claude Code, which takes a model that it does not know to have a window of 1M, is told the model's real one."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from kimi_cli.launcher.environment import session_variables
from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.route import SLOTS, Route
from kimi_cli.store.paths import Paths
from tests.doubles.groq import KIMI, Served

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

VARIABLE = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"
NEW = "moonshotai/kimi-k4-instruct"
"""A model that only the host's live list knows."""


@pytest.mark.parametrize("provider", [provider for provider in PROVIDERS.values() if provider.models])
def test_field_11_every_model_in_every_place(provider):
    """Each model of each host, as the main one, by its own id, and behind each of Claude Code's names."""
    smallest = min(provider.models, key=lambda model: model.context_window)
    for model in provider.models:
        slots = tuple((slot, smallest.id) for slot in SLOTS)
        route = Route(
            *(provider.id, provider.format, "http://127.0.0.1:9", provider.dialect_name, (model, smallest), "k", slots)
        )
        asked = {"": model, model.id: model, f"{model.id}[1m]": model, "default": model, smallest.id: smallest}
        asked |= dict.fromkeys((*SLOTS, "claude-haiku-4-5"), smallest)
        for name, meant in asked.items():
            given = session_variables(route, base_url="http://127.0.0.1:9", token="t" * 40, model=name)
            assert given[VARIABLE] == str(meant.context_window), name


@pytest.mark.claude
@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_field_11_the_client_shows_it(stage: Stage) -> None:
    """The real client goes by it: for a model of the catalogue, for one of the live list, and for one of a slot."""
    stage.double.models = {**stage.double.models, NEW: Served(200_000, 16_384)}
    file = Paths.find(os.environ).settings_file
    slots = '[providers.groq.slots]\nhaiku = "openai/gpt-oss-120b"\n'
    file.write_text(file.read_text(encoding="utf-8") + slots, encoding="utf-8")
    assert stage.run(*stage.command("models")).status == 0  # which asks the host, and remembers
    for options, model, window in (
        ((), KIMI, "262.1k"),
        (("--model", NEW), NEW, "200k"),
        (("--model", "haiku"), "openai/gpt-oss-120b", "131.1k"),
    ):
        command = stage.command("launch", "--claude", str(stage.claude), *options, "--", "--print", "/context")
        shown = stage.run(*command).stdout
        assert re.search(rf"Model:\W+{re.escape(model)}", shown)
        assert re.search(rf"Tokens:\W+[\d.]+k / {re.escape(window)} ", shown), shown
