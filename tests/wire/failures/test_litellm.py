"""What LiteLLM 1.106.2 says when it refuses, as recorded from it at both of its endpoints, and what becomes of that."""

from __future__ import annotations

import json

import pytest

from kimi_cli.wire.failure import classify
from kimi_cli.wire.refusal import from_response

HASH = "703eb1a04b05a6f9b78414ea4c18b2b3a1d9e2d408eff2816eb8ab02132c992a"
"""What LiteLLM keeps of a key, and names it by."""
END = "\n\nLiteLLM: model group 'kimi-k3' failed with the error above. No fallback was attempted."
SPENT = "Budget has been exceeded! Key=ada Current cost: 20.4, Max budget: 20.0"
WINDOW_SPENT = "ExceededBudget: Key over 30d budget. Spend=$20.4000, Limit=$20.00"
UNKNOWN = (
    f"Authentication Error, Invalid proxy server token passed. key={HASH}, not found in db. Create key via "
    "`/key/generate` call."
)
HURRIED = (
    f"Rate limit exceeded for api_key: {HASH}. Limit type: requests. Current limit: 0, Remaining: 0. Limit resets at: "
    "2026-11-23 14:48:56 UTC"
)
NO_MODEL = ": Invalid model name passed in model=nope. Call `/v1/models` to view available models for your key."
RESTING = (
    "No deployments available for selected model, Try again in 5 seconds. All deployments for selected model are in "
    f"cooldown. Passed model=kimi-k3. pre-call-checks=False, cooldown_list=['{HASH}']"
)
LIMITED = "Your account org-3f8a1b2c4d5e request reached organization max RPM: 3, please try again after 1 seconds"
LONG = "This model's maximum context length is 1048576 tokens. However, you requested 1060000 tokens"
NESTED = json.dumps({"error": {"message": "property 'x' is unsupported", "type": "invalid_request_error"}})


def chat(status: int, message: str, kind: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """An error of `/v1/chat/completions`, and of the check of keys at either endpoint."""
    error = {"message": message, "type": kind, "param": None, "code": str(status)}
    return status, headers, json.dumps({"error": error}).encode()


def messages(status: int, message: str, kind: str, **more: object) -> tuple[int, dict[str, str], bytes]:
    """An error of `/v1/messages`."""
    return status, {}, json.dumps({"type": "error", "error": {"type": kind, "message": message, **more}}).encode()


@pytest.mark.parametrize(
    ("recorded", "kind", "says"),
    [
        (chat(422, SPENT, "budget_exceeded"), "billing_error", SPENT),
        # Other versions have other statuses for it.
        (chat(400, SPENT, "budget_exceeded"), "billing_error", SPENT),
        (chat(429, WINDOW_SPENT, "budget_exceeded"), "billing_error", WINDOW_SPENT),
        (chat(401, UNKNOWN, "token_not_found_in_db"), "authentication_error", "Invalid proxy server token passed."),
        (
            chat(429, HURRIED, "throttling_error", **{"retry-after": "60"}),
            "rate_limit_error",
            "Rate limit exceeded for",
        ),
        (messages(429, HURRIED, "rate_limit_error"), "rate_limit_error", "Rate limit exceeded for"),
        (chat(400, f"/chat/completions{NO_MODEL}", "invalid_request_error"), "not_found_error", NO_MODEL),
        (
            messages(
                400,
                f"anthropic_messages{NO_MODEL}",
                "invalid_request_error",
                provider_specific_fields={"error": f"anthropic_messages{NO_MODEL}"},
            ),
            "not_found_error",
            NO_MODEL,
        ),
        (messages(429, RESTING, "rate_limit_error"), "rate_limit_error", "All deployments for selected model are in"),
        (
            chat(
                429,
                f"litellm.RateLimitError: RateLimitError: MoonshotException - {LIMITED}{END}",
                "throttling_error",
                **{"llm_provider-retry-after": "1"},
            ),
            "rate_limit_error",
            "Moonshot: Your account request reached organization max RPM: 3, please try again after 1 seconds",
        ),
        (
            chat(
                400,
                f"litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: "
                f"MoonshotException - {LONG}{END}",
                "invalid_request_error",
            ),
            "invalid_request_error",
            "prompt is too long: 1060000 tokens > 1048576 maximum",
        ),
        (
            messages(
                401,
                f"litellm.AuthenticationError: AuthenticationError: MoonshotException - Invalid Authentication{END}",
                "authentication_error",
            ),
            "authentication_error",
            "Moonshot: Invalid Authentication",
        ),
        (
            messages(
                503,
                f"litellm.ServiceUnavailableError: ServiceUnavailableError: MoonshotException - overload{END}",
                "api_error",
            ),
            "overloaded_error",
            "Moonshot: overload",
        ),
        (
            messages(400, f"litellm.BadRequestError: GroqException - {NESTED}{END}", "invalid_request_error"),
            "invalid_request_error",
            "Groq: property 'x' is unsupported",
        ),
        (chat(400, "No connected db.", "no_db_connection"), "invalid_request_error", "No connected db."),
    ],
)
def test_refusal(recorded, kind, says):
    """The kind is right, the sentence is one line without its wrappings, and no key can be told from it."""
    status, headers, body = recorded
    read = from_response(host="team", status=status, headers=headers, body=body, window=1_048_576, estimate=1_000)
    failure = classify(read)
    assert failure.kind == kind
    assert says in failure.message
    for left in ("\n", "litellm.", "LiteLLM", "Exception", HASH, "org-3f8a"):
        assert left not in failure.message
    if kind in {"billing_error", "authentication_error", "not_found_error"}:
        assert failure.should_retry is False


def test_how_long_to_wait():
    """The wait is the one of the header, or of the sentence."""
    waits = []
    for recorded in (
        chat(429, HURRIED, "throttling_error", **{"retry-after": "60"}),
        messages(429, RESTING, "rate_limit_error"),
        chat(429, f"litellm.RateLimitError: MoonshotException - {LIMITED}{END}", "throttling_error"),
    ):
        status, headers, body = recorded
        read = from_response(host="team", status=status, headers=headers, body=body, window=1, estimate=1)
        waits.append(read.retry_after)
    assert waits == [60, 5, 1]
