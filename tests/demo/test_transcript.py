"""What Claude Code prints is read into an outcome, or into a sentence that says why there is none."""

from __future__ import annotations

import json

import pytest

from kimi_cli.demo.outcome import Outcome, ToolRun
from kimi_cli.demo.report import DemoError
from kimi_cli.demo.transcript import Transcript

_RUN = [
    {"type": "system", "subtype": "init", "claude_code_version": "2.1.330"},
    {"type": "stream_event", "event": {"type": "message_start"}},
    {"type": "stream_event", "event": {"type": "content_block_delta", "delta": {"type": "thinking_delta"}}},
    {"type": "assistant", "message": {"content": [{"type": "thinking", "thinking": "Hm.", "signature": ""}]}},
    {
        "type": "assistant",
        "message": {"content": [{"type": "tool_use", "id": "a", "name": "Read", "input": {"file_path": "/x"}}]},
    },
    {"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "a", "content": "1\tone"}]}},
    {
        "type": "assistant",
        "message": {"content": [{"type": "tool_use", "id": "b", "name": "Bash", "input": {"command": "wc"}}]},
    },
    {
        "type": "user",
        "message": {
            "content": [
                {"type": "text", "text": "a reminder"},
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "content": [{"type": "text", "text": "no"}],
                    "is_error": True,
                },
            ]
        },
    },
    {"type": "user", "message": {"content": "only text"}},
    {"type": "result", "subtype": "success", "is_error": False, "result": "Done."},
]


def _read(lines) -> Transcript:
    transcript = Transcript()
    for second, line in enumerate(lines):
        transcript.feed(line if isinstance(line, bytes) else json.dumps(line).encode(), seconds=float(second))
    return transcript


def test_a_run_is_read():
    """Version, thinking, tools and their results, the first token's time and the answer are found, the rest skipped."""
    assert _read([b"not json\n", b"7\n", *_RUN]).finish() == Outcome(
        answer="Done.",
        thinking="Hm.",
        tools=(ToolRun("Read", "/x", "1\tone"), ToolRun("Bash", "wc", "no", failed=True)),
        first_token=4.0,
        version="2.1.330",
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (_RUN[:-1], "without a result"),
        ([{**_RUN[-1], "is_error": True, "result": "API Error: 500"}], "with an error: API Error: 500"),
        ([{"type": "result", "subtype": "error_max_turns"}], "with an error: error_max_turns"),
    ],
)
def test_a_run_without_an_answer_is_an_error(lines, words):
    """No result line, or one that reports an error, is an error with its words."""
    with pytest.raises(DemoError, match=words):
        _read(lines).finish()
