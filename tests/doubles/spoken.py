"""What Groq and Moonshot say when they refuse, word for word, by what is wrong; the others are in `spoken_elsewhere`.

Organisations, keys and accounts are made up, in the forms that the real ones have.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tests.doubles.scenario import HttpError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.doubles.scenario import JsonObject

ORG: Final = "org_01jp8byqwpfx9sp1m0dbhb6a1e"
MOONSHOT_ORG: Final = "org-e664b178c0f74d818f6b62f87efa49f7"
ACCESS_KEY: Final = "ak-f3t8pfk16fki11gzh6i1"
PROJECT: Final = "proj-0f3a7c21b9d84e55"
SHOWN_KEY: Final = "sk-...8aSP"
KEY_DIGEST: Final = "569909a917a742e1c954a5ae2ff043fb10fff299956707ca9f9ce64c1f257585"
USER: Final = "user_2abCdEfGhIjKlMnOpQrStUvWx1"
SECRETS: Final = (ORG, MOONSHOT_ORG, ACCESS_KEY, PROJECT, "8aSP", KEY_DIGEST, USER)
"""What no user is ever shown."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One answer of a host."""

    status: int
    body: JsonObject | list[JsonObject] | str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        """The body as it comes."""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    @property
    def answer(self) -> HttpError:
        """The same as a step of a scenario."""
        return HttpError(self.status, self.raw.decode(), self.headers)


def error(status: int, message: str, /, *, headers: Mapping[str, str] | None = None, **fields: object) -> Spoken:
    """A refusal in OpenAI's form."""
    return Spoken(status, {"error": {"message": message, **fields}}, headers or {})


MOONSHOT_BROKE: Final = (
    f"Your account {MOONSHOT_ORG} <{ACCESS_KEY}> is suspended due to insufficient balance, please recharge your "
    "account or check your plan and billing details"
)

GROQ: Final[Mapping[str, Spoken]] = MappingProxyType(
    {
        "key": error(401, "Invalid API Key", type="invalid_request_error", code="invalid_api_key"),
        "retired": error(
            400,
            "The model `moonshotai/kimi-k2-instruct-0905` has been decommissioned and is no longer supported. Please "
            "refer to https://console.groq.com/docs/deprecations for a recommendation on which model to use instead.",
            type="invalid_request_error",
            code="model_decommissioned",
        ),
        "model": error(
            404,
            "The model `kimi` does not exist or you do not have access to it.",
            type="invalid_request_error",
            code="model_not_found",
        ),
        "tier": error(
            413,
            f"Request too large for model `openai/gpt-oss-120b` in organization `{ORG}` service tier `on_demand` on "
            "tokens per minute (TPM): Limit 8000, Requested 13200, please reduce your message size and try again. Need "
            "more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing",
            type="tokens",
            code="rate_limit_exceeded",
        ),
        "minute": error(
            429,
            f"Rate limit reached for model `openai/gpt-oss-120b` in organization `{ORG}` service tier `on_demand` on "
            "tokens per minute (TPM): Limit 8000, Used 6148, Requested 7895. Please try again in 45.3s. Need more "
            "tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing",
            type="tokens",
            code="rate_limit_exceeded",
            headers={"retry-after": "46"},
        ),
        "day": error(
            429,
            f"Rate limit reached for model `openai/gpt-oss-120b` in organization `{ORG}` service tier `on_demand` on "
            "tokens per day (TPD): Limit 200000, Used 199644, Requested 12900. Please try again in 1h30m18.7s.",
            type="tokens",
            code="rate_limit_exceeded",
            headers={"retry-after": "5419"},
        ),
        "busy": error(
            503,
            "openai/gpt-oss-120b is currently over capacity. Please try again and back off exponentially.",
            type="internal_server_error",
        ),
        "flex": error(498, "Flex tier capacity exceeded.", type="invalid_request_error", code="capacity_exceeded"),
        "call": error(
            400,
            "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
            type="invalid_request_error",
            code="tool_use_failed",
            failed_generation="<function=Bash>",
        ),
        "json": error(
            400,
            "Failed to validate JSON. Please adjust your prompt. See 'failed_generation' for more details.",
            type="invalid_request_error",
            code="json_validate_failed",
            failed_generation="{",
        ),
        "overflow": error(
            400,
            "Please reduce the length of the messages or completion.",
            type="invalid_request_error",
            param="messages",
            code="context_length_exceeded",
        ),
    }
)
MOONSHOT: Final[Mapping[str, Spoken]] = MappingProxyType(
    {
        "key": error(401, "Invalid Authentication", type="invalid_authentication_error"),
        "balance": error(429, MOONSHOT_BROKE, type="exceeded_current_quota_error"),
        "inactive": error(
            403,
            f"Your account {MOONSHOT_ORG}<{ACCESS_KEY}> is not active, organization <{MOONSHOT_ORG}> exceeded current "
            "quota, please check your plan and billing details",
            type="exceeded_current_quota_error",
        ),
        "retired": error(
            404, "Not found the model kimi-k2-0905-preview or Permission denied", type="resource_not_found_error"
        ),
        "concurrency": error(
            429,
            f"Your account {MOONSHOT_ORG}<{ACCESS_KEY}> request reached max organization concurrency: 1, please try "
            "again after 1 seconds",
            type="rate_limit_reached_error",
        ),
        "requests": error(
            429,
            f"Your account {MOONSHOT_ORG}<{ACCESS_KEY}> request reached organization max RPM: 3, please try again "
            "after 1 seconds",
            type="rate_limit_reached_error",
        ),
        "project": error(
            429,
            f"Your account {MOONSHOT_ORG} / {PROJECT} <{ACCESS_KEY}> request reached project TPM rate limit, current: "
            "1410, limit: 100, see https://platform.kimi.ai/docs/pricing/limits",
            type="rate_limit_reached_error",
        ),
        "busy": error(
            429, "The engine is currently overloaded, please try again later", type="engine_overloaded_error"
        ),
        "overflow": error(
            400,
            "Invalid request: Your request exceeded model token limit: 131072 (requested: 140123)",
            type="invalid_request_error",
        ),
        "filter": error(400, "The request was rejected because it was considered high risk", type="content_filter"),
        "coding": error(
            403,
            "Kimi For Coding is currently only available for Coding Agents such as Kimi CLI, Claude Code, Roo Code, "
            "Kilo Code, etc.",
            type="access_terminated_error",
        ),
    }
)
