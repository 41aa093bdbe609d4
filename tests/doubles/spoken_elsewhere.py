"""What gateways, other hosts and engines of one's own say when they refuse, word for word."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tests.doubles.spoken import KEY_DIGEST, MOONSHOT_BROKE, SHOWN_KEY, USER, Spoken, error

if TYPE_CHECKING:
    from collections.abc import Mapping

_LITELLM_TAIL: Final = ". Received Model Group=kimi\nAvailable Model Group Fallbacks=None LiteLLM Retried: 1 times"

OPENROUTER: Final[Mapping[str, Spoken]] = MappingProxyType(
    {
        "balance": Spoken(
            402,
            {
                "error": {
                    "message": "This request requires more credits, or fewer max_tokens. You requested up to 32000 "
                    "tokens, but can only afford 3395. To increase, visit https://openrouter.ai/settings/credits and "
                    "upgrade to a paid account",
                    "code": 402,
                    "metadata": {"provider_name": None, "previous_errors": [{"code": 402, "message": "Before."}]},
                },
                "user_id": USER,
            },
        ),
        "limit": error(
            403, "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys", code=403
        ),
        "moderated": error(
            403,
            'moonshotai/kimi-k3 requires moderation on Host. Your input was flagged for "violence".',
            code=403,
            metadata={"reasons": ["violence"], "flagged_input": "...", "provider_name": "Host"},
        ),
        "host is broke": error(
            429,
            "Provider returned error",
            code=429,
            metadata={
                "raw": json.dumps({"error": {"message": MOONSHOT_BROKE, "type": "exceeded_current_quota_error"}}),
                "provider_name": "Moonshot AI",
            },
        ),
        "host is busy": error(
            429,
            "Provider returned error",
            code=429,
            metadata={
                "raw": "moonshotai/kimi-k2.6 is temporarily rate-limited upstream. Please retry shortly, or add your "
                "own key to accumulate your rate limits: https://openrouter.ai/settings/integrations",
                "provider_name": "Moonshot AI",
            },
        ),
        "host is down": error(502, "Provider returned error", code=502, metadata={"provider_name": "Host"}),
        "model": error(404, "No endpoints found for moonshotai/kimi-k1.", code=404),
        "key": error(401, "User not found.", code=401),
        "day": error(429, "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 requests", code=429),
    }
)
ENGINES: Final[Mapping[str, Spoken]] = MappingProxyType(
    {
        "vllm model": Spoken(
            404,
            {"object": "error", "message": "The model `kimi` does not exist.", "type": "NotFoundError", "code": 404},
        ),
        "vllm key": Spoken(401, {"error": "Unauthorized"}),
        "vllm answer": Spoken(
            400,
            {
                "object": "error",
                "message": "This model's maximum context length is 131072 tokens. However, you requested 142000 tokens "
                "(110000 in the messages, 32000 in the completion). Please reduce the length of the messages or "
                "completion.",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            },
        ),
        "vllm later": Spoken(
            400,
            {
                "error": {
                    "message": "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum "
                    "context length is 131072 tokens and your request has 110000 input tokens (32000 > 131072 - "
                    "110000).",
                    "type": "BadRequestError",
                    "code": 400,
                }
            },
        ),
        "sglang answer": Spoken(
            400,
            {
                "object": "error",
                "message": "Requested token count exceeds the model's maximum context length of 131072 tokens. You "
                "requested a total of 142000 tokens: 110000 tokens from the input messages and 32000 tokens for the "
                "completion. Please reduce the number of tokens in the input messages or the completion.",
                "type": "BadRequestError",
                "code": 400,
            },
        ),
        "together answer": error(
            422,
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 131072. Given: 110000 `inputs` "
            "tokens and 32000 `max_new_tokens`",
            type="invalid_request_error",
        ),
        "llama.cpp": error(
            400,
            "request (140123 tokens) exceeds the available context size (131072 tokens), try increasing it",
            type="exceed_context_size_error",
            code=400,
        ),
        "ollama model": Spoken(404, {"error": 'model "kimi-k2" not found, try pulling it first'}),
        "ollama tools": error(400, "registry.ollama.ai/library/kimi does not support tools", type="api_error"),
        "fastapi": Spoken(
            422,
            {"detail": [{"loc": ["body", "messages", 0], "msg": "Field required", "type": "missing"}]},
        ),
        "litellm key": error(
            401,
            "Authentication Error, Invalid proxy server token passed. Received API Key = "
            f"{SHOWN_KEY}, Key Hash (Token) ={KEY_DIGEST}. Unable to find token in cache or "
            "`LiteLLM_VerificationTokenTable`",
            type="token_not_found_in_db",
            param="key",
            code="401",
        ),
        "litellm host's key": error(
            401,
            "litellm.AuthenticationError: AuthenticationError: GroqException - "
            '{"error":{"message":"Invalid API Key","type":"invalid_request_error","code":"invalid_api_key"}}'
            + _LITELLM_TAIL,
            type=None,
            param=None,
            code="401",
        ),
        "litellm limit": error(
            429,
            "litellm.RateLimitError: RateLimitError: OpenAIException - Error code: 429 - {'error': {'message': \"You "
            "are going too fast, please try again in 20s\", 'type': 'requests', 'code': 'rate_limit_exceeded'}}"
            + _LITELLM_TAIL,
            type="throttling_error",
            code="429",
        ),
        "litellm overflow": error(
            400,
            "litellm.ContextWindowExceededError: litellm.BadRequestError: GroqException - it is too much"
            + _LITELLM_TAIL,
            type=None,
            code="400",
        ),
        "litellm budget": error(
            400,
            "Budget has been exceeded! Current cost: 1.21, Max budget: 1.0",
            type="budget_exceeded",
            code="400",
        ),
        "litellm model": error(
            400,
            "/chat/completions: Invalid model name passed in model=kimi. Call `/v1/models` to view available models "
            "for your key.",
            type="invalid_request_error",
            code="400",
        ),
    }
)
OTHERS: Final[Mapping[str, Spoken]] = MappingProxyType(
    {
        "together balance": Spoken(
            402,
            {
                "id": "ohYGX6i",
                "error": {
                    "message": "Credit limit exceeded, please add credits.",
                    "type": "credit_limit",
                    "param": None,
                    "code": None,
                },
            },
        ),
        "together model": error(
            404,
            "Unable to access model moonshotai/Kimi-K2.6. Please visit https://api.together.ai/models to view the list "
            "of supported models.",
            type="invalid_request_error",
            param="model",
            code="model_not_available",
        ),
        "fireworks balance": Spoken(
            412,
            {
                "error": {
                    "message": "Account mine is suspended, possibly due to reaching the monthly spending limit or "
                    "failure to pay past invoices. Please go to https://fireworks.ai/account/billing for more "
                    "information.",
                    "param": None,
                    "code": "PRECONDITION_FAILED",
                    "type": "error",
                }
            },
        ),
        "fireworks model": error(
            404, "Model not found, inaccessible, and/or not deployed", object="error", code="NOT_FOUND", type="error"
        ),
        "deepinfra balance": Spoken(402, {"detail": {"error": "inference prohibited, please enter a payment method"}}),
        "deepinfra busy": error(429, "Model busy, retry later"),
        "deepinfra key": Spoken(401, {"detail": {"error": "User is not authenticated"}}),
        "baseten key": Spoken(403, {"error": "Unauthorized"}),
        "novita balance": Spoken(
            403, {"code": 403, "reason": "NOT_ENOUGH_BALANCE", "message": "not enough balance", "metadata": {}}
        ),
        "novita model": Spoken(
            404, {"code": 404, "reason": "MODEL_NOT_FOUND", "message": "model not found", "metadata": {}}
        ),
        "huggingface loading": Spoken(503, {"error": "Model moonshotai/Kimi-K2 is currently loading"}),
    }
)
PAGES: Final[Mapping[str, Spoken]] = MappingProxyType(
    {
        "nginx": Spoken(
            502,
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>"
            "</center>\r\n<hr><center>nginx/1.27</center>\r\n</body>\r\n</html>\r\n",
            {"content-type": "text/html"},
        ),
        "cloudflare": Spoken(
            403,
            "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title><style>body{color:red}</style>"
            f"</head><body>{'<p>Sorry, you have been blocked</p>' * 500}</body></html>",
            {"content-type": "text/html; charset=UTF-8"},
        ),
        "go": Spoken(404, "404 page not found\n", {"content-type": "text/plain"}),
        "moved": Spoken(301, "<h1>Moved</h1>", {"location": "https://api.new.test/v2/chat/completions?key=secret1234"}),
        "login": Spoken(302, "", {"location": "https://login.test/saml?session=secret1234"}),
        "empty": Spoken(500, ""),
        "event": Spoken(
            400,
            'event: error\ndata: {"error": {"message": "The first event is an error.", "type": "bad"}}\n\n',
            {"content-type": "text/event-stream"},
        ),
    }
)
