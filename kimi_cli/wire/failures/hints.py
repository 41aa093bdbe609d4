"""One more sentence behind the host's own: the command or the step that helps, where one is known."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.wire.failures.redaction import redact
from kimi_cli.wire.failures.waiting import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.wire.failures.advice import Advice

_BILLING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "moonshot": "https://platform.kimi.ai/console/pay",
        "moonshot-cn": "https://platform.kimi.com/console/pay",
        "openrouter": "https://openrouter.ai/settings/credits",
        "fireworks": "https://app.fireworks.ai/account/billing",
        "together": "https://api.together.ai/settings/billing",
        "deepinfra": "https://deepinfra.com/dash/billing",
        "baseten": "https://app.baseten.co/settings/billing",
        "novita": "https://novita.ai/billing",
        "groq": "https://console.groq.com/settings/billing",
    }
)
"""Where an account is topped up, or put on a larger tier, by provider."""
_CODING_URL: Final = "https://api.kimi.com/coding"
_ENDPOINTS: Final = ("/chat/completions", "/v1/messages")
_URL_LIMIT: Final = 200
"""Characters of an address that are shown. A longer one is a way through somebody's login."""


def key(advice: Advice) -> str:
    """Another key is needed."""
    if not advice.provider:
        return ""
    known = PROVIDERS.get(advice.provider)
    source = f", from {known.keys_url}," if known is not None and known.keys_url else ""
    return f"Store another key{source} with: kimi set-key {advice.provider}"


def billing_url(advice: Advice) -> str:
    """Where the account is paid for, or nothing."""
    return _BILLING.get(advice.provider, "")


def top_up(advice: Advice, *, said: str) -> str:
    """The account is empty; `said` is what the host has said already."""
    url = billing_url(advice)
    if "http" in said or "openrouter.ai" in said:
        return ""  # the host says where
    return f"Top up at {url} and ask again." if url else "Top up there, or change to another host: kimi provider NAME"


def larger_limit(advice: Advice) -> str:
    """The account may do little at a time."""
    url = billing_url(advice)
    return f"A larger tier allows more: {url}" if url else ""


def other_model(advice: Advice) -> str:
    """The host does not serve the model: what it serves instead, as far as is known."""
    if not advice.provider:
        return ""
    if advice.successor:
        name = advice.successor
        return f"{name} is its successor; change to it with: kimi model {name} --provider {advice.provider}"
    return f"See what it serves with: kimi models --provider {advice.provider}"


def pull(advice: Advice) -> str:
    """Ollama has the model not yet."""
    return f"Fetch it with: ollama pull {advice.model}" if advice.model else ""


def base_url(advice: Advice) -> str:
    """There may be something else at the address."""
    if not advice.base_url:
        return "Is its base URL right?"
    how = f" To change it: kimi provider {advice.provider} --base-url URL" if advice.provider else ""
    return f"Is {advice.base_url} the right base URL?{how}"


def redirect(advice: Advice, location: str) -> str:
    """The host sends to another address, which nobody follows with a key in hand."""
    where = _address(location, base=advice.base_url)
    if not where:
        return base_url(advice)
    text = f"It redirects to {where}, which is not followed, for the key would go along. "
    base = next((where.removesuffix(end) for end in _ENDPOINTS if where.endswith(end)), "")
    if base and advice.provider and base != advice.base_url:
        return f"{text}If that is its address now: kimi provider {advice.provider} --base-url {base}"
    return text + base_url(advice)


def coding_surface(advice: Advice) -> str:
    """Kimi Code serves other programs than its own on its Anthropic-format address alone."""
    if advice.base_url.rstrip("/") == _CODING_URL:
        return ""
    name = advice.provider if advice.provider and advice.provider not in PROVIDERS else "kimi-code"
    return (
        "Its Anthropic-format address takes such keys: "
        f"kimi provider add {name} --format anthropic --base-url {_CODING_URL} --model {advice.model or 'ID'}"
    )


def rephrase() -> str:
    """The host objects to something in the conversation."""
    return "What it objects to stays in the conversation until it is taken back with /rewind, or until /clear."


def later(seconds: float, *, said: str) -> str:
    """The host wants to be left alone for longer than anybody waits; `said` is what it has said already."""
    return "" if "try again" in said.lower() else f"It takes requests again in {in_words(seconds)}."


def _address(location: str, *, base: str) -> str:
    """A redirect's URL without what may be secret in it, or nothing where it is none."""
    try:
        parts = urlsplit(urljoin(f"{base.rstrip('/')}/", location))
        name, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if not location or parts.scheme not in {"http", "https"} or not name:
        return ""
    authority = f"[{name}]" if ":" in name else name
    text = redact(f"{parts.scheme}://{authority}{f':{port}' if port else ''}{parts.path}")
    return text if len(text) <= _URL_LIMIT else text[: _URL_LIMIT - 1] + "…"
