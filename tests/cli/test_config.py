"""`kimi config`, and what a project's file does."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from kimi_cli.store.paths import Paths
from tests.cli.run import GROQ_KEY, kimi

if TYPE_CHECKING:
    from pathlib import Path


posix = pytest.mark.skipif(sys.platform == "win32", reason="the editors are shell scripts")


def file() -> Path:
    """The settings file."""
    return Paths.find(os.environ).settings_file


@pytest.fixture
def editor(tmp_path):
    """Makes an editor of a few lines of shell."""

    def make(script: str) -> str:
        program = tmp_path / "editor"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        return str(program)

    return make


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


@posix
def test_edit_opens_the_editor_and_looks_at_the_result(editor):
    """The file opens in $EDITOR; what cannot be understood afterwards is said with its place, and left to be mended."""
    program = editor('printf "provider = oops" > "$1"')
    ran = kimi("config", "edit", EDITOR=program, VISUAL="")
    assert ran.status == 3
    assert "line 1, column 12" in ran.err
    assert "Try: kimi config edit" in ran.err
    assert file().read_text() == "provider = oops"
    mended = kimi("config", "edit", EDITOR=editor("""printf 'provider = "groq"' > "$1" """), VISUAL="")
    assert (mended.status, mended.out, mended.err) == (0, "", "")
    assert values()["provider"]["value"] == "groq"


@posix
def test_edit_takes_an_editor_with_arguments(editor):
    """$VISUAL counts before $EDITOR, and may have options of its own, quoted ones as well."""
    program = editor('printf "# %s|%s|%s" "$1" "$2" "$#" > "$3"')
    ran = kimi("config", "edit", VISUAL=f"{program} -w 'two words'", EDITOR="false")
    assert ran.status == 0, ran.err
    assert file().read_text() == "# -w|two words|3"


@posix
def test_edit_says_what_means_nothing(editor):
    """A word that is not understood is a warning, with the one that was probably meant."""
    ran = kimi("config", "edit", EDITOR=editor("""printf 'provder = "groq"' > "$1" """))
    assert ran.status == 0
    assert "did you mean provider" in ran.err


@posix
def test_edit_makes_a_private_directory_and_no_file(editor):
    """Somebody who leaves the editor without saving has no file, and the directory is theirs alone."""
    ran = kimi("config", "edit", EDITOR=editor(":"))
    assert (ran.status, ran.err) == (0, "")
    assert not file().exists()
    assert file().parent.stat().st_mode & 0o777 == 0o700


@posix
def test_an_editor_that_fails(editor):
    """An editor that ends with an error is told with its status; what it left is looked at first."""
    file().parent.mkdir(parents=True)
    file().write_text('provider = "groq"\n')
    ran = kimi("config", "edit", EDITOR=editor("exit 7"), VISUAL="")
    assert ran.status == 1
    assert "ended with status 7" in ran.err
    assert file().read_text() == 'provider = "groq"\n'
    assert kimi("config", "edit", EDITOR=editor('echo "x = [" > "$1"; exit 7'), VISUAL="").status == 3


@posix
@pytest.mark.parametrize(
    ("editor", "says"),
    [("/no/such/editor", "cannot be run (No such file or directory)"), ("vi 'unfinished", "no closing quotation")],
)
def test_an_editor_that_is_none(editor, says):
    """An editor that cannot be run is a usage error that names the way to another."""
    ran = kimi("config", "edit", EDITOR=editor, VISUAL=" ")
    assert ran.status == 2
    assert says in ran.err
    assert "Try: EDITOR=PROGRAM kimi config edit" in ran.err


def test_another_word_is_a_usage_error():
    """`config` knows three words, and offers the one that was probably meant."""
    ran = kimi("config", "edti")
    assert ran.status == 2
    assert "Try: kimi config edit" in ran.err
    assert "Try: kimi config show" in kimi("config", "nonsense").err
