"""What a host said when it refused: its answer read, whatever its form, and cleaned of what is nobody's business."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from kimi_cli.wire.failures.advice import NO_ADVICE, Advice
from kimi_cli.wire.failures.forms import MESSAGE_LIMIT, Said, read_body, read_error
from kimi_cli.wire.failures.redaction import redact
from kimi_cli.wire.failures.waiting import seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MESSAGE_LIMIT", "Advice", "Refusal", "from_response", "from_stream", "redact"]

_STATUSES: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""What an error inside a stream would have had for a status, by its type."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A host's refusal, read: its status, its words, and what is known about the request that it refused."""

    host: str
    status: int
    kind: str
    code: str
    message: str
    retry_after: float | None
    window: int
    """The model's context window in tokens."""
    estimate: int
    """Our estimate of the prompt, in tokens."""
    is_recognised: bool = True
    """Whether the body had an error in a form that a host of this kind sends."""
    failed_generation: str = field(default="", repr=False)
    """What the model had written when the host could not read its call."""
    names: tuple[str, ...] = ()
    """Types and codes of every layer, where a gateway has wrapped its host's error in its own."""
    by: str = ""
    """The host behind the gateway, where it is named."""
    location: str = ""
    """Where a redirect leads."""
    advice: Advice = NO_ADVICE

    def is_named(self, *words: str) -> bool:
        """Whether a type or a code has one of these in it. A message may mention them in passing."""
        names = "\n".join((self.kind, self.code, *self.names)).lower()
        return any(word in names for word in words)

    def says(self, *words: str) -> bool:
        """Whether the message has one of these in it."""
        message = self.message.lower()
        return any(word in message for word in words)

    def mentions(self, *words: str) -> bool:
        """Whether anything in it has one of these."""
        return self.is_named(*words) or self.says(*words)


def from_response(
    *,
    host: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    window: int,
    estimate: int,
    advice: Advice = NO_ADVICE,
) -> Refusal:
    """Read an HTTP answer. `headers` must answer lower-case names."""
    said = read_body(body)
    request = _Request(host, window, estimate, advice)
    return _refusal(said, request, status=status, headers=headers)


def from_stream(*, host: str, error: object, window: int, estimate: int, advice: Advice = NO_ADVICE) -> Refusal:
    """Read an error that came inside a stream, with or without a status of its own."""
    said = read_error(error)
    status = said.status or _STATUSES.get(said.kind, 500)
    return _refusal(said, _Request(host, window, estimate, advice), status=status, headers={})


class _Request(NamedTuple):
    host: str
    window: int
    estimate: int
    advice: Advice


def _refusal(said: Said, request: _Request, *, status: int, headers: Mapping[str, str]) -> Refusal:
    return Refusal(
        host=request.host,
        status=status,
        kind=said.kind,
        code=said.code,
        message=said.message,
        retry_after=seconds_to_wait(headers, said.message),
        window=request.window,
        estimate=request.estimate,
        is_recognised=said.is_recognised,
        failed_generation=said.generation,
        names=tuple(said.names),
        by=said.by,
        location=headers.get("location", ""),
        advice=request.advice,
    )
