"""What is searched for, what is found, and which domains count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RESULTS: Final = 10
"""As many as Anthropic's own search gives."""
SITES_IN_QUERY: Final = 5
"""Domains that are written into a query; longer ones are refused by engines. The results are filtered in any case."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One page. `age` is when it was written or last changed, in whatever words the engine has for it."""

    url: str
    title: str
    snippet: str = ""
    age: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A search. Domains are as clients give them: `example.com`, with its subdomains, or `example.com/docs`."""

    text: str
    allowed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()

    @property
    def with_sites(self) -> str:
        """The text with the domains in the words that most engines know."""
        if self.allowed and len(self.allowed) <= SITES_IN_QUERY:
            return f"{self.text} {' OR '.join(f'site:{domain}' for domain in self.allowed)}"
        excluded = self.blocked if len(self.blocked) <= SITES_IN_QUERY else ()
        return " ".join((self.text, *(f"-site:{domain}" for domain in excluded)))

    def fitting(self, hits: Iterable[Hit]) -> list[Hit]:
        """Those of the hits whose domains count, each page once."""
        found: dict[str, Hit] = {}
        for hit in hits:
            if hit.url.startswith(("http://", "https://")) and hit.url not in found and self._counts(hit.url):
                found[hit.url] = hit
        return list(found.values())[:RESULTS]

    def _counts(self, url: str) -> bool:
        if self.allowed and not any(is_within(url, domain) for domain in self.allowed):
            return False
        return not any(is_within(url, domain) for domain in self.blocked)


def is_within(url: str, domain: str) -> bool:
    """Whether a page belongs to a domain, or to one below it, and to its path where it has one."""
    parts = urlsplit(url)
    host, _, path = domain.strip().lower().removeprefix("https://").removeprefix("http://").partition("/")
    own = (parts.hostname or "").rstrip(".")
    host = host.removeprefix("*.").rstrip(".")
    if not host or (own != host and not own.endswith(f".{host}")):
        return False
    start = f"/{path.rstrip('*').rstrip('/')}" if path.strip("*/") else ""
    return parts.path.lower() == start or parts.path.lower().startswith(f"{start}/") or not start


@dataclass(frozen=True, slots=True)
class WebRequest:
    """What an engine wants fetched; with `json` it is a POST, else a GET."""

    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    json: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class WebReply:
    """What came of it."""

    status: int
    body: bytes


class Fetch(Protocol):
    """Whoever fetches."""

    async def __call__(self, request: WebRequest) -> WebReply:
        """The answer, whatever its status.

        Raises:
            SearchError: there is none.
        """


class Engine(Protocol):
    """A search engine."""

    name: str

    async def search(self, query: Query) -> list[Hit]:
        """The pages that it finds, the best first; none is an answer, too.

        Raises:
            SearchError: it did not search.
        """
