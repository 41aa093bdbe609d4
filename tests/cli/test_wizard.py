"""`kimi setup` on a terminal, as somebody meets it who has never seen it."""

from __future__ import annotations

import os
import re
import sys

import pytest

from kimi_cli.store.key_file import change_key, read_keys
from kimi_cli.store.paths import Paths
from kimi_cli.store.settings import choose_provider, read_settings, save_provider
from tests.cli.pty_screen import on_terminal
from tests.cli.run import GROQ_KEY
from tests.doubles.groq import KIMI, Groq
from tests.doubles.serve import running
from tests.launcher.conftest import make_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

HOST, KEY, KEEP, MODEL = "Which host", "API key for", "Keep the key", "Which model"
FILE, TAB = "unencrypted", "with Tab"
BASE_URL = "Its base URL"


@pytest.fixture
def paths() -> Paths:
    """The directories of somebody new."""
    return Paths.find(os.environ)


@pytest.fixture
def claude(sandbox) -> str:
    """Claude Code, which says what it was started with."""
    program = make_program(sandbox.root / "claude", "import sys; print('claude', sys.argv[-1])")
    return str(program)


@pytest.fixture
def double(paths):
    """A host behind whose address Groq is; nobody has chosen it yet."""
    found = Groq()
    with running(found):
        save_provider(paths.settings_file, "groq", base_url=found.base_url)
        yield found


def wizard(*answers: tuple[str, str], columns: int = 80, command: str = "setup", **variables: str):
    """Run it, typing an answer after each question."""
    return on_terminal(
        command, columns=columns, answers=[(asked, f"{typed}\r") for asked, typed in answers], **variables
    )


@pytest.mark.parametrize("columns", [80, 120])
def test_a_newcomer(double, paths, claude, columns):
    """Host, key and model, in steps that are set apart, and at the end the one line to type next."""
    shown = wizard(
        (HOST, "groq"), (KEY, double.key), (MODEL, ""), (FILE, "y"), (TAB, "n"), columns=columns, KIMI_CLAUDE=claude
    )
    assert shown.status == 0
    assert max(map(len, shown.lines)) <= columns
    text = shown.text
    steps = [
        "1. The host",
        "Prices are in dollars",
        HOST,
        "2. The key",
        KEY,
        "Groq takes the key.",
        "3. The model",
        MODEL,
    ]
    assert [text.index(step) for step in steps] == sorted(text.index(step) for step in steps)
    for step in ("1. The host", "2. The key", "3. The model", "Ready."):
        at = next(number for number, line in enumerate(shown.lines) if line.startswith(step))
        assert shown.lines[at - 1] == ""
        assert shown.lines[at - 2] != ""
    assert shown.lines[-1] == "Ready. Type kimi to start."
    assert double.key not in shown.sent
    settings = read_settings(paths.settings_file)
    assert (settings.provider, settings.of("groq").model) == ("groq", KIMI)
    assert read_keys(paths.keys_file) == {"groq": double.key}


def test_the_tables_hold_eighty_columns(double, claude):
    """Ids, windows and prices stand side by side, whole."""
    shown = wizard((HOST, "9"), (KEY, double.key), (MODEL, "1"), (FILE, "y"), (TAB, "n"), KIMI_CLAUDE=claude)
    rows = [line.split() for line in shown.lines]
    assert ["1", "Moonshot", "Kimi", "K3", "fast", "models", "1M", "3", "15"] in rows
    assert ["1", KIMI, "256K", "1", "3"] in rows


def test_without_claude_code(double):
    """Where it is missing the commands that install it are told first, one on each line, and again at the end."""
    shown = wizard((HOST, "groq"), (KEY, double.key), (MODEL, ""), (FILE, "y"), (TAB, "n"), PATH="/usr/bin:/bin")
    assert "Claude Code is not installed." in shown.text
    assert "  Try: curl -fsSL https://claude.ai/install.sh | bash" in shown.lines
    assert shown.lines[-1] == "Ready, but for Claude Code. Install it as shown above, then type kimi."


def test_wrong_answers_are_asked_again(double, claude):
    """A number that is none, a key that is none or refused, and a model that is none are told and asked again."""
    shown = wizard(
        (HOST, "99"),
        (HOST, "x"),
        (HOST, "groq"),
        (KEY, ""),
        (KEY, "two words"),
        (KEY, GROQ_KEY),
        (KEY, double.key),
        (MODEL, "99"),
        (MODEL, "2"),
        (FILE, "y"),
        (TAB, "n"),
        KIMI_CLAUDE=claude,
    )
    assert shown.status == 0
    assert shown.text.count("Please choose a number from 1 to 10, or a name.") == 2
    assert "it is empty" in shown.words
    assert "spaces, line breaks" in shown.words
    assert "refused the key (401): Invalid API Key." in shown.words
    assert "Please choose a number from 1 to 3, or give an id." in shown.text
    assert GROQ_KEY not in shown.sent


def test_running_it_again_keeps_what_is_set(double, paths, claude):
    """Enter at every question changes nothing: host, key and model are those that are set."""
    change_key(paths.keys_file, "groq", key=double.key)
    save_provider(paths.settings_file, "groq", model="openai/gpt-oss-120b")
    choose_provider(paths.settings_file, "groq")
    before = paths.settings_file.read_bytes(), paths.keys_file.read_bytes()
    shown = wizard((HOST, ""), (KEEP, ""), (MODEL, ""), (TAB, ""), KIMI_CLAUDE=claude)
    assert shown.status == 0
    assert "Which host (number) (9)" in shown.text
    assert "Which model (number or id) (openai/gpt-oss-120b)" in shown.text
    assert (paths.settings_file.read_bytes(), paths.keys_file.read_bytes()) == before


def test_a_model_that_is_gone_is_not_kept(double, paths, claude):
    """A model that is set and not listed any more gives way to one that is."""
    change_key(paths.keys_file, "groq", key=double.key)
    save_provider(paths.settings_file, "groq", model="gone")
    shown = wizard((HOST, "groq"), (KEEP, ""), (MODEL, ""), (TAB, ""), KIMI_CLAUDE=claude)
    assert f"({KIMI})" in shown.text
    assert read_settings(paths.settings_file).of("groq").model == KIMI


def test_a_model_that_is_not_listed_is_taken_with_a_warning(double, paths, claude):
    """Any id can be typed."""
    shown = wizard((HOST, "groq"), (KEY, double.key), (MODEL, "kimi-k9"), (FILE, "y"), (TAB, "n"), KIMI_CLAUDE=claude)
    assert "Warning: Groq does not list kimi-k9." in shown.words
    assert read_settings(paths.settings_file).of("groq").model == "kimi-k9"


@pytest.mark.parametrize("end", ["\x03", "\x04"])
@pytest.mark.parametrize("step", range(4))
def test_leaving_it_changes_nothing(double, paths, claude, step, end):
    """Ctrl-C or Ctrl-D at any question leaves everything as it was, and says so."""
    before = paths.settings_file.read_bytes()
    way = [(HOST, "groq"), (KEY, double.key), (MODEL, ""), (FILE, "y")]
    answers = [(asked, f"{typed}\r") for asked, typed in way[:step]] + [(way[step][0], end)]
    shown = on_terminal("setup", answers=answers, KIMI_CLAUDE=claude)
    assert shown.status == 130
    assert "Error" not in shown.text
    assert "Traceback" not in shown.text
    if step < 3:
        assert shown.lines[-1] == "Nothing is changed."
    assert paths.settings_file.read_bytes() == before
    assert not paths.keys_file.exists()


def test_no_to_the_file_changes_nothing(double, paths, claude):
    """Where no keyring works and the file is not wanted either, nothing is stored, and the explicit way is named."""
    before = paths.settings_file.read_bytes()
    shown = wizard((HOST, "groq"), (KEY, double.key), (MODEL, ""), (FILE, "n"), KIMI_CLAUDE=claude)
    assert shown.status == 3
    assert "No keyring that keeps keys works here." in shown.words
    assert "--insecure-storage" in shown.text
    assert paths.settings_file.read_bytes() == before
    assert not paths.keys_file.exists()


def test_a_host_of_ones_own(double, paths, claude):
    """A host that is in no catalogue is asked for its address, until that is one, and needs no key if it says so."""
    shown = wizard(
        (HOST, "custom"),
        (BASE_URL, "h.example"),
        (BASE_URL, "http://h.example/v1"),
        (BASE_URL, f"{double.base_url}/chat/completions"),
        (KEY, double.key),
        (MODEL, ""),
        (FILE, "y"),
        (TAB, "n"),
        KIMI_CLAUDE=claude,
    )
    assert shown.status == 0
    assert "no scheme" in shown.words
    assert "would send the key unencrypted" in shown.words
    assert "Custom host wants a key." in shown.text
    own = read_settings(paths.settings_file).of("custom")
    assert (own.base_url, own.model) == (double.base_url, KIMI)


def test_a_host_out_of_reach(paths, claude):
    """A host that does not answer is a warning; what was typed is stored all the same."""
    with running(Groq()) as url:
        pass
    save_provider(paths.settings_file, "groq", base_url=url)
    shown = wizard((HOST, "groq"), (MODEL, "kimi-k9"), (TAB, "n"), KIMI_CLAUDE=claude)
    assert shown.status == 0
    assert "could not be reached" in shown.words
    assert read_settings(paths.settings_file).provider == "groq"


def test_a_key_in_a_variable(double, paths, claude):
    """A key that is exported is offered, its host is the one that Enter takes, and nothing is stored."""
    shown = wizard((HOST, ""), (KEEP, ""), (MODEL, ""), (TAB, ""), KIMI_CLAUDE=claude, GROQ_API_KEY=double.key)
    assert shown.status == 0
    assert any(line.endswith("key set") and " Groq " in line for line in shown.lines)
    assert "from GROQ_API_KEY" in shown.words
    assert read_settings(paths.settings_file).provider == "groq"
    assert not paths.keys_file.exists()


def test_another_key_than_the_variables(double, claude):
    """A key that a variable outranks is stored, and that it is not used while the variable is set is told."""
    shown = wizard(
        (HOST, "groq"),
        (KEEP, "n"),
        (KEY, double.key),
        (MODEL, ""),
        (FILE, "y"),
        (TAB, ""),
        KIMI_CLAUDE=claude,
        GROQ_API_KEY=GROQ_KEY,
    )
    assert "GROQ_API_KEY is set, and is used instead while it is." in shown.words


def test_a_key_of_the_predecessor(double, paths, claude, sandbox):
    """An old key is offered, used, and moved at the very end."""
    old = sandbox.home / ".config" / "kimi-claude" / "groq_api_key"
    old.parent.mkdir(parents=True)
    old.write_text(double.key)
    shown = wizard(("Take it over", "y"), (HOST, "groq"), (MODEL, ""), (FILE, "y"), (TAB, "n"), KIMI_CLAUDE=claude)
    assert shown.status == 0
    assert "The old key for Groq is in a file that only you can read." in shown.words
    assert read_keys(paths.keys_file) == {"groq": double.key}
    assert not old.exists()


def test_leaving_it_leaves_the_predecessors_key(double, claude, sandbox):
    """An old key stays where it is when the rest is not gone through with."""
    old = sandbox.home / ".config" / "kimi-claude" / "groq_api_key"
    old.parent.mkdir(parents=True)
    old.write_text(double.key)
    shown = on_terminal("setup", answers=[("Take it over", "y\r"), (HOST, "\x03")], KIMI_CLAUDE=claude)
    assert shown.status == 130
    assert old.read_text() == double.key


def test_broken_settings_come_first(paths, claude):
    """Nobody is asked anything before a broken file is told, with its place and the command."""
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.write_text('provider = "groq\n')
    shown = on_terminal("setup", KIMI_CLAUDE=claude)
    assert shown.status == 3
    assert "line 1, column 17" in shown.words
    assert "Try: kimi config edit" in shown.text
    assert paths.settings_file.read_text() == 'provider = "groq\n'


def test_the_first_launch_sets_up_and_goes_on(double, claude, no_leftovers):
    """`kimi` with nothing set up asks, and then starts Claude Code."""
    answers = [(HOST, "groq"), (KEY, double.key), (MODEL, ""), (FILE, "y"), (TAB, "n")]
    shown = on_terminal(
        "go on",
        answers=[(asked, f"{typed}\r") for asked, typed in answers],
        KIMI_CLAUDE=claude,
        KIMI_IDLE_GRACE="0",
        KIMI_PROXY_PORT="0",
    )
    assert shown.status == 0
    assert "Ready." in shown.lines
    assert shown.lines[-1] == "claude go on"


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_without_colours(double, claude, variables):
    """Whoever wants no colours, or cannot show them, gets none."""
    answers = [(HOST, "groq"), (KEY, double.key), (MODEL, ""), (FILE, "y"), (TAB, "n")]
    shown = wizard(*answers, KIMI_CLAUDE=claude, **variables)
    assert shown.status == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", shown.sent)
