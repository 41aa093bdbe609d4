"""What a launch needs that is no choice of the user's: Claude Code, the proxy, the directories; each as a finding."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli import __version__
from kimi_cli.daemon.control import Control
from kimi_cli.daemon.find import Condition, look
from kimi_cli.daemon.wishes import DEFAULT_PORT, read_wishes
from kimi_cli.errors import ClaudeNotFoundError, KimiError, ProxyError, UsageError
from kimi_cli.launcher.claude import find_claude
from kimi_cli.launcher.saved_model import read_saved_model
from kimi_cli.setup.finding import Finding, Level
from kimi_cli.setup.tested import NEWEST, OLDEST, Standing, note, standing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kimi_cli.store.paths import Paths
    from kimi_cli.store.state import ProxyState

_OURS: Final = "kimi"


def versions() -> Finding:
    """What this program is, and what it runs on."""
    system = f"{platform.system()} {platform.machine()}"
    text = f"kimi {__version__}, Python {platform.python_version()}, {system}"
    facts = {"version": __version__, "python": platform.python_version(), "system": system}
    return Finding("kimi", Level.OK, text, facts=facts)


def claude_code(environ: Mapping[str, str], explicit: Path | None) -> Finding:
    """Claude Code: where, and whether it is a version that was tested; another one is worth a note, and may well do."""
    tested = {"oldest_tested": OLDEST, "newest_tested": NEWEST}
    nothing = {"path": None, "version": None, "tested": False, **tested}
    try:
        found = find_claude(environ, explicit=explicit)
        version = found.version(environ)
    except ClaudeNotFoundError as error:  # its own sentence names every place, of which there are many
        tried = {"tried": list(error.tried)}
        return Finding("claude", Level.ERROR, "Claude Code was not found.", error.fix, {**nothing, **tried})
    except KimiError as error:
        return Finding("claude", Level.ERROR, str(error), error.fix, nothing)
    is_tested = standing(version) is Standing.TESTED
    facts = {"path": str(found.path), "version": version, "tested": is_tested, **tested}
    remark = "" if is_tested else f" ({note(version)})"
    return Finding("claude", Level.OK, f"Claude Code {version} at {found.path}{remark}", facts=facts)


def proxy(paths: Paths, environ: Mapping[str, str]) -> Finding:
    """The proxy that runs, or whether one could start."""
    state, condition = look(paths.state_file)
    if state is not None and condition is Condition.SOUND:
        return _running(state)
    try:
        port = read_wishes(environ).port
    except UsageError as error:
        variable = str(error).split(maxsplit=1)[0]
        return Finding("proxy", Level.ERROR, str(error), error.fix or f"unset {variable}", {"running": False})
    if port and condition is Condition.GONE and not _is_free(port):
        text = f"Port {port}, which KIMI_PROXY_PORT asks for, is in use by another program."
        return Finding("proxy", Level.ERROR, text, "unset KIMI_PROXY_PORT", {"running": False, "port": port})
    where = "any free port" if port == 0 else f"port {port or DEFAULT_PORT}{'' if port else ', or a free one'}"
    facts = {"running": False, "port": DEFAULT_PORT if port is None else port}
    return Finding("proxy", Level.OK, f"not running; it starts with the next launch, on {where}", facts=facts)


def files(paths: Paths) -> Finding:
    """Where our files are, and whether the proxy could write its own."""
    facts = {"settings": str(paths.settings_file), "log": str(paths.log_file), "runtime": str(paths.runtime_dir)}
    for folder, level, what in (
        (paths.runtime_dir, Level.ERROR, "no proxy can start"),
        (paths.log_dir, Level.WARNING, "there is no log"),
    ):
        place = next(one for one in (folder, *folder.parents) if one.exists())
        if not os.access(place, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            fix = f"chmod u+rwx {shlex.quote(str(place))}"
            return Finding("files", level, f"{place} cannot be written to, so {what}.", fix, facts)
    return Finding("files", Level.OK, f"settings {paths.settings_file}, log {paths.log_file}", facts=facts)


def saved_model(environ: Mapping[str, str], models: Collection[str] = ()) -> Finding | None:
    """A model of ours as Claude Code's own default: it gets there by `/model`, and breaks `claude` without us.

    `models` are ours because the user set them up.
    """
    saved = read_saved_model(environ)
    if saved is None or not (saved.is_ours or saved.model in models):
        return None
    text = f"Claude Code's own default model is {saved.model}, which plain claude cannot use"
    facts = {"model": saved.model, "path": str(saved.path)}
    return Finding("default", Level.WARNING, text, f'remove "model" from {saved.path}', facts)


def other_kimi(environ: Mapping[str, str]) -> Finding | None:
    """Another program of our name that the shell finds first; Moonshot's own command line has it, too."""
    name = f"{_OURS}.exe" if sys.platform == "win32" else _OURS
    # `python -m kimi_cli` has a file of the package for its name; its environment's own command is beside Python.
    own = {Path(sys.argv[0]).resolve(), (Path(sys.executable).parent / name).resolve()}
    for entry in environ.get("PATH", "").split(os.pathsep):
        candidate = Path(entry) / name
        if not entry or not candidate.is_file() or not os.access(candidate, os.X_OK):
            continue
        if candidate.resolve() in own:
            return None
        text = f"{candidate} comes first in PATH and may be another program"
        beside = Path(sys.executable).parent
        first = f"set PATH={beside};%PATH%" if sys.platform == "win32" else f'export PATH="{beside}:$PATH"'
        fix = first if (beside / name).exists() else "kimi --version"
        return Finding("path", Level.WARNING, text, fix, {"other": str(candidate)})
    return None


def _running(state: ProxyState) -> Finding:
    try:
        status = Control(state).status()
    except ProxyError as error:
        return Finding("proxy", Level.WARNING, str(error), "kimi stop --force", {"running": True})
    count = len(status.sessions)
    text = f"running at {status.base_url} with {count} session{'' if count == 1 else 's'}"
    facts = {
        "running": True,
        "base_url": status.base_url,
        "port": state.port,
        "version": status.version,
        "sessions": count,
    }
    if status.version != __version__:
        return Finding("proxy", Level.WARNING, f"{text}, version {status.version}", "kimi stop", facts)
    return Finding("proxy", Level.OK, text, facts=facts)


def _is_free(port: int) -> bool:
    from kimi_cli.proxy.listen import PortTakenError, listen

    try:
        listen(port, strict=True).close()
    except PortTakenError:
        return False
    except OSError:  # something else is wrong, which the launch will say better
        return True
    return True
