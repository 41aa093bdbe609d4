"""`kimi serve` as a service manager, a container or a script runs it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.cli.run import kimi

KEY = "sk-" + "serveoptions0123456789" * 2
ROUTE = ("--provider", "moonshot", "--model", "kimi-k2.6", "--port", "0")
POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


@contextmanager
def serve(*arguments, prefix=(), **variables):
    """`kimi serve` until the end of the block; its process, with its output in pipes."""
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "kimi_cli", "serve", *ROUTE, *arguments],
        env={**os.environ, "MOONSHOT_API_KEY": KEY, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def first_json(process) -> dict:
    """The line that it prints once it is ready."""
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)


def status(base_url: str, token: str) -> int:
    """What a client with this token gets."""
    request = urllib.request.Request(f"{base_url}/v1/models", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_one_token_over_restarts(sandbox, tmp_path, no_leftovers):
    """The token stays in its file, is not printed, and is the same the next time."""
    file, tokens = tmp_path / "token", []
    for _ in range(2):
        with serve("--json", "--token-file", str(file)) as process:
            facts = first_json(process)
            tokens.append(file.read_text().strip())
            assert (facts["token"], facts["token_file"]) == (None, str(file))
            assert status(facts["base_url"], tokens[-1]) == 200
            assert status(facts["base_url"], "x" * 43) == 401
    assert tokens[0] == tokens[1]
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_file(no_leftovers):
    """Without one the token is in the JSON, and another one each time."""
    tokens = []
    for _ in range(2):
        with serve("--json") as process:
            facts = first_json(process)
            assert facts["token_file"] is None
            assert status(facts["base_url"], facts["token"]) == 200
            tokens.append(facts["token"])
    assert tokens[0] != tokens[1]


@POSIX_ONLY
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_what_is_printed_can_be_carried_out(tmp_path, shell, no_leftovers):
    """The two lines set the variables in the shell that they are for, and the token is not among them."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "a $(token)'s file"
    with serve("--token-file", str(file), "--shell", shell) as process:
        lines = [process.stdout.readline() for _ in range(2)]
        token = file.read_text().strip()
        assert token not in "".join(lines)
        script = "".join(lines) + "printenv ANTHROPIC_BASE_URL; printenv ANTHROPIC_AUTH_TOKEN"
        done = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True)
        base_url, found = done.stdout.splitlines()
        assert found == token
        assert status(base_url, token) == 200


@pytest.mark.parametrize(
    ("shell", "beginnings"),
    [
        ("sh", ["export ANTHROPIC_BASE_URL=http://127.0.0.1:", "export ANTHROPIC_AUTH_TOKEN="]),
        ("fish", ["set -gx ANTHROPIC_BASE_URL http://127.0.0.1:", "set -gx ANTHROPIC_AUTH_TOKEN "]),
        ("powershell", ["$env:ANTHROPIC_BASE_URL = 'http://127.0.0.1:", "$env:ANTHROPIC_AUTH_TOKEN = '"]),
    ],
)
def test_shells(shell, beginnings):
    """Each shell gets its own words."""
    with serve("--shell", shell) as process:
        lines = [process.stdout.readline() for _ in range(2)]
    assert [line[: len(beginning)] for line, beginning in zip(lines, beginnings, strict=True)] == beginnings


@POSIX_ONLY
def test_the_shell_that_it_was_typed_in(no_leftovers):
    """On a terminal it writes for the shell that it was typed in, without being told."""
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    terminal, end = os.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as screen, os.fdopen(end, "wb", buffering=0) as output:
        shell = subprocess.Popen(
            ["fish", "-c", f"{shlex.join([sys.executable, '-m', 'kimi_cli', 'serve', *ROUTE])}; true"],
            env={**os.environ, "MOONSHOT_API_KEY": KEY},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
        shown = b""
        while shown.count(b"\n") < 2:
            shown += screen.read(1000)
        (served,) = psutil.Process(shell.pid).children()
        served.terminate()
        assert shell.wait(30) == 0
    assert [line[:8] for line in shown.splitlines()[:2]] == [b"set -gx "] * 2


@POSIX_ONLY
def test_a_token_file_that_others_can_read(tmp_path, sandbox):
    """It is refused before anything is started, with the command that mends it."""
    file = tmp_path / "token"
    file.write_text("t" * 40)
    file.chmod(0o644)
    ran = kimi("serve", *ROUTE, "--token-file", str(file), MOONSHOT_API_KEY=KEY)
    assert (ran.status, ran.out) == (3, "")
    assert f"chmod 600 {file}" in ran.err
    assert "t" * 40 not in ran.err
    assert sandbox.runtime_files() == []


def test_no_directory_for_the_token_file(tmp_path):
    """A directory that does not exist is said, and not made."""
    ran = kimi("serve", *ROUTE, "--token-file", str(tmp_path / "none" / "token"), MOONSHOT_API_KEY=KEY)
    assert ran.status == 3
    assert "there is no directory" in " ".join(ran.err.split())
    assert not (tmp_path / "none").exists()


def test_an_idle_end(sandbox, no_leftovers):
    """After the span without a request it ends by itself, with status 0 and one sentence."""
    with serve("--json", "--session-ttl", "1s") as process:
        facts = first_json(process)
        assert status(facts["base_url"], facts["token"]) == 200
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err == "No request has come for 1s, so kimi serve ends.\n"
    assert not psutil.pid_exists(facts["pid"])


@POSIX_ONLY
@pytest.mark.parametrize("name", ["HUP", "INT"])
def test_a_signal_that_it_was_started_to_ignore(name, no_leftovers):
    """Under nohup, or in a script's background, it stays."""
    ignoring = ("/bin/sh", "-c", f"trap '' {name}; exec \"$@\"", "sh")
    with serve("--json", "--session-ttl", "2s", prefix=ignoring) as process:
        first_json(process)
        process.send_signal(getattr(signal, f"SIG{name}"))
        _, err = process.communicate(timeout=30)
    assert err == "No request has come for 2s, so kimi serve ends.\n"


@pytest.mark.parametrize("span", ["0", "soon", "-1h"])
def test_a_span_that_is_none(span):
    """It is a usage error, and nothing is started."""
    ran = kimi("serve", *ROUTE, f"--session-ttl={span}", MOONSHOT_API_KEY=KEY)
    assert (ran.status, ran.out) == (2, "")
    assert "--session-ttl" in ran.err


@POSIX_ONLY
def test_no_home_and_no_runtime_directory(sandbox, no_leftovers):
    """As a container may have it: nothing but a key in the environment and a temporary directory."""
    nowhere = "/proc/none"
    gone = {name: "" for name in os.environ if name.startswith("XDG_")} | {"PYTHON_KEYRING_BACKEND": "no.such.backend"}
    with serve("--json", HOME=nowhere, **gone) as process:
        facts = first_json(process)
        assert status(facts["base_url"], facts["token"]) == 200
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert list(sandbox.temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs namespaces")
def test_as_the_first_process(sandbox, no_leftovers):
    """As process 1, which no signal ends by default, it ends in order on SIGTERM, and takes everything with it."""
    namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if os.geteuid() != 0:
        namespace.append("--map-root-user")
    if shutil.which("unshare") is None or subprocess.run([*namespace, "true"], check=False).returncode != 0:
        pytest.skip("no namespace can be made here")
    with serve("--json", prefix=namespace) as process:
        facts = first_json(process)
        assert status(facts["base_url"], facts["token"]) == 200
        (first,) = psutil.Process(process.pid).children()
        assert _number_inside(first.pid) == 1
        first.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert list(sandbox.runtime.iterdir()) == []


def _number_inside(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    raise AssertionError("no namespaces here")
