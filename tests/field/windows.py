"""How Windows reads a command line, as far as a launch depends on it.

`argv_of` are the rules of the C runtime, by which every program takes its arguments from the one line that it is given;
`interpreted` is what the command interpreter makes of a line first: variables, then escapes. Both are the documented
behaviour, written down a second time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"%([^%]+)%")
_SPECIAL = frozenset("&|<>()")


def argv_of(line: str) -> list[str]:
    """The arguments in a line: blanks part them, quotation marks keep them together, and backslashes escape those."""
    arguments: list[str] = []
    at, size = 0, len(line)
    while True:
        while at < size and line[at] in " \t":
            at += 1
        if at == size:
            return arguments
        argument, is_quoted = "", False
        while at < size and (is_quoted or line[at] not in " \t"):
            slashes = len(line[at:]) - len(line[at:].lstrip("\\"))
            at += slashes
            if at < size and line[at] == '"':
                argument += "\\" * (slashes // 2)
                if slashes % 2:
                    argument += '"'
                elif is_quoted and line[at + 1 : at + 2] == '"':
                    argument += '"'
                    at += 1
                else:
                    is_quoted = not is_quoted
                at += 1
                continue
            argument += "\\" * slashes
            if at < size and (is_quoted or line[at] not in " \t"):
                argument += line[at]
                at += 1
        arguments.append(argument)


def interpreted(line: str, variables: Mapping[str, str] | None = None) -> str:
    """A line after the command interpreter's reading; `variables` are put in where the line was typed.

    A line of a script gets its arguments put in, and their variables stay as they are. What would end the command, or
    send its output elsewhere, is an error.
    """
    if variables is not None:
        known = {name.lower(): value for name, value in variables.items()}
        line = _VARIABLE.sub(lambda found: known.get(found[1].lower(), found[0]), line)
    read, is_quoted, at = "", False, 0
    while at < len(line):
        character = line[at]
        if character == "^" and not is_quoted:
            at += 1
            read += line[at : at + 1]
        elif character == '"':
            is_quoted = not is_quoted
            read += character
        elif character in _SPECIAL and not is_quoted:
            raise AssertionError(f"{character} means something to the interpreter in {line!r}")
        else:
            read += character
        at += 1
    return read
