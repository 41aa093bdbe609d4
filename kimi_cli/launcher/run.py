"""A launch, from what the user asked for to Claude Code's exit status."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from kimi_cli.errors import ProxyError, UsageError
from kimi_cli.launcher.arguments import read_arguments
from kimi_cli.launcher.claude import find_claude, unusable
from kimi_cli.launcher.client import run_client
from kimi_cli.launcher.client_settings import read_client_settings, user_model
from kimi_cli.launcher.environment import (
    child_environment,
    direct_variables,
    proxied_variables,
    session_variables,
    with_program_folder,
)
from kimi_cli.launcher.hold import Hold
from kimi_cli.launcher.live import Refresh
from kimi_cli.launcher.own_settings import read_own_settings
from kimi_cli.launcher.resolve import resolve
from kimi_cli.launcher.settings_file import SettingsFile, build_settings
from kimi_cli.launcher.terminal import is_in_background
from kimi_cli.launcher.tools_choice import ToolsAsked, tools_choice
from kimi_cli.providers.provider import Format
from kimi_cli.providers.tools import Level
from kimi_cli.record import Record, field, replace
from kimi_cli.store.remedy import write_remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from kimi_cli.launcher.arguments import ClientArguments
    from kimi_cli.launcher.claude import Claude
    from kimi_cli.launcher.client_settings import ClientSettings
    from kimi_cli.launcher.resolve import Resolution
    from kimi_cli.launcher.saved_model import SavedModel
    from kimi_cli.providers.model import Model
    from kimi_cli.store.paths import Paths

_DIRECT_WARNING: Final = (
    "Without the proxy Claude Code holds the {host} key itself, and every tool that it runs can read it."
)


class LaunchRequest(Record):
    """What the user asked for. `arguments` are Claude Code's own; `claude` is the one to run.

    With `direct` Claude Code talks to the host itself and holds the key; without, it never sees the key. With
    `debug_bodies` everything that is asked and answered is recorded. `tools` are those that the proxy carries out.
    """

    arguments: tuple[str, ...] = ()
    provider: str | None = None
    model: str | None = None
    claude: Path | None = None
    direct: bool = False
    debug_bodies: bool = False
    tools: ToolsAsked = field(default_factory=ToolsAsked)


class Banner(Record):
    """What to tell the user before Claude Code starts.

    `host` is the provider's name, `endpoint` the address that Claude Code talks to, `warnings` are sentences.
    `is_print` where Claude Code was asked to print an answer and end. `bodies` is the directory in which everything
    is recorded that is asked and answered, if it is.
    """

    host: str
    model: Model
    endpoint: str
    warnings: tuple[str, ...]
    is_print: bool
    bodies: Path | None = None


def launch(
    request: LaunchRequest,
    *,
    paths: Paths,
    environ: Mapping[str, str],
    cwd: Path,
    today: date,
    show: Callable[[Banner], None],
    left: Callable[[SavedModel], None] | None = None,
) -> int:
    """Runs Claude Code on a session of its own, and gives its exit status: 128 + n where signal n ended it.

    `show` is called once, before Claude Code starts, except where it was only asked about itself (`--version`,
    `mcp list`): that needs no session, no provider and no banner. Ctrl-C before it starts is `KeyboardInterrupt`, as
    ever; from then on it belongs to Claude Code. `left` is called after the end where the user picked a model of ours
    as Claude Code's default, which would break a later `claude` without us.

    Raises:
        KimiError: something is missing, wrong, or could not be started; nothing of the launch is left.
    """
    arguments = read_arguments(request.arguments)
    claude = find_claude(environ, explicit=request.claude)
    if not arguments.needs_session:
        return _run(claude, request.arguments, environ=child_environment(environ, session={}, key=""))
    resolution = resolve(paths, environ, provider=request.provider, model=request.model, cwd=cwd, today=today)
    tools = tools_choice(request.tools, paths, environ, cwd=cwd, offers_always=False)
    resolution = replace(resolution, route=replace(resolution.route, tools=tools))
    own = read_own_settings(arguments.settings, cwd=cwd)
    settings = read_client_settings(environ, cwd=cwd, sources=arguments.sources, own=own)
    bodies = paths.bodies_dir if request.debug_bodies else None
    prepared = _Launch(
        claude, arguments, resolution, own, settings, paths=paths, environ=environ, cwd=cwd, show=show, bodies=bodies
    )
    before = user_model(environ)
    status = prepared.direct() if request.direct else prepared.proxied()
    if left is not None and user_model(environ) != before:
        from kimi_cli.launcher.saved_model import left_behind

        saved = left_behind(environ, before=before)
        if saved is not None:
            left(saved)
    return status


class _Launch(Record):
    """Everything that a launch needs, found."""

    claude: Claude
    arguments: ClientArguments
    resolution: Resolution
    own: Mapping[str, Any]
    settings: ClientSettings
    paths: Paths
    environ: Mapping[str, str]
    cwd: Path
    show: Callable[[Banner], None]
    bodies: Path | None

    def proxied(self) -> int:
        """Runs Claude Code on the proxy. The key stays in the proxy's memory."""
        route, is_recorded = self.resolution.route, self.bodies is not None
        if self.bodies is not None:
            from kimi_cli.store.bodies import ensure_bodies_dir

            ensure_bodies_dir(self.bodies)
        with ExitStack() as stack:
            file = SettingsFile.for_session(self.paths)
            stack.callback(file.remove)
            hold = Hold(
                self.paths,
                route,
                environ=self.environ,
                project=self.cwd,
                files=(file.path,),
                record=is_recorded,
                # A job in the background is stopped as soon as its client wants the terminal, and must have no proxy
                # half started then: others would wait for it.
                early=not is_in_background(),
            )
            stack.enter_context(hold)
            model = self.arguments.model
            variables = session_variables(route, base_url=hold.base_url, token=hold.token, model=model)
            variables |= proxied_variables(self.environ, self.settings)
            return self._run(file, variables, endpoint=hold.base_url, started=hold.share)

    def direct(self) -> int:
        """Runs Claude Code on the host itself, with the key in its settings."""
        route = self.resolution.route
        if route.format is not Format.ANTHROPIC:
            raise UsageError(
                f"--direct needs a host that speaks Anthropic's protocol, and {route.host} does not.",
                fix=f"kimi launch --provider {route.provider}",
            )
        if route.tools.level is not Level.OFF:
            raise UsageError(
                "--execute-tools has the proxy carry out tools, and with --direct there is none.",
                fix=f"kimi launch --execute-tools {route.tools.level}",
            )
        if self.bodies is not None:
            raise UsageError(
                "--debug-bodies records what passes the proxy, and with --direct nothing does.",
                fix="kimi launch --debug-bodies",
            )
        file = SettingsFile.for_direct(self.paths)
        try:
            variables = direct_variables(route, model=self.arguments.model)
            warning = _DIRECT_WARNING.format(host=route.host)
            return self._run(file, variables, endpoint=route.base_url, warnings=(warning,))
        finally:
            file.remove()

    def _run(
        self,
        file: SettingsFile,
        variables: Mapping[str, str],
        *,
        endpoint: str,
        started: Callable[[int], None] | None = None,
        warnings: Iterable[str] = (),
    ) -> int:
        resolution, route = self.resolution, self.resolution.route
        try:
            offers_auto = self.arguments.mode == "auto"
            settings = build_settings(
                route, variables=variables, own=self.own, settings=self.settings, offers_auto=offers_auto
            )
            file.write(settings)
        except OSError as error:
            fix = write_remedy(file.path, error, variable="XDG_RUNTIME_DIR")
            raise ProxyError(f"{file.path.parent} cannot be written to: {error.strerror}.", fix=fix) from error
        environ = child_environment(
            self.environ, session=variables, key=route.key, key_variables=resolution.key_variables
        )
        arguments = ("--settings", str(file.path), *self.arguments.rest)
        warned = (*resolution.warnings, *warnings)
        self.show(Banner(route.host, route.main, endpoint, warned, self.arguments.is_print, self.bodies))
        refresh = Refresh(resolution.live)

        def after(pid: int) -> None:
            if started is not None:
                started(pid)
            refresh.start()

        try:
            return _run(self.claude, arguments, environ=environ, started=after)
        finally:
            refresh.finish()


def _run(
    claude: Claude,
    arguments: Sequence[str],
    *,
    environ: dict[str, str],
    started: Callable[[int], None] | None = None,
) -> int:
    if claude.is_off_path:
        environ = with_program_folder(environ, claude.path.parent, separator=os.pathsep)
    try:
        return run_client(claude.command(arguments), environ=environ, started=started or _nobody_asks)
    except OSError as error:
        raise unusable(claude.path, error) from error


def _nobody_asks(_: int) -> None:
    """There is no session for the process to share."""
