"""What a host said when it refused: its answer read, whatever its form, and cleaned of what is nobody's business."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import NotJsonError, dumps_text, loads
from kimi_cli.wire.foreign import a_number, a_string, an_object

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGE_LIMIT: Final = 2000
"""Characters of a host's message that are passed on: enough for any sentence, too few for a web page."""

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


def from_response(
    *, host: str, status: int, headers: Mapping[str, str], body: bytes, window: int, estimate: int
) -> Refusal:
    """Read an HTTP answer. `headers` must answer lower-case names."""
    kind, code, message, is_recognised = _read_body(body)
    retry_after = _retry_after(headers, message)
    return Refusal(host, status, kind, code, message, retry_after, window, estimate, is_recognised)


def from_stream(*, host: str, error: object, window: int, estimate: int) -> Refusal:
    """Read an error that came inside a stream, with or without a status of its own."""
    kind, code, message, is_recognised = _read_error(error)
    fields = an_object(error)
    status = _status(fields.get("status_code")) or _status(fields.get("code")) or _STATUSES.get(kind, 500)
    return Refusal(host, status, kind, code, message, _retry_after({}, message), window, estimate, is_recognised)


def redact(text: str) -> str:
    """The text without organisation ids and keys."""
    return _KEY.sub("[redacted]", _ORGANISATION.sub("", text))


_KEY: Final = re.compile(r"\b(?:gsk_|sk-|fw_|nvapi-|hf_)[A-Za-z0-9_\-*.]{6,}|\bBearer\s+\S+")
_ORGANISATION: Final = re.compile(
    r"\s*\b(?:in|for)?\s*organization\s+[`'\"]?org[_-][A-Za-z0-9]+[`'\"]?"
    r"|\s*\borg[_-](?=[A-Za-z]*\d)[A-Za-z0-9]{6,}(?:\s*<ak-[^>]*>)?",
    re.IGNORECASE,
)
_TAG: Final = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_SPACE: Final = re.compile(r"\s+")
_TRY_AGAIN: Final = re.compile(r"try again (?:in|after) ", re.IGNORECASE)
_DURATION: Final = re.compile(
    r"(?:(\d{1,6})\s*h(?:ours?)?\s*)?(?:(\d{1,6})\s*m(?:in(?:ute)?s?)?(?![a-z])\s*)?"
    r"(?:(\d{1,6}(?:\.\d{1,9})?)\s*(ms|s)(?:econds?)?)?",
    re.IGNORECASE,
)


def _read_body(body: bytes) -> tuple[str, str, str, bool]:
    """Type, code, message and whether the body was an error of a known form."""
    try:
        value = loads(body)
    except NotJsonError:
        return "", "", _one_line(_TAG.sub(" ", body.decode("utf-8", "replace"))), False
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict) and "error" in value:
        return _read_error(value["error"])
    return _read_error(value)


def _read_error(error: object) -> tuple[str, str, str, bool]:
    while isinstance(nested := an_object(error).get("error"), dict):
        error = nested
    if isinstance(error, str):
        return "", "", _one_line(error), True
    fields = an_object(error)
    message = fields.get("message") or fields.get("detail") or fields.get("error") or ""
    text = message if isinstance(message, str) else _as_text(message)
    code = fields.get("code")
    return a_string(fields.get("type")), a_string(code) or _as_text(code), _one_line(text), bool(text)


def _as_text(value: object) -> str:
    """What stands where a sentence should, in a form that can be shown."""
    try:
        return "" if value is None else dumps_text(value)
    except RecursionError:
        return ""


def _one_line(text: str) -> str:
    line = redact(_SPACE.sub(" ", text).strip())
    return line if len(line) <= MESSAGE_LIMIT else line[: MESSAGE_LIMIT - 1] + "…"


def _status(value: object) -> int | None:
    """An HTTP status of an error, as a number or in digits."""
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[1-5]\d\d", value) else a_number(value)
    return int(number) if number is not None and 100 <= number < 600 else None


def _retry_after(headers: Mapping[str, str], message: str) -> float | None:
    """Seconds to wait: `retry-after-ms`, `retry-after` in any of its forms, or the host's own sentence."""
    wait = headers.get("retry-after", "")
    for text, scale in ((headers.get("retry-after-ms", ""), 0.001), (wait, 1.0)):
        try:
            seconds = float(text) * scale
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    if (found := _DURATION.fullmatch(wait)) and any(found.groups()):
        return _seconds(found)
    try:
        # A date counts from the date of the answer itself, so that no clock but the host's is needed.
        return max(0.0, (parsedate_to_datetime(wait) - parsedate_to_datetime(headers.get("date", ""))).total_seconds())
    except (ValueError, TypeError, OverflowError):
        pass
    start = _TRY_AGAIN.search(message)
    found = _DURATION.match(message, start.end()) if start else None
    return _seconds(found) if found and any(found.groups()) else None


def _seconds(duration: re.Match[str]) -> float:
    hours, minutes, amount, unit = duration.groups()
    seconds = float(amount) * (0.001 if unit.lower() == "ms" else 1.0) if amount else 0.0
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds
