"""A model of ours that was picked in `/model` does not stay behind as the default that breaks plain `claude`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from kimi_cli.store.paths import Paths
from tests.doubles.scenario import say
from tests.field.settled import READY, at_a_terminal, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.stage import Stage
    from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.claude

OWN = "qwen3-coder:30b"
"""A model of the user's own host, of which nothing is known."""


def add_settings(text: str) -> None:
    """More of the user's settings of ours."""
    file = Paths.find(os.environ).settings_file
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


def pick_second(window: Terminal) -> None:
    """The row below the one in use, with Enter, which saves it as the default of new sessions."""
    window.wait_for(READY)
    window.enter("/model")
    assert "is the default for new sessions" in window.wait_for("Select model")
    window.press("Down")
    window.press("Enter")
    window.wait_for("Set model to")


def default_of(file: Path) -> str | None:
    """Claude Code's own default model."""
    return json.loads(file.read_text(encoding="utf-8")).get("model")


@pytest.mark.parametrize("stage", ["moonshot"], indirect=True)
def test_field_33_it_is_noticed_and_undone(stage: Stage) -> None:
    """The session goes on with what was picked; after it, one Enter puts the user's own default back."""
    file = settle(stage, model="opus", hooks={})
    add_settings('[providers.moonshot.slots]\nhaiku = "kimi-k2.6"\n')
    stage.script(say("I am another one."))
    with at_a_terminal(stage) as window:
        pick_second(window)
        assert default_of(file) == "kimi-k2.6"
        window.enter("Who are you?")
        window.wait_for("I am another one")
        window.enter("/exit")
        note = window.wait_for("Put its default back")
        assert "kimi-k2.6" in note
        window.press("Enter")
        window.wait_for_end()
    assert default_of(file) == "opus"
    assert json.loads(file.read_text(encoding="utf-8"))["hooks"] == {}
    assert stage.asks[0].model == "kimi-k2.6"


@pytest.mark.parametrize("stage", ["moonshot-chat"], indirect=True)
def test_field_33_who_declines_is_told_by_check(stage: Stage) -> None:
    """What is kept is not asked about again, and `kimi check` names it, its file, and what helps."""
    file = settle(stage)
    add_settings('[providers.moonshot.slots]\nhaiku = "kimi-k3"\n')
    with at_a_terminal(stage) as window:
        pick_second(window)
        window.enter("/exit")
        window.wait_for("Put its default back")
        window.type("n")
        window.press("Enter")
        window.wait_for_end()
    assert default_of(file) == "kimi-k3"
    stage.script(say("Hello."))
    done = stage.launch("--print", "Say hello.")
    stage.assert_said(done, "Hello.")
    assert stage.asks[0].model == stage.host.model  # what a launch names outranks it
    assert "default model" not in done.stderr
    checked = " ".join(stage.run(*stage.command("check")).stdout.split())
    assert "kimi-k3, which plain claude cannot use" in checked
    assert str(file) in checked.replace(" ", "")


@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_field_33_whatever_the_model_is_called(stage: Stage) -> None:
    """A model that is in no catalogue is noticed as well, with `--print` by a line on stderr."""
    file = settle(stage, model="sonnet")
    add_settings(f'[providers.groq.slots]\nhaiku = "{OWN}"\n')
    (stage.work / "picked.json").write_text(json.dumps({"model": OWN}), encoding="utf-8")
    save = {"type": "command", "command": f"cp picked.json {file}"}
    hooks = {"hooks": {"SessionStart": [{"hooks": [save]}]}}
    done = stage.launch("--settings", json.dumps(hooks), "--print", "Say hello.")
    assert done.status == 0
    assert OWN in done.stderr
    assert str(file) in "".join(done.stderr.split())
    assert OWN in stage.run(*stage.command("check")).stdout
