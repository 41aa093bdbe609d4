"""docs/teams.md: its commands are what the command line takes, and lead where the page says; LiteLLM reads its example.

That LiteLLM starts with the configuration, and conversations go through it, is seen in tests/e2e.
"""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from datetime import date
from pathlib import Path

import pytest
import typer.main

from kimi_cli.cli.app import app
from kimi_cli.launcher.resolve import resolve
from kimi_cli.providers.provider import Format
from kimi_cli.store.paths import Paths
from scripts.fetch_litellm import VERSION
from tests.cli.run import kimi

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "teams.md").read_text(encoding="utf-8")
TODAY = date(2026, 11, 23)


def blocks(language: str) -> list[str]:
    """The examples in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    """The words of every command of kimi that the page shows on a line of its own, without the name."""
    lines = "".join(blocks("console")).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[2:] for line in lines if line.startswith("$ kimi ")]


def test_commands():
    """Every command is parsed by the application itself."""
    known = typer.main.get_command(app).commands
    assert len(commands()) > 8
    for name, *arguments in commands():
        known[name].make_context(name, list(arguments))


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("team", (Format.OPENAI, "https://llm.example.com/v1", "kimi-k3")),
        ("team-messages", (Format.ANTHROPIC, "https://llm.example.com", "kimi-k3")),
        ("engine", (Format.OPENAI, "https://gpu.example.com:8000/v1", "kimi-k2")),
        ("gateway", (Format.ANTHROPIC, "https://gateway.example.com/anthropic", "kimi-k3")),
        ("openrouter", (Format.OPENAI, "https://openrouter.ai/api/v1", "moonshotai/kimi-k3")),
    ],
)
def test_where_they_lead(monkeypatch, name, route):
    """The commands about a provider, and a key in its variable, make a launch go to the gateway."""
    variable = name.upper().replace("-", "_") + "_API_KEY"
    monkeypatch.setenv(variable, "sk-or-0123456789abcdef0123456789abcdef")
    for command in commands():
        if command[0] == "provider" and name in command:
            done = kimi(*command)
            assert done.status == 0, done.err
    assert kimi("provider", name).status == 0
    found = resolve(Paths.find(os.environ), os.environ, provider=None, model=None, cwd=None, today=TODAY).route
    assert (found.format, found.base_url, found.main.id) == route


def test_moonshots_models_behind_a_gateway(monkeypatch):
    """The settings that the page shows keep what is known of Moonshot's models, at the gateway's address."""
    paths = Paths.find(os.environ)
    paths.settings_file.parent.mkdir(parents=True)
    (example,) = blocks("toml")
    paths.settings_file.write_text(example, encoding="utf-8")
    assert tomllib.loads(example)["provider"] == "moonshot"
    monkeypatch.setenv("MOONSHOT_API_KEY", "sk-a-key-of-the-gateway")
    found = resolve(paths, os.environ, provider=None, model=None, cwd=None, today=TODAY)
    assert found.warnings == ()
    assert (found.route.base_url, found.route.format) == ("https://llm.example.com/v1", Format.OPENAI)
    model = found.route.main
    assert (model.id, model.vision, model.price is not None) == ("kimi-k3", True, True)
    assert model.efforts


def test_the_version_of_litellm():
    """The page names the version that is tried."""
    assert f"in version {VERSION}." in TEXT
