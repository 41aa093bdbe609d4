"""Completion: what is offered, and that the shells that are installed offer it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from kimi_cli.store.live_models import LiveModel, write_live
from kimi_cli.store.paths import Paths
from kimi_cli.store.settings import choose_provider, save_provider
from tests.cli.run import kimi
from tests.e2e.terminal import find_tmux, terminal
from tests.launcher.conftest import make_program

if TYPE_CHECKING:
    from pathlib import Path

SHELLS = ("bash", "zsh", "fish")
posix = pytest.mark.skipif(sys.platform == "win32", reason="the program is a script")


@pytest.fixture
def paths() -> Paths:
    """A user with a provider of their own, and Moonshot chosen."""
    found = Paths.find(os.environ)
    save_provider(found.settings_file, "mine", base_url="http://127.0.0.1:9/v1", model="m")
    choose_provider(found.settings_file, "moonshot")
    return found


@pytest.fixture
def folder(sandbox) -> Path:
    """A directory of PATH with `kimi` in it."""
    program = make_program(sandbox.root / "bin" / "kimi", "from kimi_cli.cli import main\nmain()\n")
    return program.parent


def offered(words: str, **variables: str) -> list[str]:
    """What bash would be offered for this line, with the cursor at its end."""
    count = len(shlex.split(words)) - (not words.endswith(" "))
    ran = kimi(_KIMI_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(count), **variables)
    assert ran.err == ""
    return ran.out.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("kimi prov", ["provider"]),
        ("kimi se", ["setup", "set-key", "search", "serve"]),
        ("kimi provider m", ["moonshot", "moonshot-cn", "mine"]),
        ("kimi provider l", ["list"]),
        ("kimi provider remove ", ["mine"]),
        ("kimi provider add ", []),
        ("kimi set-key gr", ["groq"]),
        ("kimi unset-key gr", ["groq"]),
        ("kimi reset --provider mi", ["mine"]),
        ("kimi launch --provider cu", ["custom"]),
        ("kimi launch --prov", ["--provider"]),
        ("kimi model --slot ", ["opus", "sonnet", "haiku", "subagent"]),
        ("kimi config ", ["path", "show", "edit"]),
        ("kimi zzz", []),
    ],
)
def test_words(paths, words, expected):
    """Commands, options, providers, slots and our own words, and nothing that would be wrong there."""
    assert offered(words) == expected


@pytest.mark.parametrize(
    ("words", "variables", "expected"),
    [
        ("kimi model kimi-k2.6", {}, "kimi-k2.6"),
        ("kimi launch --provider openrouter --model moon", {}, "moonshotai/kimi-k3"),
        ("kimi model --provider together moon", {}, "moonshotai/Kimi-K3"),
        ("kimi provider openrouter --model ", {}, "moonshotai/kimi-k2.6"),
        ("kimi model moon", {"KIMI_PROVIDER": "openrouter"}, "moonshotai/kimi-k3"),
        ("kimi setup --provider groq --model op", {}, "openai/gpt-oss-120b"),
    ],
)
def test_models(paths, words, variables, expected):
    """Ids are those of the provider on the line, of the variable, or of the one that is chosen."""
    found = offered(words, **variables)
    assert expected in found
    assert all(one.startswith(words.rpartition(" ")[2]) for one in found)


def test_retired_models_are_not_offered(paths):
    """What the host has ended is not what somebody wants to type."""
    assert "kimi-k2.5" not in offered("kimi model kimi-k")


def test_models_of_the_remembered_list(paths):
    """A list that was fetched counts over the catalogue."""
    write_live(paths, "moonshot", "https://api.moonshot.ai/anthropic", [LiveModel("kimi-k9")], now=time.time())
    assert offered("kimi model ") == ["kimi-k9"]


@pytest.mark.parametrize("text", ['provider = "groq\n', 'provider = "nobody"\n', ""])
def test_settings_that_help_nobody(text):
    """Broken or empty settings are nothing that a completion could tell; the catalogue is there all the same."""
    file = Paths.find(os.environ).settings_file
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert "moonshot" in offered("kimi provider mo")
    assert offered("kimi model ") == []


@pytest.mark.parametrize("shell", ["powershell", "pwsh"])
def test_powershell(paths, shell):
    """PowerShell gets a word a line, with what it means behind it."""
    ran = kimi(
        _KIMI_COMPLETE=f"complete_{shell}",
        _TYPER_COMPLETE_ARGS="kimi provider mo",
        _TYPER_COMPLETE_WORD_TO_COMPLETE="mo",
    )
    assert [line.partition(":::")[0] for line in ran.out.splitlines()] == ["moonshot", "moonshot-cn"]


def test_what_powershell_leaves_behind():
    """After a completion the variable is there, and empty; then commands mean what they always do."""
    ran = kimi("--print", "hello", PATH="", _KIMI_COMPLETE="")
    assert ran.status == 4
    assert "Claude Code was not found" in ran.err
    assert kimi("help", _KIMI_COMPLETE="").status == 0


@pytest.mark.parametrize("shell", [*SHELLS, "powershell", "pwsh"])
def test_the_script_of_each_shell(shell):
    """Every shell has a script that can be shown, to be put where that shell reads it."""
    ran = kimi("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert (ran.status, ran.err) == (0, "")
    assert f"complete_{'powershell' if shell == 'pwsh' else shell}" in ran.out


@posix
@pytest.mark.parametrize("shell", SHELLS)
def test_installing_it_changes_one_file_of_the_shell(sandbox, folder, shell):
    """The shell that it is run from gets the script; what stood in its start-up file before still does."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    start = sandbox.home / {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}[shell]
    start.parent.mkdir(parents=True, exist_ok=True)
    start.write_text("# mine\n")
    done = subprocess.run(
        [
            program,
            "-c",
            "kimi --install-completion; echo status $?" if shell != "fish" else "kimi --install-completion",
        ],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{shell} completion installed" in done.stdout
    assert start.read_text().startswith("# mine\n")


@posix
def test_bash(sandbox, paths, folder):
    """Bash completes names of providers after its start-up file was changed."""
    program = shutil.which("bash")
    if program is None:
        pytest.skip("bash is not installed")
    script = (
        'eval "$(kimi --show-completion bash)"\n'
        "COMP_WORDS=(kimi provider mo) COMP_CWORD=2\n"
        '_kimi_completion kimi\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        [program, "--norc", "-c", script],
        env={
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["moonshot", "moonshot-cn"], done.stderr


@posix
def test_fish(paths, folder):
    """Fish offers models of the provider on the line."""
    program = shutil.which("fish")
    if program is None:
        pytest.skip("fish is not installed")
    script = "kimi --show-completion fish | source; complete -C 'kimi launch --provider openrouter --model moonshotai/'"
    done = subprocess.run(
        [program, "--no-config", "-c", script],
        env={
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["moonshotai/kimi-k2.6", "moonshotai/kimi-k3"], done.stderr


@posix
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tab_in_a_shell(sandbox, paths, folder, shell):
    """Somebody who sets completion up and starts a new shell has Tab complete a provider's name."""
    tmux, program = find_tmux(), shutil.which(shell)
    if tmux is None or program is None:
        pytest.skip(f"{'tmux' if tmux is None else shell} is not installed")
    environ = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SHELL": program}
    subprocess.run([program, "-c", "kimi --install-completion; true"], env=environ, timeout=60, check=True)
    with terminal(tmux, [program, "-i"], socket=sandbox.root / "t", environ=environ, cwd=sandbox.home) as window:
        window.wait_for(r"[$#%]\s*$")
        window.type("kimi set-key gro")
        window.press_until("Tab", r"kimi set-key groq\b")
        window.press("C-c")
        window.press("C-d")


@posix
def test_powershell_itself(paths, folder):
    """PowerShell's own completion offers providers."""
    program = shutil.which("pwsh")
    if program is None:
        pytest.skip("pwsh is not installed")
    script = (
        "kimi --show-completion pwsh | Out-String | Invoke-Expression\n"
        "(TabExpansion2 'kimi provider mo' 16).CompletionMatches.CompletionText"
    )
    done = subprocess.run(
        [program, "-NoProfile", "-Command", script],
        env={
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["moonshot", "moonshot-cn"], done.stderr
