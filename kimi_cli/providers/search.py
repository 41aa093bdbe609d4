"""Search engines: which there are, and what a session is told of the one that searches for it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from kimi_cli.providers.provider import Format, Provider
from kimi_cli.record import Record, field

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYLESS: Final = "keyless"
SEARXNG: Final = "searxng"
BRAVE: Final = "brave"
TAVILY: Final = "tavily"
KIMI: Final = "kimi-search"
OFF: Final = "off"
ENGINES: Final = (KEYLESS, SEARXNG, BRAVE, TAVILY, KIMI, OFF)

SERVICES: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        BRAVE: Provider(
            id=BRAVE,
            name="Brave Search",
            format=Format.OPENAI,
            base_url="",
            models_url="",
            key_variables=("BRAVE_API_KEY",),
            keys_url="https://api-dashboard.search.brave.com/app/keys",
        ),
        TAVILY: Provider(
            id=TAVILY,
            name="Tavily",
            format=Format.OPENAI,
            base_url="",
            models_url="",
            key_variables=("TAVILY_API_KEY",),
            key_prefixes=("tvly-",),
            keys_url="https://app.tavily.com/home",
        ),
        KIMI: Provider(
            id=KIMI,
            name="Kimi Search",
            format=Format.OPENAI,
            base_url="",
            models_url="",
            # The second one is where the key of a provider called kimi-code is looked for: it is the same key.
            key_variables=("KIMI_SEARCH_API_KEY", "KIMI_CODE_API_KEY"),
            key_prefixes=("sk-kimi-",),
            keys_url="https://www.kimi.com/code/console",
        ),
    }
)
"""Those that want a key, as far as keys are concerned; nobody launches on them."""


class SearchChoice(Record):
    """Which engine searches. `base_url` is needed for SearXNG, `key` for those of `SERVICES`."""

    engine: str = KEYLESS
    base_url: str = ""
    key: str = field(default="", shown=False)

    def to_json(self) -> dict[str, Any]:
        """The wire form of the control API, with the key."""
        return {"engine": self.engine, "base_url": self.base_url, "key": self.key}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The reverse.

        Raises:
            KeyError, ValueError: it is none.
        """
        if data["engine"] not in ENGINES:
            raise ValueError(f"unknown search engine {data['engine']!r}")
        return cls(str(data["engine"]), str(data.get("base_url", "")), str(data.get("key", "")))
