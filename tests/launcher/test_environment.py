"""The variables that Claude Code gets, and those that must not reach it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kimi_cli.launcher.client_settings import ClientSettings
from kimi_cli.launcher.environment import (
    CLEARED,
    child_environment,
    direct_variables,
    proxied_variables,
    session_variables,
    with_program_folder,
)
from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.providers.provider import Format
from kimi_cli.record import replace
from tests.launcher.conftest import KEY, MAIN, make_route

PROXY = "http://127.0.0.1:8090"
TOKEN = "session-token-0123456789abcdef"


def session(**changes) -> dict[str, str]:
    """The variables of a session on the proxy."""
    return session_variables(make_route(**changes), base_url=PROXY, token=TOKEN)


def test_the_session():
    """Address, token, the model's real window; no key, and nothing that repeats tools or defeats the host's cache."""
    found = session()
    assert found["ANTHROPIC_BASE_URL"] == PROXY
    assert found["ANTHROPIC_AUTH_TOKEN"] == TOKEN
    assert found["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "262144"
    assert found["CLAUDE_CODE_ATTRIBUTION_HEADER"] == "0"
    assert found["CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK"] == "1"
    assert KEY not in str(found)


def test_what_the_user_can_still_choose():
    """Effort, tool search and the window at which to compact stay Claude Code's own, and the user's."""
    assert not {"CLAUDE_CODE_EFFORT_LEVEL", "ENABLE_TOOL_SEARCH", "CLAUDE_CODE_AUTO_COMPACT_WINDOW"} & set(session())


@pytest.mark.parametrize(("limit", "given"), [(65_536, None), (32_000, None), (16_384, "16384")])
def test_the_output_limit(limit, given):
    """A model that answers with less than Claude Code asks for is announced with its limit."""
    found = session(models=(replace(MAIN, max_output=limit),))
    assert found.get("CLAUDE_CODE_MAX_OUTPUT_TOKENS") == given


@pytest.mark.parametrize(
    ("model", "window", "output"),
    [
        ("", "262144", None),
        ("small", "131072", "16384"),
        ("haiku", "131072", "16384"),
        ("opus", "262144", None),
        ("x", "262144", None),
    ],
)
def test_the_window_of_the_model_that_it_starts_with(model, window, output):
    """Where Claude Code's own `--model` names another model or a slot, the limits are those of that one."""
    for found in (
        session_variables(make_route(), base_url=PROXY, token=TOKEN, model=model),
        direct_variables(make_route(), model=model),
    ):
        assert found["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == window
        assert found.get("CLAUDE_CODE_MAX_OUTPUT_TOKENS") == output


def test_every_other_way_is_cleared():
    """Other providers, sockets and credentials are set to nothing, which is what clears them in settings."""
    found = session()
    assert all(found[name] == "" for name in CLEARED)
    assert {"ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_UNIX_SOCKET"} <= set(CLEARED)


def test_the_childs_environment():
    """It has the session's variables and the user's own, but no key and nothing that was cleared."""
    keys = {variable: f"{variable}-value" for provider in PROVIDERS.values() for variable in provider.key_variables}
    environ = {
        "PATH": "/bin",
        "LANG": "C.UTF-8",
        "ANTHROPIC_BASE_URL": "https://elsewhere",
        "ANTHROPIC_API_KEY": "theirs",
        "ANTHROPIC_MODEL": "theirs",
        "CLAUDE_CODE_USE_VERTEX": "1",
        "OF_THEIR_OWN": "another-key",
        "COPY": f"Bearer {KEY}",
        **keys,
    }
    found = child_environment(environ, session=session(), key=KEY, key_variables=("OF_THEIR_OWN",))
    assert found["PATH"] == "/bin"
    assert found["LANG"] == "C.UTF-8"
    assert found["ANTHROPIC_BASE_URL"] == PROXY
    assert found["ANTHROPIC_MODEL"] == "big"
    gone = {*keys, "OF_THEIR_OWN", "COPY", "ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_VERTEX"}
    assert not gone & set(found)
    assert KEY not in str(found)
    assert "MOONSHOT_API_KEY" in keys
    assert "KIMI_API_KEY" in keys


def test_a_key_that_is_a_common_word():
    """Engines of one's own take keys like `none`; variables that happen to hold the word are left alone."""
    assert child_environment({"X": "none"}, session={}, key="none") == {"X": "none"}
    assert child_environment({"X": "y"}, session={}, key="") == {"X": "y"}


def test_direct():
    """Without the proxy the host's address and the key are in the settings, and the key is in no environment."""
    route = make_route(format=Format.ANTHROPIC, base_url="https://host/anthropic")
    variables = direct_variables(route)
    assert variables["ANTHROPIC_BASE_URL"] == "https://host/anthropic"
    assert variables["ANTHROPIC_AUTH_TOKEN"] == KEY
    assert variables["ENABLE_TOOL_SEARCH"] == "false"
    found = child_environment({}, session=variables, key=KEY)
    assert KEY not in str(found)
    assert found["ANTHROPIC_AUTH_TOKEN"]  # so that no account of the user's stands in where the settings are rejected


@pytest.mark.parametrize(
    ("environ", "settings", "expected"),
    [
        ({}, {}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "a.example, localhost"}, {}, "a.example,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "a", "no_proxy": "b"}, {}, "a,b,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "a"}, {"NO_PROXY": "b"}, "b,127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, {}, "*"),
    ],
)
def test_no_web_proxy_for_our_own(environ, settings, expected):
    """Claude Code sends requests to this machine through a web proxy too, unless it is told not to."""
    found = proxied_variables(environ, ClientSettings((("user", {"env": settings}),)))
    assert found == {"NO_PROXY": expected, "no_proxy": expected}


def test_the_programs_folder():
    """A program from outside of the search path finds what lies beside it, after everything else."""
    folder = Path("/opt/x")
    assert with_program_folder({"PATH": "/a:/b"}, folder, separator=":")["PATH"] == f"/a:/b:{folder}"
    assert with_program_folder({"PATH": f"/a:{folder}"}, folder, separator=":")["PATH"] == f"/a:{folder}"
    assert with_program_folder({}, folder, separator=":")["PATH"] == str(folder)
