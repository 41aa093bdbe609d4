"""What Claude Code's own arguments mean for a launch."""

from __future__ import annotations

import pytest

from kimi_cli.errors import UsageError
from kimi_cli.launcher.arguments import read_arguments


@pytest.mark.parametrize(
    ("arguments", "rest", "settings"),
    [
        ([], [], None),
        (["-p", "hi"], ["-p", "hi"], None),
        (["--settings", "a.json", "-p", "hi"], ["-p", "hi"], "a.json"),
        (["-p", "--settings=a.json", "hi"], ["-p", "hi"], "a.json"),
        (["-p", "hi", "--settings", '{"a": 1}'], ["-p", "hi"], '{"a": 1}'),
        (["--settings", "a", "--settings=b", "x"], ["x"], "b"),
        (["--settings="], [], ""),
        (["--append-system-prompt", "--settings", "x"], ["--append-system-prompt", "--settings", "x"], None),
        (["--allowedTools", "Bash", "--settings", "a", "-p"], ["--allowedTools", "Bash", "-p"], "a"),
        (["-p", "--", "--settings", "a"], ["-p", "--", "--settings", "a"], None),
        (["-p", "hi", "--settings"], ["-p", "hi", "--settings"], None),
        (["about --settings", "x"], ["about --settings", "x"], None),
    ],
)
def test_own_settings_are_taken_out(arguments, rest, settings):
    """The last `--settings` counts, all are taken out, and what only looks like one stays where it is."""
    found = read_arguments(arguments)
    assert found.rest == tuple(rest)
    assert found.settings == settings
    assert found.needs_session


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["-v"],
        ["-p", "--help"],
        ["mcp", "list"],
        ["mcp", "add", "x", "--", "npx", "y"],
        ["doctor"],
        ["plugin", "install", "x"],
        ["update"],
        ["agents", "--json"],
        ["agents", "--help"],
    ],
)
def test_some_need_no_session(arguments):
    """The client's commands about itself talk to no model."""
    assert not read_arguments(arguments).needs_session


@pytest.mark.parametrize("arguments", [["fix the mcp list"], ["-p", "doctor"], ["config"], ["--", "mcp"], ["help"]])
def test_prompts_need_a_session(arguments):
    """A word that is no command of the client's, or does not stand first, belongs to a prompt."""
    assert read_arguments(arguments).needs_session


@pytest.mark.parametrize(
    ("arguments", "is_print"),
    [
        (["-p", "x"], True),
        (["--print"], True),
        (["-cp", "x"], True),
        (["-c"], False),
        (["x", "-p"], True),
        (["--", "-p"], False),
        (["--model", "-p"], False),
        (["--permission-mode", "plan"], False),
    ],
)
def test_print_is_seen(arguments, is_print):
    """`--print` is seen in every form, and only where it is one."""
    assert read_arguments(arguments).is_print is is_print


@pytest.mark.parametrize(
    ("arguments", "model"),
    [
        ([], ""),
        (["--model", "haiku"], "haiku"),
        (["--model=a", "-p", "x", "--model", "b"], "b"),
        (["--", "--model"], ""),
    ],
)
def test_the_model_is_seen(arguments, model):
    """What Claude Code is to start with; of several the last counts. So it is with the mode."""
    assert read_arguments(arguments).model == model
    renamed = [argument.replace("--model", "--permission-mode") for argument in arguments]
    assert read_arguments(renamed).mode == model


@pytest.mark.parametrize("arguments", [["--bg", "x"], ["-p", "x", "--background"], ["agents"], ["respawn", "id"]])
def test_sessions_elsewhere_are_refused(arguments):
    """A session that outlives the launch could not use its proxy session, and would run on the user's account."""
    with pytest.raises(UsageError, match="outlive"):
        read_arguments(arguments)


@pytest.mark.parametrize(
    ("arguments", "sources"),
    [
        ([], {"user", "project", "local"}),
        (["--setting-sources", "project, local"], {"project", "local"}),
        (["--setting-sources=user"], {"user"}),
        (["--restricted"], set()),
    ],
)
def test_setting_sources(arguments, sources):
    """Which of its settings files the client reads is its user's to say."""
    assert read_arguments(arguments).sources == sources
