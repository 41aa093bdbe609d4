"""Tool names that hosts refuse are mapped there and back; of more tools than they take the first ones go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.scenario import Call, call, say
from tests.field.mcp import Mcp, log_lines, tool_of

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

pytestmark = [
    pytest.mark.claude,
    pytest.mark.parametrize("stage", ["groq", "moonshot", "moonshot-chat"], indirect=True),
]

THOUGHT = "A tool will do it."
ODD = "list/all.issues of a größeres repository, with every label, milestone and assignee"
LONG = "get_" + "very_" * 14 + "long_name"
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"page": {"type": "integer"}}, "required": ["page"]}


def test_field_07_names_are_mapped_there_and_back(stage: Stage) -> None:
    """The host gets names that it takes, the server hears its own, and the history keeps to the same ones."""
    server = Mcp(stage, "hub", {ODD: SCHEMA, LONG: SCHEMA})
    stage.script(
        lambda ask: call(Call(tool_of(ask, "__list_all"), {"page": 1}), thinking=THOUGHT),
        lambda ask: call(Call(tool_of(ask, "__get_very"), {"page": 2}), thinking=THOUGHT),
        say("Both pages."),
    )
    done = server.launch("--print", "List them.")
    stage.assert_said(done, "Both pages.")
    assert server.calls == [(ODD, {"page": 1}), (LONG, {"page": 2})]
    assert [ask.result for ask in stage.asks[1:]] == [f"{ODD} was here", f"{LONG} was here"]
    names = [tool_of(ask, part) for ask in stage.asks for part in ("__list_all", "__get_very")]
    assert names == names[:2] * 3
    assert {len(name) for name in names} == {64}
    assert all(name in json.dumps(stage.asks[-1].body["messages"]) for name in names)


def test_field_07_of_too_many_tools_the_first_ones_go(stage: Stage) -> None:
    """The host gets as many as it takes, the same ones on every turn; the others are named in one warning."""
    server = Mcp(stage, "many", {f"tool_{at:03}": SCHEMA for at in range(140)})
    stage.script(lambda ask: call(Call(tool_of(ask, "__tool_000"), {"page": 3}), thinking=THOUGHT), say("Done."))
    done = server.launch("--print", "Use the first.")
    stage.assert_said(done, "Done.")
    assert server.calls == [("tool_000", {"page": 3})]
    first, second = (ask.tools for ask in stage.asks)
    assert len(first) == 128
    assert first == second
    assert "Bash" in first
    kept = [name for name in first if name.startswith("mcp__many__")]
    assert kept == [f"mcp__many__tool_{at:03}" for at in range(len(kept))]
    left = [f"mcp__many__tool_{at:03}" for at in range(len(kept), 140)]
    (warning,) = log_lines("tools left out")
    assert (warning["level"], warning["reason"]) == ("warning", "the host takes 128 tools at most")
    assert warning["tools"] == left
    assert [line["tools_left_out"] for line in log_lines("message")] == [left] * 2
