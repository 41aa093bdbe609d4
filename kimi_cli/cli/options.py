"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kimi_cli.cli import launch_line
from kimi_cli.cli.completion import complete_model, complete_provider
from kimi_cli.cli.shell_syntax import Shell
from kimi_cli.providers.tools import Level, Progress

ProviderOption = Annotated[
    str | None,
    typer.Option(
        launch_line.PROVIDER,
        metavar="NAME",
        help="Use this provider, this once.",
        show_default=False,
        autocompletion=complete_provider,
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        launch_line.MODEL,
        metavar="ID",
        help="Use this model, this once.",
        show_default=False,
        autocompletion=complete_model,
    ),
]
DirectOption = Annotated[
    bool, typer.Option(launch_line.DIRECT, help="Without the proxy: hand Claude Code the key itself (Moonshot).")
]
QuietOption = Annotated[bool, typer.Option(launch_line.QUIET, help="Say nothing before Claude Code starts.")]
BodiesOption = Annotated[
    bool,
    typer.Option(launch_line.BODIES, help="Record everything asked and answered in private files beside the log."),
]
ToolsOption = Annotated[
    Level | None,
    typer.Option(
        launch_line.TOOLS,
        metavar="LEVEL",
        help="Have the proxy carry out tools itself, in this directory: read-only, or all of them.",
        show_default="off",
    ),
]
ProgressOption = Annotated[
    Progress | None,
    typer.Option(
        launch_line.PROGRESS,
        metavar="WHERE",
        help="Tell of those tools as thinking, as text, or not: off.",
        show_default="thinking",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
ShellOption = Annotated[
    Shell | None,
    typer.Option(
        "--shell", metavar="NAME", help="Write for bash, zsh, fish, powershell or sh.", show_default="the one you use"
    ),
]
ClaudeOption = Annotated[
    Path | None, typer.Option(launch_line.CLAUDE, metavar="PATH", help="The Claude Code to run.", show_default=False)
]
