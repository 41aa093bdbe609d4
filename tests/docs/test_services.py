"""docs/services.md: its examples are what the command line takes and what the systems read."""

from __future__ import annotations

import ast
import configparser
import json
import plistlib
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main

from kimi_cli.cli.app import app
from kimi_cli.cli.duration import parse_duration
from kimi_cli.cli.serve import ADDRESS_VARIABLE, TOKEN_VARIABLE
from kimi_cli.cli.shell_syntax import Shell, evaluated
from kimi_cli.store.session_token import FORM_IN_WORDS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "services.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands


def blocks(language: str) -> list[str]:
    """The examples in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def block(language: str) -> str:
    """The only one."""
    (found,) = blocks(language)
    return found


def check(command: list[str]) -> dict[str, object]:
    """The parameters of a command line of kimi, once the application itself has parsed it."""
    program, name, *arguments = command
    assert Path(program).name == "kimi"
    return COMMANDS[name].make_context(name, arguments).params


def test_systemd():
    """The unit runs a command that exists, with the home directory in systemd's way, and restarts it after failures."""
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str
    unit.read_string(block("ini"))
    service = unit["Service"]
    params = check(shlex.split(service["ExecStart"]))
    assert (params["port"], str(params["token_file"])) == (8091, "%h/.config/kimi-serve.token")
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == ["2", "3"]
    assert "~" not in service["ExecStart"]


def test_systemd_says_so_too(tmp_path):
    """systemd itself finds no fault with the unit."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    program = tmp_path / "kimi"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "kimi-serve.service"
    unit.write_text(block("ini").replace("%h/.local/bin/kimi", str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    about = [line for line in done.stderr.splitlines() if "kimi-serve" in line]
    if done.returncode and not about:
        pytest.skip(f"systemd-analyze does not work here: {done.stderr.strip()}")
    assert about == []


def test_systemd_notices_faults(tmp_path):
    """The check above can fail: a unit with a word of ours in it is complained about."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    unit = tmp_path / "kimi-serve.service"
    unit.write_text(
        block("ini").replace("%h/.local/bin/kimi", "/bin/true").replace("KillMode=mixed", "KillMode=gently")
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "kimi-serve" not in done.stderr:
        pytest.skip(f"systemd-analyze does not work here: {done.stderr.strip()}")
    assert "gently" in done.stderr


def test_launchd():
    """The property list is one; its command exists, all paths are absolute, and it is started again after failures."""
    found = plistlib.loads(block("xml").encode())
    params = check(found["ProgramArguments"])
    assert (params["port"], str(params["token_file"])) == (8091, "/Users/you/.config/kimi-serve.token")
    assert found["KeepAlive"] == {"SuccessfulExit": False}
    assert found["RunAtLoad"] is True
    for path in (found["ProgramArguments"][0], str(params["token_file"]), found["StandardErrorPath"]):
        assert path.startswith("/")


def test_containers():
    """The commands of both images exist."""
    own, beside = (json.loads(re.search(r"^CMD (.*)$", text, re.MULTILINE)[1]) for text in blocks("dockerfile"))
    assert own[:2] == ["sh", "-c"]
    inner = re.search(r'eval "\$\((kimi env .*?)\)"', own[2])[1]
    assert check(shlex.split(inner))["model"] == "kimi-k2.6"
    params = check(beside)
    assert parse_duration(params["session_ttl"], option="--session-ttl") == 8 * 3600


def test_every_command():
    """Whatever command of kimi stands in the text, alone or in a line of a shell, is one."""
    found = re.findall(r"`(kimi (?:env|serve|set-key)[^`]*)`", TEXT)
    found += re.findall(r"\$\((kimi [^)]*)\)", TEXT.replace('\\"', '"'))
    found += re.findall(r"^[$>] (kimi [^|#\n]*)", TEXT, re.MULTILINE)
    assert len(found) > 10
    for command in found:
        check(shlex.split(command))


def test_every_option():
    """Whatever option stands in the text on its own is one of the two commands."""
    names = {
        name for command in ("env", "serve") for parameter in COMMANDS[command].params for name in parameter.opts
    } | {name for parameter in COMMANDS["set-key"].params for name in parameter.opts}
    mentioned = set(re.findall(r"`(--[a-z-]+)", TEXT))
    assert mentioned - {"--tmpfs"} <= names
    assert {"--port", "--token-file", "--session-ttl", "--json", "--shell"} <= mentioned


def test_how_it_is_taken_up():
    """The lines for the shells are those that `kimi env` itself says."""
    for shell in (Shell.BASH, Shell.FISH, Shell.POWERSHELL):
        assert re.search(rf"^[$>] {re.escape(evaluated(shell, 'kimi env'))}\s+#", TEXT, re.MULTILINE)
    assert evaluated(Shell.SH, "kimi env --close") in TEXT


def test_editor():
    """The editor's settings are JSON, with the variables that `kimi serve` prints."""
    settings = json.loads(block("json"))
    names = [variable["name"] for variable in settings["claudeCode.environmentVariables"]]
    assert names[:2] == [ADDRESS_VARIABLE, TOKEN_VARIABLE]


def test_facts():
    """What the text says of tokens is what holds, and its Python is Python."""
    assert FORM_IN_WORDS in " ".join(TEXT.split())
    ast.parse(block("python"))
