"""How the help texts look: without the types that the library prints beside every switch and argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperArgument, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Iterable


class Group(TyperGroup):
    """All commands, each with a help text that says what to type and not what it is converted to."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - the library's own types have no public name
        """The options of the group itself."""
        params: list[Any] = super().get_params(ctx)
        _without_types(params)
        return params

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - see above
        """One of the commands."""
        command: Any = super().get_command(ctx, cmd_name)
        if command is not None:
            _without_types(command.get_params(ctx))
        return command


def _without_types(params: Iterable[Any]) -> None:
    for param in params:
        if isinstance(param, TyperArgument):  # its name is what is typed, and `<str>` tells nobody more
            vars(param)["display_type_rich"] = _nothing
        elif getattr(param, "is_flag", False):
            param.metavar = ""


def _nothing(**_: Any) -> None:  # noqa: ANN401 - see above
    """No type to show."""
