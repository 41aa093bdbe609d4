"""Everything that a launch needs, looked at: what is there, what is wrong, and the command that mends it.

`to_json` is a contract with scripts: fields may be added to schema 1, none changes its meaning.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kimi_cli import __version__
from kimi_cli.daemon.control import Control
from kimi_cli.daemon.find import find_proxy
from kimi_cli.errors import KimiError, ProxyError
from kimi_cli.launcher.claude import find_claude
from kimi_cli.launcher.resolve import resolve
from kimi_cli.launcher.saved_model import read_saved_model
from kimi_cli.launcher.slots import tokens
from kimi_cli.setup.choice import look_at
from kimi_cli.setup.host import Verdict, ask_host

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from kimi_cli.launcher.resolve import Resolution
    from kimi_cli.store.paths import Paths

SCHEMA: Final = 1
TESTED: Final = "2.1.330"
"""The Claude Code that the project's own tests drive."""
_OURS: Final = "kimi"


class Level(StrEnum):
    """What a finding means for a launch."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `facts` are its values for scripts."""

    topic: str
    level: Level
    text: str
    fix: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkup:
    """All findings, in the order in which to show them."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether a launch would work, as far as can be seen."""
        return all(finding.level is not Level.ERROR for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """For scripts: `ok`, and for each topic its level, sentence, fix and facts."""
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "findings": [
                {"topic": found.topic, "level": found.level.value, "text": found.text, "fix": found.fix, **found.facts}
                for found in self.findings
            ],
        }


def check_up(paths: Paths, environ: Mapping[str, str], *, online: bool, claude: Path | None, today: date) -> Checkup:
    """Look at everything. The host is asked only if `online`."""
    findings = [_versions(), _claude(environ, claude)]
    resolution, trouble = _resolution(paths, environ, today)
    if resolution is not None:
        findings += _route(resolution, paths, environ, today)
        if online:
            findings.append(_host(resolution))
    if trouble is not None:
        findings.append(trouble)
    findings += [_proxy(paths), _files(paths)]
    findings += [finding for finding in (_saved_model(environ), _other_kimi(environ)) if finding]
    return Checkup(tuple(findings))


def _versions() -> Finding:
    system = f"{platform.system()} {platform.machine()}"
    text = f"kimi {__version__}, Python {platform.python_version()}, {system}"
    facts = {"version": __version__, "python": platform.python_version(), "system": system}
    return Finding("kimi", Level.OK, text, facts=facts)


def _claude(environ: Mapping[str, str], explicit: Path | None) -> Finding:
    try:
        found = find_claude(environ, explicit=explicit)
        version = found.version(environ)
    except KimiError as error:
        return Finding("claude", Level.ERROR, str(error), error.fix, {"path": None, "version": None})
    facts = {"path": str(found.path), "version": version, "tested": version == TESTED}
    text = f"Claude Code {version} at {found.path}"
    if version != TESTED:
        text += f" (tested with {TESTED})"
    return Finding("claude", Level.OK, text, facts=facts)


def _resolution(paths: Paths, environ: Mapping[str, str], today: date) -> tuple[Resolution | None, Finding | None]:
    try:
        return resolve(paths, environ, provider=None, model=None, cwd=Path.cwd(), today=today), None
    except KimiError as error:
        return None, Finding("provider", Level.ERROR, str(error), error.fix)


def _route(found: Resolution, paths: Paths, environ: Mapping[str, str], today: date) -> list[Finding]:
    route, model = found.route, found.route.main
    facts = {"id": route.provider, "name": route.host, "base_url": route.base_url, "format": route.format.value}
    findings = [
        Finding("provider", Level.OK, f"{route.host} at {route.base_url} ({route.format.value} format)", facts=facts)
    ]
    price = model.price
    model_facts = {
        "id": model.id,
        "context_window": model.context_window,
        "max_output": model.max_output,
        "price": None if price is None else {"input": price.input, "output": price.output, "cached": price.cached},
    }
    cost = f", ${price.input:g} in and ${price.output:g} out per million tokens" if price else ""
    findings.append(
        Finding("model", Level.OK, f"{model.id}, {tokens(model.context_window)} context{cost}", facts=model_facts)
    )
    findings += [
        Finding("model", Level.WARNING, warning, f"kimi provider {route.provider} --model ID")
        for warning in found.warnings
    ]
    key = look_at(route.provider, paths, environ, today=today).key
    key_facts = {"source": key.source.value if key else None, "masked": key.masked if key else None}
    text = f"{key.masked} from {key.detail}" if key else "none, and none is needed"
    findings.append(Finding("key", Level.OK, text, facts=key_facts))
    return findings


def _host(found: Resolution) -> Finding:
    route, provider = found.route, found.live.provider
    answer = ask_host(provider, route.key or None)
    facts = {"verdict": answer.verdict.value}
    match answer.verdict:
        case Verdict.REFUSED:
            return Finding("host", Level.ERROR, answer.sentence, f"kimi set-key {route.provider}", facts)
        case Verdict.UNREACHABLE:
            return Finding("host", Level.ERROR, answer.sentence, None, facts)
        case Verdict.NO_LIST:
            return Finding("host", Level.WARNING, answer.sentence, None, facts)
        case Verdict.ACCEPTED:
            pass
    if route.main.id not in {model.id for model in answer.models}:
        text = f"{route.host} takes the key, and does not list {route.main.id}."
        return Finding("host", Level.ERROR, text, f"kimi provider {route.provider} --model ID", facts)
    return Finding("host", Level.OK, f"{route.host} takes the key and lists {route.main.id}", facts=facts)


def _proxy(paths: Paths) -> Finding:
    state = find_proxy(paths)
    if state is None:
        return Finding("proxy", Level.OK, "not running; it starts with the next launch", facts={"running": False})
    try:
        status = Control(state).status()
    except ProxyError as error:
        return Finding("proxy", Level.WARNING, str(error), "kimi stop --force", {"running": True})
    count = len(status.sessions)
    text = f"running at {status.base_url} with {count} session{'' if count == 1 else 's'}"
    facts = {"running": True, "base_url": status.base_url, "version": status.version, "sessions": count}
    if status.version != __version__:
        return Finding("proxy", Level.WARNING, f"{text}, version {status.version}", "kimi stop", facts)
    return Finding("proxy", Level.OK, text, facts=facts)


def _files(paths: Paths) -> Finding:
    facts = {"settings": str(paths.settings_file), "log": str(paths.log_file), "runtime": str(paths.runtime_dir)}
    return Finding("files", Level.OK, f"settings {paths.settings_file}, log {paths.log_file}", facts=facts)


def _saved_model(environ: Mapping[str, str]) -> Finding | None:
    """A model of ours as Claude Code's own default: it gets there by `/model`, and breaks `claude` without us."""
    saved = read_saved_model(environ)
    if saved is None or not saved.is_ours:
        return None
    text = f"Claude Code's own default model is {saved.model}, which plain claude cannot use"
    facts = {"model": saved.model, "path": str(saved.path)}
    return Finding("default", Level.WARNING, text, f'remove "model" from {saved.path}', facts)


def _other_kimi(environ: Mapping[str, str]) -> Finding | None:
    """Another program of our name that the shell finds first; Moonshot's own command line has it, too."""
    own = Path(sys.argv[0]).resolve()
    for entry in environ.get("PATH", "").split(os.pathsep):
        candidate = Path(entry) / (f"{_OURS}.exe" if sys.platform == "win32" else _OURS)
        if not entry or not candidate.is_file() or not os.access(candidate, os.X_OK):
            continue
        if candidate.resolve() == own:
            return None
        text = f"{candidate} comes first in PATH and may be another program"
        return Finding("path", Level.WARNING, text, "kimi --version", {"other": str(candidate)})
    return None
