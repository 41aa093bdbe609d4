"""The command line of rg for a call of Grep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.tools.finding import VERSIONING

if TYPE_CHECKING:
    from kimi_cli.tools.grep import Wanted

_COLUMNS: Final = 500
_MODES: Final = {"files_with_matches": "--files-with-matches", "count": "--count", "content": "--with-filename"}


def command(program: str, wanted: Wanted, *, name: str | None) -> list[str]:
    """What to run in the directory that is searched; `name` is the one file of it that is, where it is one.

    Its output has a NUL behind every name. Nothing of it is a shell's to read, no value can be taken for an option,
    and no file of settings adds any.
    """
    options = ["--no-config", "--no-messages", "--color=never", "--no-heading", "--hidden", "--no-follow", "--null"]
    options += [f"--max-columns={_COLUMNS}", "--max-columns-preview", "--with-filename", _MODES[wanted.mode]]
    options += [f"--glob=!{directory}" for directory in sorted(VERSIONING)]
    options += [f"--glob={glob}" for glob in wanted.globs]
    if wanted.type:
        options.append(f"--type={wanted.type}")
    if wanted.ignores_case:
        options.append("--ignore-case")
    if wanted.is_multiline:
        options += ["--multiline", "--multiline-dotall"]
    if wanted.mode == "content":
        options += ["--line-number" if wanted.has_numbers else "--no-line-number"]
        options += [f"--before-context={wanted.before}", f"--after-context={wanted.after}"]
    return [program, *options, f"--regexp={wanted.pattern}", "--", "." if name is None else f"./{name}"]
