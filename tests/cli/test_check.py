"""`kimi check`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.run import kimi
from tests.doubles.groq import KIMI, Groq
from tests.doubles.serve import running


@pytest.fixture
def claude(tmp_path) -> str:
    """Something that says it is Claude Code."""
    program = tmp_path / "claude"
    program.write_text(f"#!{sys.executable}\nprint('9.9.9 (Claude Code)')\n")
    program.chmod(0o700)
    return str(program)


def test_nothing_set_up_is_said_with_its_remedies():
    """With nothing configured every gap has a command, and the status is not 0."""
    ran = kimi("check", PATH="")
    assert ran.status == 3
    assert "Claude Code was not found" in ran.out
    assert "kimi provider NAME" in ran.out
    assert "would not work" in ran.out


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Claude Code is a script")
def test_everything_in_place(claude):
    """With provider, key and client in place the status is 0; the key is masked."""
    double = Groq()
    with running(double) as base_url:
        kimi("provider", "groq", "--base-url", base_url, "--model", KIMI)
        ran = kimi("check", "--online", "--claude", claude, "--json", GROQ_API_KEY=double.key)
    found = json.loads(ran.out)
    assert ran.status == 0
    assert (found["schema"], found["ok"]) == (1, True)
    by_topic = {finding["topic"]: finding for finding in found["findings"]}
    assert by_topic["claude"]["version"] == "9.9.9"
    assert by_topic["provider"]["base_url"] == base_url
    assert by_topic["model"]["id"] == KIMI
    assert by_topic["key"]["source"] == "environment"
    assert by_topic["host"]["verdict"] == "accepted"
    assert by_topic["proxy"]["running"] is False
    assert double.key not in ran.out


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Claude Code is a script")
@pytest.mark.parametrize(
    ("key", "model", "verdict"), [("gsk_wrong_0123456789", KIMI, "refused"), (None, "kimi-x", "accepted")]
)
def test_online_finds_what_the_host_refuses(claude, key, model, verdict):
    """A refused key and a model that is not listed are errors, found before a launch is."""
    double = Groq()
    with running(double) as base_url:
        kimi("provider", "groq", "--base-url", base_url, "--model", model)
        ran = kimi("check", "--online", "--claude", claude, "--json", GROQ_API_KEY=key or double.key)
    host = next(found for found in json.loads(ran.out)["findings"] if found["topic"] == "host")
    assert ran.status == 3
    assert (host["verdict"], host["level"]) == (verdict, "error")
    assert host["fix"].startswith("kimi ")


def test_another_kimi_earlier_on_the_path_is_named(tmp_path):
    """Moonshot's own command line has our name; a shell that finds it first is worth a word."""
    other = Path(tmp_path / "bin" / "kimi")
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o700)
    assert str(other) in kimi("check", "--json", PATH=str(other.parent)).out
