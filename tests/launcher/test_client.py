"""Claude Code as a child process: its end, its signals, and the terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from kimi_cli.launcher.client import run_client
from tests.launcher.conftest import eventually, make_program

termios = pytest.importorskip("termios", reason="signals, stopping and terminals are POSIX's")

DRIVER = """
import os, sys
from kimi_cli.launcher.client import run_client
status = run_client(sys.argv[1:], environ=os.environ, started=lambda pid: print("child", pid, flush=True))
print("status", status, flush=True)
sys.exit(status)
"""
SHELL = Path(__file__).with_name("shell.py")


@pytest.fixture
def driver(tmp_path):
    """Starts the launcher's part with a program in place of Claude Code."""
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    started = []

    def start(source: str, **more) -> subprocess.Popen[str]:
        program = make_program(tmp_path / "client", source)
        command = [*more.pop("before", ()), sys.executable, str(script), str(program)]
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "text": True} | more
        process = subprocess.Popen(command, cwd=Path.cwd(), env={**os.environ, "PYTHONPATH": str(Path.cwd())}, **given)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def expect(process: subprocess.Popen[str], *words: str) -> None:
    """Reads lines until one begins with these words."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.split()[: len(words)] == list(words):
            return
    raise AssertionError(f"{words} did not come")


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_exit_status(status):
    """The client's exit status is ours."""
    pids = []
    command = [sys.executable, "-c", f"raise SystemExit({status})"]
    assert run_client(command, environ=os.environ, started=pids.append) == status
    assert len(pids) == 1


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGSEGV"])
def test_death_by_signal(name):
    """Death by signal n is 128 + n, as shells have it."""
    number = signal.Signals[name]
    default = "" if name == "SIGKILL" else f"signal.signal({number}, signal.SIG_DFL);"
    program = f"import os, signal; {default} os.kill(os.getpid(), {number})"
    assert run_client([sys.executable, "-c", program], environ=os.environ, started=lambda _: None) == 128 + number


def test_environment_and_directory(tmp_path):
    """It gets the environment that was given, and nothing else."""
    out = tmp_path / "out"
    program = f"import os; open({str(out)!r}, 'w').write(str(sorted(os.environ)))"
    environ = {"A": "1", "LC_CTYPE": "C.UTF-8"}
    assert run_client([sys.executable, "-c", program], environ=environ, started=lambda _: None) == 0
    assert out.read_text() == "['A', 'LC_CTYPE']"


def test_what_cannot_be_started():
    """The system's own error is passed on, and our handlers are gone."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(FileNotFoundError):
        run_client(["/no/such/program"], environ={}, started=lambda _: None)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("program", ["import time; time.sleep(600)", "STUBBORN", "pass"])
def test_what_fails_once_it_runs(program, monkeypatch, tmp_path):
    """Where its start cannot be completed the client is ended, also one that does not want to, and our handlers go."""
    monkeypatch.setattr("kimi_cli.launcher.client._END_SECONDS", 0.5)
    up = tmp_path / "up"
    stubborn = f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(up)!r}, 'w'); time.sleep(600)"
    before, pids = signal.getsignal(signal.SIGTERM), []

    def started(pid: int) -> None:
        pids.append(pid)
        if program == "STUBBORN":
            eventually(up.exists)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_client(
            [sys.executable, "-c", stubborn if program == "STUBBORN" else program], environ=os.environ, started=started
        )
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
    assert signal.getsignal(signal.SIGTERM) is before


def test_away_from_the_main_thread():
    """In another thread, where handlers cannot be set, a client runs all the same."""
    found = []
    thread = threading.Thread(
        target=lambda: found.append(
            run_client([sys.executable, "-c", "raise SystemExit(3)"], environ=os.environ, started=lambda _: None)
        )
    )
    thread.start()
    thread.join(30)
    assert found == [3]


REPORTS = """
import signal, sys, time
def told(number, frame):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(40 + number)
for name in ("SIGTERM", "SIGHUP", "SIGINT"):
    signal.signal(signal.Signals[name], told)
print("up", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_forwarded(driver, name):
    """SIGTERM and SIGHUP to us reach the client, whose answer to them is its own."""
    process = driver(REPORTS)
    expect(process, "up")
    process.send_signal(signal.Signals[name])
    expect(process, "got", name)
    assert process.wait(20) == 40 + signal.Signals[name]


def test_interrupts_are_the_clients(driver):
    """SIGINT and SIGQUIT to us alone do nothing: the terminal sends them to the client as well."""
    process = driver(REPORTS)
    expect(process, "up")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGQUIT)
    process.send_signal(signal.SIGTERM)
    expect(process, "got", "SIGTERM")
    assert process.wait(20) == 40 + signal.SIGTERM


def test_what_was_ignored_stays_ignored(driver, tmp_path):
    """Under nohup, and in the background of a script, the client ignores what it should."""
    ignoring = "import os, signal, sys; signal.signal(1, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    process = driver(
        "import signal; print('ignored', signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, flush=True)",
        before=[sys.executable, "-c", ignoring],
    )
    expect(process, "ignored", "True")


def test_exit_status_under_a_parent_that_ignores_children(driver):
    """Where our own parent had the system collect children, the client's status still arrives."""
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = driver("raise SystemExit(9)", before=[sys.executable, "-c", ignoring])
    expect(process, "status", "9")


@contextmanager
def shell(driver, source: str):
    """The same as a job of a shell, on a terminal; gives its process, the terminal and the shell's control."""
    terminal, inner = os.openpty()
    control_in, control = os.pipe()

    process = driver(
        source,
        before=[sys.executable, str(SHELL), str(control_in)],
        stdin=inner,
        start_new_session=True,
        pass_fds=(control_in,),
    )
    os.close(inner)
    os.close(control_in)
    try:
        yield process, terminal, control
    finally:
        os.close(terminal)
        os.close(control)


WAITS = """
import signal, sys
print("up", flush=True)
line = sys.stdin.readline()
print("read", line, flush=True)
"""


def test_stop_from_the_terminal(driver):
    """Ctrl-Z stops the client and us, once, and `fg` continues both."""
    with shell(driver, WAITS) as (process, terminal, control):
        expect(process, "up")
        os.write(terminal, b"\x1a")
        expect(process, "stopped", "SIGTSTP")
        os.write(control, b"f")
        os.write(terminal, b"on\n")
        expect(process, "read", "on")
        expect(process, "status", "0")
        expect(process, "ended", "0")


def test_stop_by_itself(driver):
    """A client that stops itself on Ctrl-Z, as Claude Code does, stops us too, and `fg` continues both."""
    source = "import os, signal; print('up', flush=True); os.kill(os.getpid(), signal.SIGSTOP)" + WAITS
    with shell(driver, source) as (process, terminal, control):
        expect(process, "up")
        expect(process, "stopped", "SIGSTOP")
        os.write(control, b"f")
        expect(process, "up")
        os.write(terminal, b"on\n")
        expect(process, "read", "on")
        expect(process, "ended", "0")


def test_interrupt_from_the_terminal(driver):
    """Ctrl-C reaches the client, which may live on, and we wait for it."""
    source = """
    import signal, sys
    def told(number, frame):
        print("interrupted", flush=True)
        sys.exit(5)
    signal.signal(signal.SIGINT, told)
    print("up", flush=True)
    sys.stdin.readline()
    """
    with shell(driver, source) as (process, terminal, _):
        expect(process, "up")
        os.write(terminal, b"\x03")
        expect(process, "interrupted")
        expect(process, "ended", "5")


def test_the_terminal_is_put_back_in_order(driver):
    """After a client that was killed in raw mode, the terminal is as it was before."""
    source = """
    import os, signal, sys, tty
    tty.setraw(0)
    print("raw", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    with shell(driver, source) as (process, terminal, _):
        before = termios.tcgetattr(terminal)
        expect(process, "raw")
        expect(process, "ended", "137")
        eventually(lambda: termios.tcgetattr(terminal) == before)
