"""The environment variables of Claude Code: those that put it on our session, and those that must not reach it.

The session's variables are given twice. In our settings file they outrank the `env` of the user's own settings, which
plain variables do not. As plain variables they hold where Claude Code rejects that file, as it does when the user's
own `--settings` inside it has a mistake: it would otherwise go on without a word, on the user's Anthropic account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kimi_cli.launcher.slots import slot_variables
from kimi_cli.providers.catalogue import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from kimi_cli.launcher.client_settings import ClientSettings
    from kimi_cli.providers.route import Route

CLEARED: Final = (
    # Other credentials, which would be sent to our proxy beside our token, or in its place.
    *("ANTHROPIC_API_KEY", "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_OAUTH_TOKEN"),
    # Other ways to a model.
    *("ANTHROPIC_UNIX_SOCKET", "CLAUDE_CODE_RUNNER_MODEL_SOCKET"),
    *("CLAUDE_CODE_USE_ANTHROPIC_AWS", "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD", "CLAUDE_CODE_USE_BEDROCK"),
    *("CLAUDE_CODE_USE_FOUNDRY", "CLAUDE_CODE_USE_GATEWAY", "CLAUDE_CODE_USE_MANTLE", "CLAUDE_CODE_USE_VERTEX"),
    # Under a host that manages the provider, Claude Code takes no variable of this kind from settings.
    *("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "CLAUDE_CODE_HOST_AUTH_ENV_VAR", "CLAUDE_CODE_HOST_CREDS_FILE"),
    # Other models.
    *("ANTHROPIC_SMALL_FAST_MODEL", "ANTHROPIC_CUSTOM_MODEL_OPTION", "CLAUDE_CODE_SUBAGENT_MODEL_FORCE"),
    *("CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL", "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"),
)
"""Variables that would divert the session or bring foreign credentials into it."""
_NO_PROXY: Final = ("NO_PROXY", "no_proxy")
_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")
_USUAL_OUTPUT: Final = 32_000
"""What Claude Code asks for where it does not know a model."""
_SHORTEST_KEY: Final = 16
"""Characters. Engines of one's own are given keys like `none`, which other variables may well hold too."""
_LOCKED: Final = "the-key-is-in-the-settings-file"
"""Stands where a key would, so that Claude Code never falls back to an account of the user's."""


def session_variables(route: Route, *, base_url: str, token: str, model: str = "") -> dict[str, str]:
    """The variables that put Claude Code on a session of ours; an empty value clears one that the user set.

    `model` is what it starts with, where its own arguments say: one of the route's, or the name of a slot.
    """
    started = route.model_for(model)
    variables = {
        **dict.fromkeys(CLEARED, ""),
        "ANTHROPIC_BASE_URL": base_url,
        "ANTHROPIC_AUTH_TOKEN": token,
        **slot_variables(route),
        # Claude Code takes a model that it does not know to have a window of 1M, and warns of that.
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": str(started.context_window),
        # A block at the front of the prompt that changes from request to request and defeats the host's cache.
        "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
        # It repeats a failed stream as a whole, and with it the tools that have run already.
        "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
    }
    if started.max_output < _USUAL_OUTPUT:
        variables["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(started.max_output)
    return variables


def direct_variables(route: Route, *, model: str = "") -> dict[str, str]:
    """The variables that put Claude Code on the host itself, which has its own limits: no host knows tool search."""
    variables = session_variables(route, base_url=route.base_url, token=route.key, model=model)
    return {**variables, "ENABLE_TOOL_SEARCH": "false"}


def proxied_variables(environ: Mapping[str, str], settings: ClientSettings) -> dict[str, str]:
    """The variables that keep requests to this machine from going through a web proxy, as Claude Code would send them.

    What the user excepted from the web proxy stays excepted.
    """
    excepted: list[str] = []
    for name in _NO_PROXY:
        set_by_user = settings.variable(name)
        text = environ.get(name, "") if set_by_user is None else set_by_user
        excepted += (entry.strip() for entry in text.split(","))
    entries = dict.fromkeys([*filter(None, excepted), *_THIS_MACHINE])
    return dict.fromkeys(_NO_PROXY, "*" if "*" in entries else ",".join(entries))


def child_environment(
    environ: Mapping[str, str], *, session: Mapping[str, str], key: str, key_variables: Iterable[str] = ()
) -> dict[str, str]:
    """The environment to start Claude Code in, with the variables of its session.

    No provider's key is in it: not under the names that the catalogue or `key_variables` know, and `key` itself under
    no name at all.
    """
    hidden = {variable for provider in PROVIDERS.values() for variable in provider.key_variables}
    hidden.update(key_variables)
    is_secret = len(key) >= _SHORTEST_KEY
    found = {
        name: value
        for name, value in environ.items()
        if name not in hidden and name not in session and not (is_secret and key in value)
    }
    given = {name: value for name, value in session.items() if value}
    if key and given.get("ANTHROPIC_AUTH_TOKEN") == key:
        given["ANTHROPIC_AUTH_TOKEN"] = _LOCKED
    return found | given


def with_program_folder(environ: Mapping[str, str], folder: Path, *, separator: str) -> dict[str, str]:
    """The environment with a program's directory at the end of its search path.

    A Claude Code that was found outside of the search path may itself need a program that lies beside it.
    """
    places = environ.get("PATH", "").split(separator)
    if str(folder) in places:
        return dict(environ)
    return {**environ, "PATH": separator.join(filter(None, (*places, str(folder))))}
