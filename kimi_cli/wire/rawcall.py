"""A tool call that was written in a text, in whatever form."""

from __future__ import annotations

from typing import NamedTuple


class RawCall(NamedTuple):
    """A call: the name of its tool, and its arguments as they were written."""

    name: str
    arguments: str
