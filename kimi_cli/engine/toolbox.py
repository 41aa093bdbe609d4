"""What the loop asks of tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimi_cli.wire.foreign import JsonObject


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the model made. `input` is what it gave, an object, checked against nothing."""

    id: str
    name: str
    input: JsonObject


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call: `content` in the form of a tool_result's, for the model to read.

    `shown` is the block that tells the client of it, where it is told: for a search the `web_search_tool_result`.
    `searches` is how many web searches it took.
    """

    content: str | Sequence[JsonObject]
    is_error: bool = False
    shown: JsonObject | None = None
    searches: int = 0


def shown_id(call_id: str) -> str:
    """The id under which the client sees a call that is carried out here; Anthropic's form of it is checked by SDKs."""
    return f"srvtoolu_{call_id.removeprefix('toolu_')}"


class Toolbox(Protocol):
    """The tools that are carried out on this side."""

    def owns(self, name: str) -> bool:
        """Whether a call of that name is carried out here; any other is the client's."""

    def is_shown(self, name: str) -> bool:
        """Whether the client sees calls of that name and their results, as `server_tool_use` and a result block."""

    async def run(self, call: Call) -> Result:
        """Carry it out, within limits of its own. A failure is a result that says so; only bugs are raised.

        Where it is cancelled, nothing that it has started goes on.
        """
