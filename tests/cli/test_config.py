"""`kimi config`, and what a project's file does."""

from __future__ import annotations

import json
import os
import sys

import pytest

from kimi_cli.store.paths import Paths
from tests.cli.run import GROQ_KEY, kimi


def values(**variables: str) -> dict[str, dict]:
    """What `config show --json` says, by name."""
    ran = kimi("config", "show", "--json", **variables)
    assert ran.status == 0, ran.err
    return {value["name"]: value for value in json.loads(ran.out)["values"]}


def test_path_is_the_settings_file():
    """`config path` prints the path and nothing else."""
    ran = kimi("config", "path")
    assert ran.out == f"{Paths.find(os.environ).settings_file}\n"


def test_show_names_where_each_value_comes_from():
    """A variable outranks the settings, and each value says which of them it is from."""
    kimi("provider", "groq", "--model", "m1")
    before, after = values(), values(KIMI_MODEL="m2", GROQ_API_KEY=GROQ_KEY)
    assert (before["model"]["value"], before["model"]["origin"]) == ("m1", "user")
    assert (after["model"]["value"], after["model"]["origin"], after["model"]["detail"]) == (
        "m2",
        "environment",
        "KIMI_MODEL",
    )
    assert after["key"]["value"] == "gsk_...mnop"


def test_a_project_chooses_the_model_and_cannot_redirect(tmp_path, monkeypatch):
    """A `.kimi.toml` sets provider and model for its tree; an address in it is ignored, with a warning."""
    kimi("provider", "groq", "--model", "m1")
    project = tmp_path / "project" / "inner"
    project.mkdir(parents=True)
    (project.parent / ".kimi.toml").write_text(
        'provider = "moonshot"\nmodel = "kimi-k2.6"\nbase_url = "https://x.example"\n'
    )
    monkeypatch.chdir(project)
    found = values()
    assert (found["provider"]["value"], found["provider"]["origin"]) == ("moonshot", "project")
    assert found["model"]["value"] == "kimi-k2.6"
    assert found["base_url"]["value"] == "https://api.moonshot.ai/anthropic"
    assert "could send your traffic" in " ".join(kimi("config", "show").err.split())


@pytest.mark.skipif(sys.platform == "win32", reason="the editor is a shell script")
def test_edit_opens_the_editor_and_looks_at_the_result(tmp_path):
    """The file opens in $EDITOR; what cannot be understood afterwards is said with its place."""
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "provider = oops" > "$1"\n')
    editor.chmod(0o700)
    ran = kimi("config", "edit", EDITOR=str(editor), VISUAL="")
    assert ran.status == 3
    assert "line 1" in ran.err


def test_another_word_is_a_usage_error():
    """`config` knows three words."""
    assert kimi("config", "nonsense").status == 2
