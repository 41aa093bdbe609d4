"""What is nobody's business: organisations, projects and keys, as hosts put them into their sentences."""

from __future__ import annotations

import re
from typing import Final


def redact(text: str) -> str:
    """The text without organisation ids, project ids and keys."""
    return _KEY.sub(_without_value, _ACCOUNT.sub("", text))


_REDACTED: Final = "[redacted]"
_ID: Final = (
    # An id has a digit among its letters, or is long: `org-chart` is a word.
    r"(?:(?:org|proj)[_-](?:(?=[A-Za-z]*\d)[A-Za-z0-9]{6,}|[A-Za-z0-9]{16,})"
    r"|(?:user|team|acct|ak)[_-](?=[A-Za-z]*\d)[A-Za-z0-9]{12,})"
)
_ACCOUNT: Final = re.compile(
    # In a sentence: "in organization `org_01h...`", "organization <org-...>", "project proj-...".
    r"\s?\b(?:(?:in|for|of)\s)?(?:organi[sz]ation|project)\s[`'\"<(]{0,2}(?:org|proj)[_-][A-Za-z0-9]+[`'\">)]{0,2}"
    # On its own, maybe behind another one.
    rf"|\s?(?:/\s?)?[`'\"<(]{{0,2}}\b{_ID}[`'\">)]{{0,2}}"
    # The access key that Moonshot puts behind it.
    r"|\s?<(?:ak|org|proj)-[^>]{0,200}>",
    re.IGNORECASE,
)
_KEY: Final = re.compile(
    r"\b(?:gsk_|sk-|sk_|fw_|fpk_|nvapi-|hf_|xai-|tgp_|r8_|AIza)[A-Za-z0-9_\-*.]{6,}"
    r"|\b(?i:bearer)\s+\S+"
    r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"
    # The value of what is called a key.
    r"|(?P<name>(?i:key)['\"`]?\s*[:=]\s*)[`'\"]?(?=\S{0,64}\d)[^\s`'\",;]{12,}"
    # Many hosts' keys, and digests of keys, are long rows of letters and digits without any mark.
    r"|(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{32,}(?![A-Za-z0-9])"
)


def _without_value(found: re.Match[str]) -> str:
    return (found["name"] or "") + _REDACTED
