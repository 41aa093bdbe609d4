"""Target: what a host says when it refuses, as an answer or inside a stream, with any headers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final

from bench.fuzz.judge import hold
from kimi_cli.wire.allowance import Allowance, Need
from kimi_cli.wire.encode import error_body, error_event, error_headers
from kimi_cli.wire.failure import Failure, classify
from kimi_cli.wire.failures.advice import NO_ADVICE, Advice
from kimi_cli.wire.quota import TRUST_SECONDS
from kimi_cli.wire.refusal import MESSAGE_LIMIT, from_response, from_stream

if TYPE_CHECKING:
    from bench.fuzz.source import Source

_KEYS: Final = ("error", "message", "type", "code", "detail", "failed_generation", "status_code", "param", "metadata")
_STATUSES: Final = (400, 401, 402, 403, 404, 408, 409, 410, 413, 422, 429, 498, 499, 500, 502, 503, 504, 524, 529, 302)
_SAYINGS: Final = (
    "Request too large for model `a` in organization `org_01abc` on tokens per minute: Limit 8000, Requested 9000",
    "Rate limit reached on tokens per minute (TPM): Limit 5000, Used 4000, Requested 3000. Please try again in 59.9s.",
    "This model's maximum context length is 1310 tokens. However, you requested 1400 (1300 in the messages, 100 more).",
    "Invalid Authentication",
    "exceeded_current_quota_error",
    "engine_overloaded_error",
    "tool_use_failed",
    "<html><body>502 Bad Gateway</body></html>",
    "Incorrect API key provided: sk-0123456789abcdef",
    "context_length_exceeded",
    "model_decommissioned",
)
_NAMES: Final = (
    "retry-after",
    "retry-after-ms",
    "date",
    "content-type",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
)
_VALUES: Final = (
    "0",
    "1",
    "8000",
    "-1",
    "7.5",
    "2m52.8s",
    "547ms",
    "1e400",
    "nan",
    "Wed, 21 Oct 2015 07:28:00 GMT",
    "",
)
_ADVICE: Final = (
    NO_ADVICE,
    Advice(provider="groq", model="kimi", successor="kimi-k3", base_url="https://api.groq.com/openai/v1"),
    Advice(provider="new", model="kimi", base_url="https://api.kimi.com/coding"),
)
_TAIL: Final = 1000
"""What our own words may add to a host's message."""


def error(source: Source) -> None:
    """Any refusal becomes one line, a status and advice that an HTTP answer can carry."""
    status = source.pick(_STATUSES)
    headers = {source.pick(_NAMES): _header(source) for _ in range(source.below(6))}
    window, estimate = source.pick((1, 1000, 131_072)), source.pick((0, 900, 10**7))
    if source.chance(3):
        _check(classify(from_stream(host="Host", error=_value(source), window=window, estimate=estimate)))
    body = source.rest() if source.chance(3) else json.dumps(_value(source)).encode("utf-8", "surrogatepass")
    advice = source.pick(_ADVICE)
    refusal = from_response(
        host="Host", status=status, headers=headers, body=body, window=window, estimate=estimate, advice=advice
    )
    _check(classify(refusal))
    allowance, need = Allowance(), Need(100, 10)
    allowance.heard(allowance.ask(need, 0), source.pick((200, status)), headers, 0)
    fitted = allowance.fit(need, 1, host="Host")
    if isinstance(fitted, Failure):
        _check(fitted)
    hold(0 <= allowance.wait(allowance.counted(need), 1, 1) <= TRUST_SECONDS, "a wait that is longer than the trust")
    hold(allowance.wait(0, 0, TRUST_SECONDS) == 0, "a wait that does not end")


def _check(failure: Failure) -> None:
    hold(400 <= failure.status < 600, "a status that is no error")
    hold(failure.kind, "an error without a type")
    hold(0 < len(failure.message) <= MESSAGE_LIMIT + _TAIL, "nothing or too much to read")
    hold(not {"\n", "\r"} & set(failure.message), "more than one line")
    hold("org_01abc" not in failure.message, "an organisation is named")
    hold("sk-0123456789abcdef" not in failure.message, "a key is named")
    hold(0 <= (failure.retry_after or 0) < math.inf, "no time to wait")
    for value in error_headers(failure, "req_1").values():
        hold(value.isascii() and value.isprintable(), "no value for a header")
    json.loads(error_body(failure, "req_1"))
    error_event(failure)


def _value(source: Source) -> object:
    value = source.value(_KEYS)
    if source.chance(2):
        said = source.pick(_SAYINGS) + source.text()
        value = {"error": {"message": said, "type": source.text(), "code": source.pick((None, said, "", 429, value))}}
    return value


def _header(source: Source) -> str:
    return source.text() if source.chance(4) else source.pick(_VALUES)
