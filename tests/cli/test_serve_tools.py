"""`kimi serve --execute-tools` with `curl`: progress, work and answer as they happen, and nothing left of a command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest

from kimi_cli.store.paths import Paths
from tests.cli.run import kimi
from tests.cli.test_serve_options import KEY, first_json, serve
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, Gate, Reply, Scenario, Silence, Text, call, say
from tests.doubles.serve import running
from tests.e2e.stage import wait_until
from tests.tools.test_shell import CLEARED, LEAVING, sleepers

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="there is no shell for it on Windows"),
]

ASKED = {"model": "kimi", "max_tokens": 1000, "messages": [{"role": "user", "content": "What is in a.txt?"}]}
LOOK = call(Call("LS", {"path": "."}), Call("Read", {"file_path": "a.txt"}))


@pytest.fixture
def work(sandbox, monkeypatch):
    """The directory in which tools work."""
    directory = sandbox.root / "work"
    directory.mkdir()
    (directory / "a.txt").write_text("forty-two\n")
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def host(work, no_leftovers):
    """A double, which the settings name; what it is asked is in order."""
    double = Moonshot(key=KEY)
    with running(double) as base_url:
        set_up(base_url)
        yield double
    assert double.refusals == []


def set_up(base_url, more=""):
    """The user's settings."""
    file = Paths.find(os.environ).settings_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'{more}\n[providers.moonshot]\nbase_url = "{base_url}"\n', encoding="utf-8")


def script(*steps):
    """These answers, one after the other, whatever is asked."""
    return Scenario(*steps, when=lambda _: True)


class Curl:
    """A request by `curl -N`; `data` is what has come of the answer."""

    def __init__(self, process):
        self.process, self.data = process, b""

    def read_until(self, text):
        """Wait until this has come, and nothing more than came with it."""
        while text not in self.data:
            more = os.read(self.process.stdout.fileno(), 65_536)
            assert more, self.data.decode()
            self.data += more

    def read_all(self):
        """The rest; curl's status."""
        self.data += self.process.stdout.read()
        return self.process.wait(30)


@contextmanager
def curl(facts, **fields):
    """Ask with `curl -N`."""
    process = subprocess.Popen(
        [
            *("curl", "--silent", "--no-buffer", f"{facts['base_url']}/v1/messages"),
            *("--header", f"Authorization: Bearer {facts['token']}", "--header", "Content-Type: application/json"),
            *("--data", json.dumps(ASKED | fields)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        yield Curl(process)
    finally:
        process.kill()
        process.communicate()


def told(data):
    """The lines of progress in a stream, and the text beside them."""
    events = [json.loads(line[6:]) for line in data.decode().splitlines() if line.startswith("data: ")]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    return (
        "".join(delta.get("thinking", "") for delta in deltas).splitlines(),
        "".join(delta.get("text", "") for delta in deltas),
    )


def test_progress_work_and_answer_in_one_stream(host, work):
    """The first line is there before the host has said a word, and the answer comes as the host writes it."""
    silent, half = Gate(), Gate()
    first = Reply((Silence(silent), *call(Call("LS", {"path": "."}), Call("Bash", {"command": "cat a.txt"})).parts))
    host.scenario = script(first, Reply((Text(("Forty",)), Silence(half), Text(("-two.",)))))
    with serve("--json", "--execute-tools", "all") as process:
        facts = first_json(process)
        with curl(facts, stream=True) as asked:
            asked.read_until(b"Starting")
            assert b"Executing" not in asked.data
            silent.wait_reached()
            silent.open()
            asked.read_until(b'"text":"Forty"')
            assert b"two." not in asked.data
            half.wait_reached()
            half.open()
            assert asked.read_all() == 0
        with urllib.request.urlopen(f"{facts['base_url']}/health", timeout=30) as answer:
            assert {"tools:all", "progress:thinking", "web_search"} <= set(json.load(answer)["features"])
    lines, text = told(asked.data)
    assert lines[:2] == ["Starting", "Executing LS, Bash"]
    assert sorted(line.partition(" ")[0] for line in lines[2:4]) == ["Bash", "LS"]
    assert lines[4:] == ["Thinking (step 2)"]
    assert text == "Forty-two."
    assert asked.data.endswith(b'data: {"type":"message_stop"}\n\n')
    assert "forty-two" in str(host.bodies[1]["messages"])


def test_in_one_piece(host, work):
    """Without streaming it is one message, of which the text is the answer; other tools are the client's."""
    own = {"name": "Bash", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}
    host.scenario = script(LOOK, call(Call("Bash", {"command": "touch x"}), text="Forty-two."))
    with serve("--json", "--execute-tools", "read-only") as process, curl(first_json(process), tools=[own]) as asked:
        assert asked.read_all() == 0
    message = json.loads(asked.data)
    assert [block["type"] for block in message["content"]] == ["thinking", "text", "tool_use"]
    assert (message["content"][1]["text"], message["stop_reason"]) == ("Forty-two.", "tool_use")
    assert message["usage"]["output_tokens"] == 80
    assert [path.name for path in work.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(("variables", "steps"), [({}, 15), ({"KIMI_MAX_TOOL_ITERATIONS": "2"}, 2)])
def test_the_last_step(host, variables, steps):
    """A model that does not stop is asked fifteen times, or as often as the user says, and the client hears why."""
    host.scenario = Scenario(default=LOOK)
    options = ("--json", "--execute-tools", "read-only", "--progress", "off")
    with serve(*options, **variables) as process, curl(first_json(process)) as asked:
        assert asked.read_all() == 0
    message = json.loads(asked.data)
    assert len(host.bodies) == steps
    assert message["stop_reason"] == "pause_turn"
    assert f"Stopped after {steps} steps" in message["content"][-1]["text"]
    assert message["usage"]["output_tokens"] == 40 * steps


def test_the_users_words(host):
    """Progress as text, with emoji and in words of the user's own; one that is empty is not told."""
    set_up(host.base_url, '[progress]\nemoji = "on"\nstarting = "Off we go"\nthinking = ""\n')
    host.scenario = script(call(Call("Read", {"file_path": "a.txt"})), say("Forty-two."))
    options = ("--json", "--execute-tools", "read-only", "--progress", "text")
    with serve(*options) as process, curl(first_json(process), stream=True) as asked:
        assert asked.read_all() == 0
    lines, text = told(asked.data)
    assert lines == []
    assert text.splitlines() == ["Off we go", "🔧 Executing Read", "✅ Read (1/1)", "Forty-two."]


@pytest.mark.parametrize("streams", [True, False], ids=["streaming", "whole"])
@pytest.mark.parametrize("way", ["client", "serve ends", "serve is killed", "proxy is killed"])
def test_the_middle_of_a_command(host, work, way, streams):
    """Whoever goes in the middle of a command, its whole tree goes along, whatever is in it."""
    everything = LEAVING + (CLEARED if sys.platform == "linux" else "")
    host.scenario = script(call(Call("Bash", {"command": f"{everything} sleep 311"})), say("Never."))
    count = 8 if sys.platform == "linux" else 6
    with serve("--json", "--execute-tools", "all") as process:
        facts = first_json(process)
        with curl(facts, stream=streams) as asked:
            wait_until(lambda: len(sleepers(work)) >= count)
            match way:
                case "client":
                    asked.process.kill()
                case "serve ends":
                    process.terminate()
                case "serve is killed":
                    process.kill()
                case "proxy is killed":
                    os.kill(facts["pid"], signal.SIGKILL)
            wait_until(lambda: sleepers(work) == [])
            asked.read_all()
        if way == "client":
            assert process.poll() is None
    assert b"Never." not in asked.data
    if streams and way.startswith("serve"):
        assert b"event: error" in asked.data
    assert len(host.bodies) == 1


@pytest.mark.parametrize("command", ["serve", "env"])
def test_progress_of_nothing(command):
    """Whoever asks for progress without tools is told which command has both."""
    ran = kimi(command, "--provider", "moonshot", "--model", "kimi-k2.6", "--progress", "text", MOONSHOT_API_KEY=KEY)
    assert ran.status == 2
    assert f"kimi {command} --execute-tools read-only --progress text" in ran.err
