"""WebFetch: public pages alone, whoever names them and wherever they lead."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urljoin, urlsplit

from kimi_cli.tools.failure import ToolError
from kimi_cli.tools.page import to_text
from kimi_cli.tools.text import OUTPUT_LIMIT, capped, encoding_of
from kimi_cli.wire.foreign import a_string

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

REDIRECTS: Final = 5
PAGE_BYTES: Final = 4 * 1024 * 1024
_ADDRESS_LENGTH: Final = 2_000
_REDIRECTED: Final = frozenset((301, 302, 303, 307, 308))
_FAILED: Final = 400
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
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
    """Asks for one address. Whoever it connects to is a public address, which is for it to see to."""

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
            return _told(url, reply, question=a_string(given.get("prompt")))
        try:
            url = urljoin(url, reply.location)
        except ValueError as error:
            raise ToolError(f"{url} leads to what is no address.") from error
    raise ToolError(f"{url} was reached over more than {REDIRECTS} redirects.")


def checked(url: str) -> str:
    """An address that may be asked for, without its fragment.

    Raises:
        ToolError: it is none, or names this machine or its network.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ToolError(f"{url[:200]!r} is not an address.") from error
    if parts.scheme not in {"http", "https"} or not host or len(url) > _ADDRESS_LENGTH or not url.isprintable():
        raise ToolError(f"{url[:200]!r} is not an address that begins with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise ToolError("An address with a user name or a password in it is not asked for.")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if "." not in host.strip("."):
            raise ToolError(f"{host} is not a public host.") from None
    else:
        if not is_public(str(address)):
            raise ToolError(f"{host} is not a public address.")
    return parts._replace(fragment="").geturl()


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


def _told(url: str, reply: Reply, *, question: str) -> str:
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
    lines = [url, *([f"What is wanted of this page: {question}"] if question else [])]
    lines += ["", capped(text.strip() or "(the page has no text)", limit=OUTPUT_LIMIT - len(question))]
    return "\n".join([*lines, *(["", "[the page goes on]"] if reply.is_cut else [])])
