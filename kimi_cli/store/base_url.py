"""Judges the base URLs that users type or paste, and brings them to the one form that we append paths to."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from kimi_cli.errors import BaseUrlError
from kimi_cli.providers.provider import Format

_LIMIT: Final = 2048
"""Characters; what browsers and proxies take at least."""
_ENDPOINTS: Final = {
    Format.OPENAI: ("/chat/completions",),
    Format.ANTHROPIC: ("/v1/messages", "/messages", "/v1"),
}
"""What is appended to a base URL of each format, so people paste it too. An Anthropic base stands before `/v1`."""


def clean_base_url(text: str, *, format: Format = Format.OPENAI) -> str:  # noqa: A002 - the word that users know
    """The base URL that `text` means: no trailing slash, no endpoint's path, scheme and host in lower case.

    Raises:
        BaseUrlError: it is not an http(s) URL, names no host, carries a user name, a query or a fragment, or would
            send keys unencrypted to another machine. Its text repeats no password and no query.
    """
    text = text.strip()
    if len(text) > _LIMIT:
        raise BaseUrlError(text[:60] + "...", reason=f"it is longer than {_LIMIT} characters")
    if "://" not in text:
        raise BaseUrlError(_shown(text), reason="it has no scheme; write it as https://HOST/PATH")
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in text):
        raise BaseUrlError(_shown(text), reason="it holds spaces, backslashes or control characters")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BaseUrlError(_shown(text), reason="it is not a URL") from error
    reason = _fault(parts, host=host)
    if reason or host is None:
        raise BaseUrlError(_shown(text), reason=reason or "it names no host")
    place = f"[{host}]" if ":" in host else host
    netloc = place if port is None else f"{place}:{port}"
    return urlunsplit((parts.scheme, netloc, _path(parts.path, format=format), "", ""))


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine, whatever a name server says."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _fault(parts: SplitResult, *, host: str | None) -> str | None:
    if parts.scheme not in {"http", "https"}:
        return "only https:// URLs are used, and http:// ones on this machine"
    if not host:
        return "it names no host"
    if parts.username is not None or parts.password is not None:
        return "it carries a user name or password; store the key with kimi set-key instead"
    if parts.query or parts.fragment:
        return "it has a query or a fragment, which paths cannot be appended to"
    if parts.scheme == "http" and not is_loopback(host):
        return "http:// would send the key unencrypted; use https://, or http:// to 127.0.0.1 or localhost"
    return None


def _path(path: str, *, format: Format) -> str:  # noqa: A002 - the word that users know
    path = path.rstrip("/")
    while path.endswith(_ENDPOINTS[format]):
        for endpoint in _ENDPOINTS[format]:
            path = path.removesuffix(endpoint).rstrip("/")
    return path


def _shown(text: str) -> str:
    """The URL as an error may show it: what could hold a secret is left out."""
    before, separator, after = text.partition("://")
    if not separator:
        before, after = "", text
    authority, slash, rest = after.partition("/")
    user, at, host = authority.rpartition("@")
    del user
    return before + separator + ("***@" if at else "") + host + slash + rest.partition("?")[0].partition("#")[0]
