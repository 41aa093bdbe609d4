"""Why a call failed."""

from __future__ import annotations


class ToolError(Exception):
    """The call failed; `str` is what the model is told."""


class OutsideError(ToolError):
    """Something outside of the session's directory was named."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is outside of the working directory, where no tool of this session may go.")
