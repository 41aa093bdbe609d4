"""TodoWrite: a list for the model to go by; the session keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.tools.failure import ToolError
from kimi_cli.wire.foreign import a_string, objects

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

STATUSES: Final = ("pending", "in_progress", "completed")
LENGTH: Final = 200
_TEXT: Final = 1_000
_DONE: Final = (
    "Todos have been modified successfully. Ensure that you continue to use the todo list to track your progress. "
    "Please proceed with the current tasks if applicable"
)


@dataclass(frozen=True, slots=True)
class Todo:
    """One entry."""

    content: str
    status: str


class Todos:
    """The list of a session."""

    def __init__(self) -> None:
        self.entries: tuple[Todo, ...] = ()

    def write(self, given: JsonObject) -> str:
        """Put a new list in the old one's place.

        Raises:
            ToolError: it is none.
        """
        entries = given.get("todos")
        if not isinstance(entries, list) or len(objects(entries)) != len(entries) or len(entries) > LENGTH:
            raise ToolError(f"todos must be a list of at most {LENGTH} entries.")
        found = [Todo(a_string(one.get("content"))[:_TEXT], a_string(one.get("status"))) for one in objects(entries)]
        if any(not one.content or one.status not in STATUSES for one in found):
            raise ToolError(f"Each entry needs content, and a status that is one of {', '.join(STATUSES)}.")
        self.entries = tuple(found)
        left = [f"- [{one.status}] {one.content}" for one in found if one.status != "completed"]
        return "\n".join([_DONE, *(["", "Left to do:", *left] if left else [])])
