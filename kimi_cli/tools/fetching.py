"""WebFetch: public pages alone, whoever names them and wherever they lead."""

from __future__ import annotations

import ipaddress
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urljoin, urlsplit

from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.page import to_text
from kimi_cli.tools.text import OUTPUT_LIMIT, encoding_of
from kimi_cli.wire.foreign import a_string, an_int

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

REDIRECTS: Final = 5
PAGE_BYTES: Final = 4 * 1024 * 1024
_ADDRESS_LENGTH: Final = 2_000
_QUESTION: Final = 2_000
"""Characters of it that are repeated."""
_REDIRECTED: Final = frozenset((301, 302, 303, 307, 308))
_FAILED: Final = 400
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
_DOTS: Final = dict.fromkeys(map(ord, "\u3002\uff0e\uff61"), ".")
_PRIVATE: Final = (".localhost", ".local", ".internal", ".home.arpa", ".intranet", ".private", ".corp", ".home", ".lan")
"""What names end in that are reserved for networks of one's own, or that such networks are known to use."""
_TEXTS: Final = ("text/", "application/json", "application/xml", "application/javascript", "application/x-yaml")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered: `location` where it sends one on, `type` is the content's, without parameters."""

    status: int
    body: bytes = b""
    type: str = ""
    charset: str = ""
    location: str = ""
    is_cut: bool = False


class Fetch(Protocol):
    """Asks for one address. What it connects to is public, or the user's own web proxy; that is for it to see to."""

    async def __call__(self, url: str, *, limit: int) -> Reply:
        """The answer, of whose body no more than `limit` bytes are read; no redirect is followed.

        Raises:
            ToolError: there is none.
        """


async def web_fetch(given: JsonObject, *, fetch: Fetch) -> str:
    """A page as text. The question about it is the model's own to answer, and stands before it."""
    url = a_string(given.get("url")).strip()
    for _ in range(REDIRECTS + 1):
        url = checked(url)
        reply = await fetch(url, limit=PAGE_BYTES)
        if reply.status not in _REDIRECTED or not reply.location:
            offset = max(0, an_int(given.get("offset")) or 0)
            return _told(url, reply, question=a_string(given.get("prompt")), offset=offset)
        try:
            url = urljoin(url, reply.location)
        except ValueError as error:
            raise ToolError(f"{url} leads to what is no address.") from error
    raise ToolError(f"{url} was reached over more than {REDIRECTS} redirects.")


def checked(url: str) -> str:
    """An address that may be asked for, as it is connected to: without its fragment, its host in one way of writing.

    Raises:
        ToolError: it is none, or names this machine or its network.
    """
    try:
        parts = urlsplit(url)
        host, port = _canonical(parts.hostname or ""), parts.port
    except ValueError as error:
        raise ToolError(f"{url[:200]!r} is not an address.") from error
    if parts.scheme not in {"http", "https"} or not host or len(url) > _ADDRESS_LENGTH or not url.isprintable():
        raise ToolError(f"{url[:200]!r} is not an address that begins with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise ToolError("An address with a user name or a password in it is not asked for.")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if not _is_public_name(host):
            raise ToolError(f"{host} is not a public host.") from None
    else:
        if not is_public(str(address)):
            raise ToolError(f"{host} is not a public address.")
    place = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=place if port is None else f"{place}:{port}", fragment="").geturl()


def _canonical(host: str) -> str:
    """A host as clients write it before they look it up: in other scripts, too, digits are digits and dots are dots."""
    return unicodedata.normalize("NFKC", host).translate(_DOTS).lower()


def _is_public_name(host: str) -> bool:
    """Whether a name may be one of the public internet. What begins with a digit at its end is an address to some."""
    name = host.strip(".")
    last = name.rpartition(".")[2]
    return "." in name and "%" not in name and not last[:1].isdigit() and not name.endswith(_PRIVATE)


def is_public(address: str) -> bool:
    """Whether an address, as numbers, is one of the public internet; those that hold another one by that."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if found in _TRANSLATED:
            inner.append(ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF))
        if any(one is not None and not is_public(str(one)) for one in inner):
            return False
    return found.is_global and not found.is_multicast


def _told(url: str, reply: Reply, *, question: str, offset: int) -> str:
    if reply.status >= _FAILED:
        raise ToolError(f"{url} answered with HTTP status {reply.status}.")
    encoding = encoding_of(reply.body[:8_192])
    is_text = not reply.type or reply.type.startswith(_TEXTS) or reply.type.endswith(("+xml", "+json"))
    if encoding is None or not is_text:
        raise ToolError(f"{url} is no text but {reply.type or 'binary data'} of {len(reply.body):,} bytes.")
    try:
        text = reply.body.decode(reply.charset or encoding, "replace")
    except LookupError:
        text = reply.body.decode(encoding, "replace")
    if "html" in reply.type or text[:200].lstrip().lower().startswith(("<!doctype html", "<html")):
        text = to_text(text, base=url)
    text = text.strip() or "(the page has no text)"
    if offset >= len(text):
        raise ToolError(f"{url} has {len(text):,} characters, and none from {offset:,} on.")
    lines = [url, *([f"What is wanted of this page: {question[:_QUESTION]}"] if question else []), ""]
    end = offset + OUTPUT_LIMIT - sum(map(len, lines))
    lines.append(text[offset:end])
    if end < len(text):
        lines += ["", f"[the page goes on; read on with offset {end}]"]
    elif reply.is_cut:
        lines += ["", "[the page goes on, and is too long to be read as a whole]"]
    return "\n".join(lines)
