"""`kimi logs` as a command, in pipes and while something is logged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue

import pytest

from kimi_cli.store.bodies import Part
from kimi_cli.store.paths import Paths
from tests.cli.run import kimi

SECONDS = 30.0
"""How long a line may take on a loaded machine."""
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes are POSIX's")


@pytest.fixture
def paths():
    """This user's directories."""
    return Paths.find(os.environ)


def line(event, *, minutes=0.0, **fields) -> str:
    """An event as the proxy logs it."""
    time = datetime.now(tz=UTC) - timedelta(minutes=minutes)
    return json.dumps({"time": time.isoformat(timespec="milliseconds"), "level": "info", "event": event, **fields})


def write(path, *lines):
    """Adds lines to a log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def events(ran) -> list[str]:
    """The events of what `--json` printed."""
    return [json.loads(line)["event"] for line in ran.out.splitlines()]


@contextmanager
def following(*options):
    """`kimi logs --follow` while it runs; its lines can be waited for."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kimi_cli", "logs", "--follow", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = SimpleQueue()
    thread = threading.Thread(target=lambda: [lines.put(line) for line in process.stdout])
    thread.start()
    try:
        yield process, lambda: lines.get(timeout=SECONDS).rstrip("\n")
    finally:
        process.kill()
        process.wait()
        thread.join()
        process.stdout.close()
        process.stderr.close()


@pytest.mark.parametrize("options", [(), ("--json",), ("--since", "1d"), ("--serve",)])
def test_nothing_was_logged_yet(options, paths):
    """One sentence on stderr, nothing on stdout, no failure, and nothing is made by looking."""
    ran = kimi("logs", *options)
    assert (ran.status, ran.out, ran.err) == (0, "", "Nothing has been logged yet.\n")
    assert not paths.log_dir.exists()


def test_nothing_of_that_kind():
    """That no line is of the session that is asked for is said, not left to an empty screen."""
    write(Paths.find(os.environ).log_file, line("started"))
    ran = kimi("logs", "--session", "abc")
    assert (ran.status, ran.out, ran.err) == (0, "", "Nothing that was logged is of that kind.\n")


def test_the_last_lines_of_all_files(paths):
    """Fifty lines by default, those of older files before those of the current one; another number where asked."""
    write(paths.log_file.with_name("proxy.log.2"), *(line(f"a{number}") for number in range(5)))
    write(paths.log_file.with_name("proxy.log.1"), *(line(f"b{number}") for number in range(30)))
    write(paths.log_file, *(line(f"c{number}") for number in range(30)))
    everything = [*(f"a{n}" for n in range(5)), *(f"b{n}" for n in range(30)), *(f"c{n}" for n in range(30))]
    assert events(kimi("logs", "--json")) == everything[-50:]
    assert events(kimi("logs", "--json", "-n", "2")) == everything[-2:]
    assert events(kimi("logs", "--json", "--lines", "1000")) == everything
    assert kimi("logs", "-n", "0").out == ""


def test_since_means_all_lines_since(paths):
    """A time asks for everything from then on, unless a number is named as well."""
    write(paths.log_file, line("old", minutes=30), *(line(f"e{number}", minutes=5) for number in range(60)))
    assert len(events(kimi("logs", "--json", "--since", "10m"))) == 60
    assert len(events(kimi("logs", "--json", "--since", "1h"))) == 61
    assert events(kimi("logs", "--json", "--since", "10m", "-n", "1")) == ["e59"]


def test_one_session(paths):
    """The beginning of its id picks a session's lines."""
    write(paths.log_file, line("session opened", id="ses_ab12"), line("message", session="ses_cd34"), line("started"))
    write(paths.log_file, line("message", session="ses_ab12"))
    assert events(kimi("logs", "--json", "--session", "ses_ab")) == ["session opened", "message"]
    ran = kimi("logs", "--session", "ab12")
    assert [text.split("  ")[-1] for text in ran.out.splitlines()] == ["ses_ab12", "ses_ab12"]


def test_json_is_as_it_was_logged(paths):
    """The lines pass unchanged, byte for byte; what would not parse is left out, and shown without the option."""
    odd = '{"b":1,  "event" : "\\u00e9 \\ud83d", "a": 1.50}'
    write(paths.log_file, odd, "Fatal Python error", line("last"))
    assert kimi("logs", "--json").out.splitlines()[0] == odd
    assert len(kimi("logs", "--json").out.splitlines()) == 2
    assert "\nFatal Python error\n" in kimi("logs").out


def test_half_a_line_at_the_end_is_shown(paths):
    """What a process was writing when it died is part of what it left."""
    write(paths.log_file, line("started"))
    with paths.log_file.open("a") as file:
        file.write("Fatal Pyth")
    assert kimi("logs").out.endswith("\nFatal Pyth\n")


def test_the_other_log(paths):
    """`kimi serve` has a log of its own, and neither shows the other's lines."""
    write(paths.serve_log_file, line("served"))
    write(paths.log_file, line("launched"))
    assert events(kimi("logs", "--json", "--serve")) == ["served"]
    assert events(kimi("logs", "--json")) == ["launched"]


def test_a_pipe_gets_one_line_an_event(paths):
    """However long an event is, whoever reads lines reads one; nothing in it is a colour."""
    write(paths.log_file, line("message", failure="long " * 200), line("next"))
    ran = kimi("logs", COLUMNS="40")
    assert len(ran.out.splitlines()) == 2
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("since", ["yesterday", "10", "9999999999d"])
def test_a_time_that_is_none(since):
    """A usage error with examples, and status 2."""
    ran = kimi("logs", "--since", since)
    assert ran.status == 2
    assert "is not a time" in ran.err


@posix
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_reader_that_leaves(paths, options):
    """`kimi logs | head -1` ends in peace, with status 0, however much is left to print."""
    write(paths.log_file, *(line("e" * 1000, number=number) for number in range(2000)))
    command = ["bash", "-c", 'set -o pipefail; "$@" | head -n 1', "-", sys.executable, "-m", "kimi_cli", "logs"]
    done = subprocess.run([*command, "-n", "2000", *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


@posix
def test_a_reader_that_leaves_ends_the_following(paths):
    """It does so at once, and not only when something more is logged."""
    write(paths.log_file, line("first"))
    command = ["bash", "-c", 'set -o pipefail; "$@" | head -n 1', "-", sys.executable, "-m", "kimi_cli", "logs", "-f"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    assert "first" in done.stdout


@posix
def test_following(paths):
    """New lines appear as they are logged, of other sessions none, also when the log turns over or is emptied."""
    mine, other = {"session": "ses_a"}, {"session": "ses_b"}
    write(paths.log_file, line("before", **mine))
    with following("--json", "--session", "a") as (process, take):
        assert json.loads(take())["event"] == "before"
        write(paths.log_file, line("not mine", **other), line("first", **mine))
        assert json.loads(take())["event"] == "first"
        write(paths.log_file, line("last words", **mine))
        paths.log_file.rename(paths.log_file.with_name("proxy.log.1"))
        write(paths.log_file, line("turned over", **mine))
        assert [json.loads(take())["event"] for _ in range(2)] == ["last words", "turned over"]
        os.truncate(paths.log_file, 0)
        write(paths.log_file, line("e", **mine))
        assert json.loads(take())["event"] == "e"
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
        assert process.stderr.read() == ""


@posix
def test_following_what_is_not_there_yet(paths):
    """A log that does not exist is waited for, and shown once it does."""
    with following() as (process, take):
        assert process.stderr.readline() == "Nothing has been logged yet.\n"
        write(paths.log_file, line("started", port=8090))
        assert take().endswith("info  started  port=8090")
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0


def test_where_bodies_are(paths):
    """The directory, and what was recorded, request by request."""
    ran = kimi("logs", "--bodies")
    assert (ran.status, ran.out) == (0, "")
    assert "--debug-bodies" in ran.err
    paths.bodies_dir.mkdir(parents=True)
    request_id = f"req_{'a' * 24}"
    for part in (Part.CLIENT_REQUEST, Part.HOST_REQUEST):
        (paths.bodies_dir / f"{request_id}.{part}").write_bytes(b"x" * 1024)
    first, second = kimi("logs", "--bodies").out.splitlines()
    assert first == str(paths.bodies_dir)
    assert second.split()[2:] == [request_id, "2", "files", "2.0", "kB"]
    told = json.loads(kimi("logs", "--bodies", "--json").out)
    assert told["directory"] == str(paths.bodies_dir)
    assert [request["files"] for request in told["requests"]] == [sorted(map(str, paths.bodies_dir.iterdir()))]
