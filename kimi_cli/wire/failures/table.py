"""The one table from what a host says to what the client is told: by status, by names, by words, by host.

The first row that fits counts. Statuses are chosen for what Claude Code does with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.failures import hints, overflow, tier

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimi_cli.wire.refusal import Refusal

FINAL: Final = 424
"""The status of what no repetition mends, where Claude Code would misread the status that it should have.

It answers a 401 or a 403 by asking for a login at Anthropic; hides the words of a 404, and asks once more; takes any
5xx for a passing fault of a server, and says so; and sends what got a 400 or a 422 five times more, in other forms. Of
a 424, a failed dependency, it shows the message, once. The error's type is the one that belongs to the failure.
"""
PATIENCE: Final = 300.0
"""Seconds. A host that wants to be left alone for longer is told of, and not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A kind of refusal, and what becomes of it.

    It fits where the status is one of `at`, and a type or code has one of `named` in it or the message one of `says`,
    and `when` holds; what is not given holds always. `retry` is advice to the client, None where the status says
    enough. `hint` is a sentence behind the host's own; `text` replaces both.
    """

    status: int
    kind: str
    retry: bool | None = None
    at: range | frozenset[int] | None = None
    named: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    when: Callable[[Refusal], bool] | None = None
    hint: Callable[[Refusal], str] | None = None
    text: Callable[[Refusal], str] | None = None

    def fits(self, refusal: Refusal) -> bool:
        """Whether this is that kind of refusal."""
        if self.at is not None and refusal.status not in self.at:
            return False
        if (self.named or self.says) and not (refusal.is_named(*self.named) or refusal.says(*self.says)):
            return False
        return self.when is None or self.when(refusal)

    def message(self, refusal: Refusal) -> str:
        """What the user is told."""
        if self.text is not None:
            return self.text(refusal)
        return with_hint(_told(refusal), self.hint(refusal) if self.hint is not None else "")


def find_row(refusal: Refusal) -> Row:
    """The row for a refusal; there is always one."""
    return next(row for row in TABLE if row.fits(refusal))


def with_hint(text: str, hint: str) -> str:
    """The text, a sentence now if it was none, and the hint."""
    if not hint:
        return text
    return f"{text} {hint}" if text.endswith((".", "!", "?", "…")) else f"{text}. {hint}"


def _told(refusal: Refusal) -> str:
    """The host's own sentence, and whose it is."""
    host = refusal.host
    message = refusal.message.removeprefix(f"{host}: ")
    if refusal.by and refusal.by.lower() not in f"{host} {message}".lower():
        message = f"{refusal.by}: {message}"
    if not refusal.message:
        return f"{host} answered HTTP {refusal.status} without an explanation."
    if not refusal.is_recognised:
        return f"{host} answered HTTP {refusal.status}: {message}"
    return f"{host}: {message}"


# What a gateway's own host says of the gateway's key and account, its users can do nothing about.


def _key(refusal: Refusal) -> str:
    return "" if refusal.by else hints.key(refusal.advice)


def _top_up(refusal: Refusal) -> str:
    return "" if refusal.by else hints.top_up(refusal.advice, said=refusal.message)


def _other_model(refusal: Refusal) -> str:
    return hints.other_model(refusal.advice)


def _base_url(refusal: Refusal) -> str:
    return hints.base_url(refusal.advice)


def _is_above_tier(refusal: Refusal) -> bool:
    return tier.find_excess(refusal.message) is not None


def _above_tier(refusal: Refusal) -> str:
    excess = tier.find_excess(refusal.message)
    return tier.sentence(excess, refusal.advice, host=refusal.host) if excess is not None else _told(refusal)


def _is_for_long(refusal: Refusal) -> bool:
    return refusal.retry_after is None or refusal.retry_after > PATIENCE


def _redirect(refusal: Refusal) -> str:
    hint = hints.redirect(refusal.advice, refusal.location)
    return f"{refusal.host} answered HTTP {refusal.status}. {hint}"


_REFUSED: Final = range(400, 500)
_ANY_REFUSAL: Final = range(400, 600)
_NO_MODEL_WORDS: Final = (
    *("decommissioned", "no endpoints found", "not found the model", "model not found", "model_not_found"),
    *("do not have access to it", "is not a valid model", "unable to access model", "invalid model name"),
    *("model does not exist", "does not support tools", "no allowed providers are available"),
)

TABLE: Final = (
    # What the prompt is too long for is sent as the clients read it, without a word more.
    Row(
        status=400,
        kind="invalid_request_error",
        retry=False,
        when=overflow.is_overflow,
        text=overflow.sentence,
    ),
    # The type is the one of a gateway's policy: Claude Code shows the message of it as it is. Any other 400 it would
    # send five times more, with more tools each time, and a 413 it takes for a limit of 32 MB.
    Row(
        status=400,
        kind="policy_blocked",
        retry=False,
        at=frozenset({400, 413, 429, 500}),
        when=_is_above_tier,
        text=_above_tier,
    ),
    Row(status=400, kind="policy_blocked", retry=False, at=frozenset({413}), named=("rate_limit",)),
    Row(
        status=402,
        kind="billing_error",
        retry=False,
        at=_ANY_REFUSAL,
        named=(
            *("exceeded_current_quota", "insufficient_quota", "insufficient_balance", "insufficient_user_quota"),
            *("not_enough_balance", "insufficient_credits", "budget_exceeded", "budgetexceeded", "credit_limit"),
            *("payment_required", "billing_error", "billing_hard_limit"),
        ),
        says=(
            *("insufficient balance", "not enough balance", "insufficient credits", "requires more credits"),
            *("key limit exceeded", "monthly spending limit", "enter a payment method", "budget has been exceeded"),
            *("credit limit exceeded", "exceeded your current quota", "exceeded current quota"),
            *("exceeded your monthly included credits", "credit balance is too low"),
        ),
        hint=_top_up,
    ),
    Row(
        status=529,
        kind="overloaded_error",
        named=(
            *("engine_overloaded", "overloaded_error", "capacity_exceeded", "server_unavailable"),
            *("service_not_available", "serviceunavailable", "service_unavailable"),
        ),
    ),
    Row(
        status=529,
        kind="overloaded_error",
        at=frozenset({429, 500, 502, 503}),
        says=(
            *("model busy", "engine is currently overloaded", "is overloaded", "at capacity", "over capacity"),
            *("temporarily rate-limited upstream", "no available model provider", "is currently loading"),
        ),
    ),
    # Kimi Code.
    Row(
        status=FINAL,
        kind="permission_error",
        retry=False,
        says=("only available for coding agents",),
        hint=lambda refusal: hints.coding_surface(refusal.advice),
    ),
    Row(
        status=FINAL,
        kind="permission_error",
        retry=False,
        at=_REFUSED,
        named=("content_filter", "content_policy"),
        says=("considered high risk", "requires moderation", "flagged by moderation"),
        hint=lambda _: hints.rephrase(),
    ),
    Row(
        status=FINAL,
        kind="authentication_error",
        retry=False,
        named=(
            *("invalid_api_key", "invalid_authentication", "incorrect_api_key", "authentication_error"),
            *("authenticationerror", "token_not_found", "unauthenticated", "unauthorized"),
        ),
        hint=_key,
    ),
    Row(
        status=FINAL,
        kind="authentication_error",
        retry=False,
        at=frozenset({400, 403}),
        says=(
            *(
                "invalid api key",
                "incorrect api key",
                "api key not valid",
                "api key is invalid",
                "api key you provided",
            ),
            *("not authenticated", "unauthorized", "invalid authentication"),
        ),
        hint=_key,
    ),
    Row(status=FINAL, kind="authentication_error", retry=False, at=frozenset({401}), hint=_key),
    Row(
        status=FINAL,
        kind="not_found_error",
        retry=False,
        at=_REFUSED,
        says=("try pulling it first",),
        hint=lambda refusal: hints.pull(refusal.advice),
    ),
    Row(
        status=FINAL,
        kind="not_found_error",
        retry=False,
        named=("model_not_found", "model_decommissioned", "resource_not_found", "model_not_available", "model_terms"),
        hint=_other_model,
    ),
    Row(
        status=FINAL,
        kind="not_found_error",
        retry=False,
        at=frozenset({400, 404, 410}),
        says=_NO_MODEL_WORDS,
        hint=_other_model,
    ),
    # The model wrote what the host could not read; another attempt may succeed.
    Row(status=500, kind="api_error", named=("tool_use_failed", "json_validate_failed", "output_parse_failed")),
    # A day is longer than anybody waits; where the host gives a shorter time, that counts.
    Row(
        status=429,
        kind="rate_limit_error",
        retry=False,
        at=frozenset({429}),
        says=("per day", "per-day", "rpd", "tpd"),
        when=_is_for_long,
        hint=lambda refusal: hints.larger_limit(refusal.advice),
    ),
    # Moonshot, of requests and tokens a minute and of how many requests at a time.
    Row(
        status=429,
        kind="rate_limit_error",
        says=("request reached",),
        hint=lambda refusal: hints.larger_limit(refusal.advice),
    ),
    Row(status=429, kind="rate_limit_error", named=("rate_limit", "ratelimit", "too_many_requests")),
    Row(status=429, kind="rate_limit_error", at=frozenset({429})),
    Row(status=402, kind="billing_error", retry=False, at=frozenset({402}), hint=_top_up),
    Row(status=402, kind="billing_error", retry=False, at=frozenset({412}), says=("suspended",), hint=_top_up),
    Row(status=FINAL, kind="permission_error", retry=False, at=frozenset({403, 451})),
    Row(
        status=FINAL,
        kind="not_found_error",
        retry=False,
        at=frozenset({404, 410}),
        says=("model",),
        hint=_other_model,
    ),
    Row(status=FINAL, kind="not_found_error", retry=False, at=frozenset({404, 405, 410}), hint=_base_url),
    Row(status=504, kind="timeout_error", at=frozenset({408, 504, 524})),
    Row(status=409, kind="conflict_error", at=frozenset({409})),
    Row(status=413, kind="request_too_large", retry=False, at=frozenset({413})),
    Row(status=529, kind="overloaded_error", at=frozenset({498, 503, 529})),
    Row(status=FINAL, kind="api_error", retry=False, at=range(300, 400), text=_redirect),
    Row(status=500, kind="api_error", at=frozenset({425, 499})),
    Row(status=400, kind="invalid_request_error", retry=False, at=_REFUSED),
    Row(status=FINAL, kind="api_error", retry=False, at=frozenset({501}), hint=_base_url),
    Row(status=500, kind="api_error"),
)
"""Every refusal that is known, the special before the general."""
