"""`--debug-bodies`, with a program in place of Claude Code, a real proxy and a host's double."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import urllib.request

import pytest

from kimi_cli.store.bodies import Part, recorded_bodies
from kimi_cli.store.paths import Paths
from tests.cli.run import kimi
from tests.doubles.groq import KIMI, Groq
from tests.doubles.scenario import Scenario, say
from tests.doubles.serve import running

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are made executable as POSIX does")

CLIENT = f"""#!{sys.executable}
import json, os, signal, sys, time, urllib.error, urllib.request
variables = json.load(open(sys.argv[sys.argv.index("--settings") + 1]))["env"]
token = variables["ANTHROPIC_AUTH_TOKEN"]
if os.environ.get("VICTIM"):
    urllib.request.urlopen(variables["ANTHROPIC_BASE_URL"] + "/health").close()  # once it answers it has its file
    os.kill(json.load(open(os.environ["VICTIM"]))["process"]["pid"], signal.SIGKILL)
body = {{"model": "{KIMI}", "max_tokens": 50, "stream": True,
        "messages": [{{"role": "user", "content": "My token is " + token}}]}}
request = urllib.request.Request(
    variables["ANTHROPIC_BASE_URL"] + "/v1/messages",
    data=json.dumps(body).encode(),
    headers={{"Authorization": "Bearer " + token, "Content-Type": "application/json"}},
)
deadline = time.monotonic() + 20
while True:
    try:
        with urllib.request.urlopen(request) as response:
            response.read()
        break
    except OSError:
        assert time.monotonic() < deadline
        time.sleep(0.05)
open(os.environ["TOLD"], "w").write(token)
print("answered")
"""


class World:
    """A user whose Claude Code asks once, with its own token in the question."""

    def __init__(self, double, directory):
        self.double, self.told = double, directory / "told"
        self.paths = Paths.find(os.environ)
        client = directory / "claude"
        client.write_text(CLIENT)
        client.chmod(0o755)
        self.client = client
        self.paths.settings_file.parent.mkdir(parents=True)
        self.paths.settings_file.write_text(
            f'provider = "groq"\n[providers.groq]\nbase_url = "{double.base_url}"\nmodel = "{KIMI}"\n'
        )

    def launch(self, *options, **variables):
        """A launch to its end."""
        environ = {"GROQ_API_KEY": self.double.key, "TOLD": str(self.told), "KIMI_IDLE_GRACE": "0.2"}
        return kimi("launch", "--claude", str(self.client), *options, **(environ | variables))

    @property
    def token(self) -> str:
        """The token that the client had."""
        return self.told.read_text()


@pytest.fixture
def world(tmp_path, no_leftovers):
    """A user of a host whose answers hold the user's key."""
    double = Groq()
    double.scenario = Scenario(default=say("Your key is ", double.key))
    with running(double):
        yield World(double, tmp_path)


def test_a_launch_is_recorded_and_says_so(world):
    """All four bodies are kept in private files, without key and token; stderr names the directory, stdout does not."""
    ran = world.launch("--debug-bodies", "--", "--print", "hi")
    assert (ran.status, ran.out) == (0, "answered\n")
    directory = world.paths.bodies_dir
    assert ran.err == f"Warning: Everything asked and answered is recorded in {directory}\n"
    (recorded,) = recorded_bodies(directory)
    files = {path.name.partition(".")[2]: path for path in recorded.files}
    assert files.keys() == {*Part}
    assert {stat.S_IMODE(path.stat().st_mode) for path in recorded.files} == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert json.loads(files[Part.CLIENT_REQUEST].read_text())["messages"][0]["content"] == "My token is [redacted]"
    assert "Your key is " in files[Part.CLIENT_ANSWER].read_text()
    for path in [*recorded.files, world.paths.log_file]:
        assert world.double.key not in path.read_text()
        assert world.token not in path.read_text()
    message = next(json.loads(line) for line in world.paths.log_file.read_text().splitlines() if '"message"' in line)
    assert message["request_id"] == recorded.request_id


def test_quiet_is_quiet(world):
    """Who asked for silence is not warned."""
    ran = world.launch("--debug-bodies", "--quiet")
    assert (ran.status, ran.err) == (0, "")
    assert len(recorded_bodies(world.paths.bodies_dir)) == 1


def test_without_it_nothing_is_recorded(world):
    """A launch that did not ask for it writes no content down, and warns of nothing."""
    ran = world.launch()
    assert (ran.status, ran.err) == (0, "")
    assert not world.paths.bodies_dir.exists()


def test_it_goes_on_after_the_proxy_died(world):
    """A session that was brought back is recorded as it was before."""
    ran = world.launch("--debug-bodies", VICTIM=str(world.paths.state_file))
    assert ran.status == 0
    assert len(recorded_bodies(world.paths.bodies_dir)) >= 1


def test_a_directory_that_cannot_be_made(world):
    """Who wants a record and cannot have one is told, and nothing is started."""
    world.paths.log_dir.mkdir(parents=True)
    world.paths.bodies_dir.touch()
    ran = world.launch("--debug-bodies")
    assert ran.status == 1
    assert ran.err.startswith(f"Error: Bodies cannot be recorded in {world.paths.bodies_dir}")
    assert f"Try: mv {world.paths.bodies_dir}" in ran.err
    assert not world.told.exists()


def test_there_is_nothing_to_record_without_the_proxy(world):
    """With --direct it makes no sense, and is refused before anything starts."""
    world.paths.settings_file.write_text('provider = "moonshot"\n[providers.moonshot]\nmodel = "kimi-k3"\n')
    ran = world.launch("--debug-bodies", "--direct", MOONSHOT_API_KEY="sk-0123456789abcdef")
    assert ran.status == 2
    assert "--direct" in ran.err
    assert not world.told.exists()


def test_a_question_about_claude_code_itself_is_not_recorded(world):
    """What needs no session needs no warning."""
    world.client.write_text(f"#!{sys.executable}\nprint('2.1.330')\n")
    ran = world.launch("--debug-bodies", "--", "--version")
    assert (ran.status, ran.out, ran.err) == (0, "2.1.330\n", "")


def test_a_reset_takes_them_away(world):
    """Recorded bodies go with everything else, in one line however many they are, and their directory goes too."""
    world.launch("--debug-bodies", "--quiet")
    ran = kimi("reset", "--yes")
    assert ran.status == 0
    assert f"4 recorded bodies in {world.paths.bodies_dir}" in ran.err
    assert str(Part.HOST_ANSWER) not in ran.err
    assert not world.paths.log_dir.exists()


def test_serve_records_as_well(world):
    """`kimi serve` warns on stderr alone, records what its clients ask, and has it in its own log."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kimi_cli", "serve", "--debug-bodies", "--json", "--port", "0"],
        env={**os.environ, "GROQ_API_KEY": world.double.key},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        served = json.loads(process.stdout.readline())
        body = {"model": KIMI, "max_tokens": 50, "messages": [{"role": "user", "content": served["token"]}]}
        headers = {"Authorization": f"Bearer {served['token']}"}
        asked = urllib.request.Request(
            f"{served['base_url']}/v1/messages", data=json.dumps(body).encode(), headers=headers
        )
        with urllib.request.urlopen(asked) as response:
            request_id = response.headers["request-id"]
    finally:
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert f"Warning: Everything asked and answered is recorded in {world.paths.bodies_dir}\n" in err
    (recorded,) = recorded_bodies(world.paths.bodies_dir)
    assert recorded.request_id == request_id
    for path in recorded.files:
        assert served["token"] not in path.read_text()
    assert request_id in kimi("logs", "--serve").out
    assert request_id not in kimi("logs").out


def test_details_under_kimi_debug(world):
    """KIMI_DEBUG=1 at the proxy's start logs what was sent in numbers, and nothing of what it said."""
    assert world.launch(KIMI_DEBUG="1").status == 0
    logged = kimi("logs").out
    assert "debug host asked  messages=1" in logged
    assert "debug host answered  host_status=200" in logged
    assert "My token" not in world.paths.log_file.read_text()
    assert world.double.key not in logged
