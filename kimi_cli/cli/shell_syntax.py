"""Environment variables set and unset in the words of each shell.

Every function gives whole statements, without what separates them. Whatever a value is, the shell takes it as it is.
"""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Shell(StrEnum):
    """The shells that we can write for."""

    SH = "sh"
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


class ShellUnknownError(UsageError):
    """A shell whose words we do not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is a shell that kimi does not write for.", fix="kimi env --json")
        self.name = name


USUAL: Final = Shell.POWERSHELL if sys.platform == "win32" else Shell.SH
"""Where it cannot be told which shell it is."""
_NAMES: Final = {
    **{shell.value: shell for shell in Shell},
    **dict.fromkeys(("dash", "ash", "busybox", "ksh", "ksh93", "mksh", "oksh", "yash"), Shell.SH),
    "rbash": Shell.BASH,
    **dict.fromkeys(("rzsh", "zsh5"), Shell.ZSH),
    **dict.fromkeys(("pwsh", "pwsh-preview", "powershell_ise"), Shell.POWERSHELL),
}
_OTHERS: Final = frozenset({"csh", "tcsh", "nu", "elvish", "ion", "rc", "es", "cmd"})
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:-]+")
_NOT_PRINTABLE_ASCII: Final = re.compile(r"[^ -~]")


def shell_of(program: str) -> Shell:
    """The words for a program: a shell's own, and the usual ones for whatever else reads them.

    Raises:
        ShellUnknownError: it is a shell, and not one of ours.
    """
    if program in _OTHERS:
        raise ShellUnknownError(program)
    return _NAMES.get(program, USUAL)


def quote(shell: Shell, value: str) -> str:
    """A value as the shell takes it for exactly that."""
    if shell is Shell.POWERSHELL:
        return _quote_for_powershell(value)
    if _PLAIN.fullmatch(value):
        return value
    if shell is Shell.FISH:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + value.replace("'", "'\"'\"'") + "'"


def set_variable(shell: Shell, name: str, value: str) -> str:
    """Sets a variable, for the shell and for what it starts."""
    match shell:
        case Shell.FISH:
            return f"set -gx {name} {quote(shell, value)}"
        case Shell.POWERSHELL:
            return f"$env:{name} = {quote(shell, value)}"
        case _:
            return f"export {name}={quote(shell, value)}"


def set_from_file(shell: Shell, name: str, path: Path) -> str:
    """Sets a variable to what a file holds, without the end of its line."""
    file = quote(shell, str(path))
    match shell:
        case Shell.FISH:
            return f"set -gx {name} (cat {file})"
        case Shell.POWERSHELL:
            return f"$env:{name} = (Get-Content -LiteralPath {file} -TotalCount 1)"
        case _:
            return f'export {name}="$(cat {file})"'


def hide_variables(shell: Shell, names: Iterable[str]) -> list[str]:
    """Sees to it that programs do not get these variables; `show_variables` undoes it."""
    if shell is Shell.FISH:
        # A universal variable is in all shells of the user and must stay there: an empty global one hides it.
        return [f"set -eg {name}; set -qU {name}; and set -gx {name} ''" for name in names]
    return unset_variables(shell, names)


def show_variables(shell: Shell, names: Iterable[str]) -> list[str]:
    """Undoes `hide_variables` where something can be undone: a variable that was unset is not known any more."""
    if shell is Shell.FISH:
        return [f"set -qg {name}; and test -z ${name}; and set -eg {name}" for name in names]
    return []


def unset_variables(shell: Shell, names: Iterable[str]) -> list[str]:
    """Unsets variables that `set_variable` set; those that are not set are no error."""
    match shell:
        case Shell.FISH:
            return [f"set -eg {name}" for name in names]
        case Shell.POWERSHELL:
            return [f"$env:{name} = $null" for name in names]
        case _:
            return [f"unset {' '.join(names)}"]


def evaluated(shell: Shell, command: str) -> str:
    """The command line that runs a command and then what it prints."""
    match shell:
        case Shell.FISH:
            return f"{command} | source"
        case Shell.POWERSHELL:
            return f"{command} | Out-String | Invoke-Expression"
        case _:
            return f'eval "$({command})"'


def _quote_for_powershell(value: str) -> str:
    """In ASCII alone, since PowerShell reads a program's output in whatever encoding its console has.

    A character beyond is written as its number: typographic quotes, which PowerShell takes for quotes, and line ends,
    which would end the statement, among them.
    """
    parts: list[str] = []
    rest = 0
    for found in _NOT_PRINTABLE_ASCII.finditer(value):
        units = found[0].encode("utf-16-be", "surrogatepass")
        parts += [
            _in_quotes(value[rest : found.start()]),
            *(f"[char]{int.from_bytes(units[at : at + 2])}" for at in range(0, len(units), 2)),
        ]
        rest = found.end()
    if not parts:
        return _in_quotes(value)
    return f"({' + '.join((*parts, _in_quotes(value[rest:])))})"


def _in_quotes(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
