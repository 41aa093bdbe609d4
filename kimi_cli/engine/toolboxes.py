"""Several toolboxes as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kimi_cli.engine.toolbox import Call, Result, Toolbox


class Toolboxes:
    """Each call is for the first that owns it."""

    def __init__(self, *toolboxes: Toolbox) -> None:
        self._toolboxes = toolboxes

    def owns(self, name: str) -> bool:
        """Whether one of them does."""
        return any(toolbox.owns(name) for toolbox in self._toolboxes)

    def is_shown(self, name: str) -> bool:
        """What the owner says of it."""
        return self._owner(name).is_shown(name)

    async def run(self, call: Call) -> Result:
        """Have the owner carry it out."""
        return await self._owner(call.name).run(call)

    def _owner(self, name: str) -> Toolbox:
        return next(toolbox for toolbox in self._toolboxes if toolbox.owns(name))
