"""What the host says of a request that it refuses reaches the user: one line, and no wrapper around it.

Claude Code sends a request that got a 400 five times more, in other forms, before it gives up. Then it shows what it
was told.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.doubles.scenario import HttpError, Scenario

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

pytestmark = pytest.mark.claude

SENTENCE = "tools.3.function.parameters: 'oneOf' is not supported in org mode"
INNER = json.dumps({"error": {"message": SENTENCE, "type": "invalid_request_error", "param": None, "code": None}})
WRAPPED = {
    "error": {
        "message": "litellm.BadRequestError: OpenAIException - Error code: 400 - "
        f"{INNER}. Received Model Group=kimi\nAvailable Model Group Fallbacks=None",
        "type": "invalid_request_error",
        "param": None,
        "code": "400",
    }
}


@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_field_21_the_innermost_sentence_is_shown(stage: Stage) -> None:
    """Through a gateway, the client and a second gateway's habits, the host's own sentence is what is printed."""
    stage.double.scenario = Scenario(default=HttpError(400, WRAPPED))
    done = stage.launch("--print", "Hello.")
    assert done.status != 0
    assert done.stdout == f"API Error: 400 Groq: OpenAI: {SENTENCE}\n"
