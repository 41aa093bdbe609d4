"""Keys as a LiteLLM with a database would have them, for one without: it loads this file and asks `check`.

A key's last word says what becomes of it. What LiteLLM then answers is its own.
"""

from __future__ import annotations

import os


async def check(request: object, api_key: str) -> object:
    """What LiteLLM calls for every request."""
    import litellm
    from litellm.proxy._types import ProxyException, UserAPIKeyAuth

    if api_key == os.environ["ADAS_KEY"]:
        return UserAPIKeyAuth(api_key=api_key, key_alias="ada", models=["kimi-k3"])
    match api_key.rpartition("-")[2]:
        case "spent":
            raise litellm.BudgetExceededError(
                current_cost=20.4,
                max_budget=20.0,
                message="Budget has been exceeded! Key=ada Current cost: 20.4, Max budget: 20.0",
            )
        case "hurried":
            return UserAPIKeyAuth(api_key=api_key, key_alias="ada", rpm_limit=0)
        case _:
            # What it says of a key that its database does not have.
            raise ProxyException(
                message=f"Authentication Error, Invalid proxy server token passed. key={'a1' * 32}, not found in db. "
                "Create key via `/key/generate` call.",
                type="token_not_found_in_db",
                param="key",
                code=401,
            )
