"""What is known of a request beside the host's words: enough to name the command that helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from kimi_cli.providers.model import Model
    from kimi_cli.providers.route import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Facts for hints. Whatever is empty is not known, and no hint is made from it.

    `provider` is the id that commands take. `model` is what the host was asked for, `successor` what the catalogue
    names in its place.
    """

    provider: str = ""
    model: str = ""
    successor: str = ""
    base_url: str = ""

    @classmethod
    def of(cls, route: Route, model: Model) -> Self:
        """What is known of a request for `model` on `route`."""
        return cls(provider=route.provider, model=model.id, successor=model.successor or "", base_url=route.base_url)


NO_ADVICE: Final = Advice()
