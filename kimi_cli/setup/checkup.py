"""Everything that a launch needs, looked at: what is there, what is wrong, and the command that mends it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kimi_cli.errors import KimiError, SecretError
from kimi_cli.launcher.resolve import resolve
from kimi_cli.launcher.slots import tokens
from kimi_cli.setup.finding import Checkup, Finding, Level
from kimi_cli.setup.host import Verdict, ask_host
from kimi_cli.setup.searching import search_finding, search_state
from kimi_cli.setup.surroundings import claude_code, files, other_kimi, proxy, saved_model, versions
from kimi_cli.store.keyring_backend import KeyringError
from kimi_cli.store.known import configured, known_providers
from kimi_cli.store.secrets import SecretStore
from kimi_cli.store.settings_file import EDIT
from kimi_cli.store.wanted import read_wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from kimi_cli.launcher.resolve import Resolution
    from kimi_cli.store.paths import Paths
    from kimi_cli.store.wanted import Wanted


def check_up(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    online: bool,
    claude: Path | None,
    today: date,
    cwd: Path | None = None,
) -> Checkup:
    """Look at everything, for a launch in `cwd`, by default the working directory. The host is asked only if `online`.

    Nothing is started or changed.
    """
    cwd = cwd or Path.cwd()
    wanted: Wanted | None = None
    resolution: Resolution | None = None
    trouble: Finding | None = None
    try:
        wanted = read_wanted(paths, environ, cwd=cwd)
        resolution = resolve(paths, environ, provider=None, model=None, cwd=cwd, today=today)
    except KimiError as error:
        trouble = Finding("settings" if wanted is None else "provider", Level.ERROR, str(error), error.fix)
    secrets = SecretStore(paths, environ)
    findings = [versions(), claude_code(environ, claude)]
    if wanted is not None:
        findings += _warnings(wanted)
    if resolution is not None:
        findings += _route(resolution, secrets, ignored=wanted.warnings if wanted else ())
        if online:
            findings.append(_host(resolution))
    if trouble is not None:
        findings.append(trouble)
    if wanted is not None:
        findings += _other_keys(wanted, secrets, chosen=resolution.route.provider if resolution else None)
        findings.append(search_finding(search_state(paths, environ)))
    findings += [proxy(paths, environ), files(paths)]
    models = frozenset(_models(wanted)) if wanted is not None else frozenset()
    findings += [finding for finding in (saved_model(environ, models), other_kimi(environ)) if finding]
    return Checkup(tuple(findings))


def _models(wanted: Wanted) -> Iterator[str]:
    """Every model that the user set up."""
    for provider in wanted.settings.providers.values():
        yield from filter(None, (provider.model, *provider.slots.values()))


def _warnings(wanted: Wanted) -> Iterator[Finding]:
    """What in the files means nothing, or is not trusted."""
    for warning in wanted.settings.warnings:
        yield Finding("settings", Level.WARNING, warning, EDIT, {"path": str(wanted.settings_file)})
    if wanted.project is not None:
        for warning in wanted.project.warnings:
            path = wanted.project.path
            yield Finding("project", Level.WARNING, warning, f"edit {path}", {"path": str(path)})


def _route(found: Resolution, secrets: SecretStore, *, ignored: tuple[str, ...]) -> Iterator[Finding]:
    """Where a launch goes. `ignored` are warnings that are told elsewhere."""
    route, model = found.route, found.route.main
    facts = {"id": route.provider, "name": route.host, "base_url": route.base_url, "format": route.format.value}
    text = f"{route.host} at {route.base_url} ({route.format.value} format)"
    yield Finding("provider", Level.OK, text, facts=facts)
    price, listed = model.price, found.live.remembered()
    is_live = None if listed is None else listed.model(model.id) is not None
    model_facts = {
        "id": model.id,
        "context_window": model.context_window,
        "max_output": model.max_output,
        "price": None if price is None else {"input": price.input, "output": price.output, "cached": price.cached},
        "live": is_live,
        "retired": model.retired.isoformat() if model.retired else None,
    }
    cost = f", ${price.input:g} in and ${price.output:g} out per million tokens" if price else ""
    text = f"{model.id}, {tokens(model.context_window)} context{cost}{', live' if is_live else ''}"
    yield Finding("model", Level.OK, text, facts=model_facts)
    for warning in found.warnings:
        if warning not in ignored:
            yield Finding("model", Level.WARNING, warning, f"kimi model ID --provider {route.provider}")
    key = secrets.read_key(found.live.provider)
    key_facts = {"source": key.source.value if key else None, "masked": key.masked if key else None}
    yield Finding(
        "key", Level.OK, f"{key.masked} from {key.detail}" if key else "none, and none is needed", facts=key_facts
    )


def _other_keys(wanted: Wanted, secrets: SecretStore, *, chosen: str | None) -> Iterator[Finding]:
    """The keys of other providers, which launches do not use; a keyring that fails once is not asked again."""
    found: list[tuple[str, str, dict[str, str]]] = []
    troubles: list[SecretError] = []
    for name in known_providers(wanted.settings):
        if name == chosen:
            continue
        try:
            key = secrets.read_key(configured(name, wanted.settings))
        except KeyringError:  # told where it is about the key in use
            break
        except SecretError as error:
            troubles.append(error)
            continue
        except KimiError:  # its address is wrong, and nobody uses it
            continue
        if key is not None:
            facts = {"provider": name, "source": key.source.value, "masked": key.masked}
            found.append((f"{name} {key.masked} from {key.detail}", name, facts))
    if found:
        text = "also " + "; ".join(text for text, _, _ in found)
        yield Finding("keys", Level.OK, text, facts={"others": [facts for _, _, facts in found]})
    for trouble in troubles:
        yield Finding("keys", Level.WARNING, str(trouble), trouble.fix)


def _host(found: Resolution) -> Finding:
    route, provider = found.route, found.live.provider
    answer = ask_host(provider, route.key or None)
    facts = {"verdict": answer.verdict.value}
    match answer.verdict:
        case Verdict.REFUSED:
            return Finding("host", Level.ERROR, answer.sentence, f"kimi set-key {route.provider}", facts)
        case Verdict.UNREACHABLE:
            fix = f"curl -I {route.base_url}, to see whether this machine gets there"
            return Finding("host", Level.ERROR, answer.sentence, fix, facts)
        case Verdict.NO_LIST:
            return Finding("host", Level.WARNING, answer.sentence, "kimi --print hello, to see whether it works", facts)
        case Verdict.ACCEPTED:
            pass
    if route.main.id not in {model.id for model in answer.models}:
        text = f"{route.host} takes the key, and does not list {route.main.id}."
        return Finding("host", Level.ERROR, text, f"kimi models --provider {route.provider}", facts)
    return Finding("host", Level.OK, f"{route.host} takes the key and lists {route.main.id}", facts=facts)
