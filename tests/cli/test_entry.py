"""What a command line means, and how failures look."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from kimi_cli import __version__
from kimi_cli.cli.app import app
from kimi_cli.cli.entry import COMMANDS, meaning, slip
from tests.cli.run import kimi
from tests.launcher.conftest import make_program


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ([], ["launch"]),
        (["--print", "hello"], ["launch", "--print", "hello"]),
        (["-c"], ["launch", "-c"]),
        (["mcp", "list"], ["launch", "mcp", "list"]),
        (["launch", "--", "--help"], ["launch", "--", "--help"]),
        (["provider", "groq"], ["provider", "groq"]),
        (["--help"], ["--help"]),
        (["-h"], ["--help"]),
        (["help"], ["--help"]),
        (["help", "serve"], ["serve", "--help"]),
    ],
)
def test_meaning(typed, meant):
    """What is no command of ours is Claude Code with arguments."""
    assert meaning(typed) == meant


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        (["statsu"], "status"),
        (["Provider"], "provider"),
        (["start"], None),
        (["fix the bug"], None),
        (["--stats"], None),
    ],
)
def test_slips(typed, command):
    """A word that looks like a command is taken for a slip, a prompt or an option is not."""
    assert slip(typed) == command


def test_without_a_terminal_a_slip_goes_to_claude_code():
    """Nobody is there to be asked, so the word is Claude Code's, which is not installed here."""
    ran = kimi("statsu", PATH="")
    assert ran.status in {3, 4}
    assert "instead of" not in ran.err


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("kimi prov", "provider"),
        ("kimi provider mo", "moonshot"),
        ("kimi set-key gr", "groq"),
        ("kimi launch --pro", "--provider"),
    ],
)
def test_completion(words, offered):
    """The shell can complete commands, options and names of providers."""
    ran = kimi(_KIMI_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
    assert offered in ran.out.split()


def test_models_are_completed_for_the_chosen_provider():
    """Ids of models come from the catalogue where no list was fetched, retired ones left out."""
    kimi("provider", "moonshot")
    ran = kimi(_KIMI_COMPLETE="complete_bash", COMP_WORDS="kimi model kimi-k", COMP_CWORD="2")
    assert "kimi-k2.6" in ran.out.split()
    assert "kimi-k2.5" not in ran.out.split()


def test_every_command_is_known():
    """The words that are not passed on are exactly the application's commands, and `help`."""
    names = set(typer.main.get_command(app).commands)
    assert names | {"help"} == set(COMMANDS)


def test_version():
    """`--version` says the version on stdout."""
    ran = kimi("--version")
    assert (ran.status, ran.out, ran.err) == (0, f"kimi {__version__}\n", "")


@pytest.mark.parametrize("command", [("--version",), ("provider",), ("status",), ("status", "--json")])
def test_small_commands_load_nothing_heavy(command):
    """Commands that need neither network nor keys import neither aiohttp nor keyring."""
    code = (
        "import sys\n"
        "from kimi_cli.cli.entry import run\n"
        "status = run(sys.argv[1:])\n"
        "heavy = {'aiohttp', 'keyring'} & set(sys.modules)\n"
        "sys.exit(f'imports {heavy}' if heavy else status)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"help"}))
def test_help_fits_eighty_columns(command):
    """Every command's help has an explanation and keeps to 80 columns."""
    ran = kimi(command, "--help", COLUMNS="80", TERM="dumb")
    assert ran.status == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "Usage: kimi" in ran.out


def test_a_wrong_option_is_a_usage_error():
    """A command used wrongly ends with status 2 and says so on stderr."""
    ran = kimi("status", "--jsn")
    assert ran.status == 2
    assert ran.out == ""
    assert "--jsn" in ran.err


def test_an_unforeseen_failure_is_one_sentence():
    """Whatever goes wrong, the user sees a sentence; the traceback only under KIMI_DEBUG."""
    code = (
        "import sys\n"
        "import kimi_cli.cli.status as p\n"
        "def broken(paths): raise ZeroDivisionError('oops')\n"
        "p.survey = broken\n"
        "from kimi_cli.cli.entry import run\n"
        "sys.exit(run(['status']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Something unforeseen went wrong (ZeroDivisionError: oops).")
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_no_failure_to_report():
    """`kimi provider list | head -0` says nothing."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kimi_cli", "provider", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert b"Traceback" not in err
    assert b"Exception" not in err


_LEAVES = """
import atexit, concurrent.futures, ssl, sys, threading, time
from kimi_cli.cli.entry import leave

def work():
    while True:
        ssl.create_default_context()
        begun.set()

begun = threading.Event()
atexit.register(print, "in order")
if sys.argv[1:]:
    threading.Thread(target=work, daemon=True).start()
    begun.wait()
if "pool" in sys.argv:
    concurrent.futures.ThreadPoolExecutor().submit(time.sleep, 0.01)
print("said", end=" ")
leave(3)
"""


@pytest.mark.parametrize("arguments", [(), ("thread",), ("thread", "pool")])
def test_the_end_comes_in_order(arguments):
    """Whatever a thread that is left is at, what was said is out, what is to be done at the end is, and none crashes.

    The interpreter's own end crashes every other time with this thread.
    """
    for _ in range(8):
        ran = subprocess.run([sys.executable, "-c", _LEAVES, *arguments], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stdout, ran.stderr) == (3, "said in order\n", "")


_INTERRUPTED = """
import sys
from kimi_cli.cli import main

class Interrupting:
    def find_spec(self, name, *_):
        if name == "kimi_cli.cli.entry":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
main()
"""


def test_interrupted_while_it_loads():
    """Ctrl-C right after the start ends it without a word."""
    ran = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="the shell is a POSIX one")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["provider", "logs", "statsu --version"])
def test_closed_streams(command, closed, sandbox):
    """Where nobody listens nothing is said, and everything else is done."""
    make_program(sandbox.home / ".local/bin/claude", "print('ran'); raise SystemExit(7)")
    words = f'"{sys.executable}" -m kimi_cli {command} {closed}'
    ran = subprocess.run(["/bin/sh", "-c", words], capture_output=True, text=True, check=False)
    assert "unforeseen" not in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == (7 if command.startswith("statsu") else 0)


@pytest.mark.skipif(sys.platform == "win32", reason="the shell is a POSIX one")
def test_the_version_into_a_pipe_that_nobody_reads():
    """It ends without a word."""
    words = f'"{sys.executable}" -m kimi_cli --version | true'
    ran = subprocess.run(["/bin/sh", "-c", words], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
