"""What an end-to-end test stands on: `kimi` as a real process, Claude Code behind it, a strict upstream in front."""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kimi_cli.store.paths import Paths
from tests.doubles.groq import KIMI, VISION, Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.moonshot_chat import MoonshotChat
from tests.doubles.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Sandbox
    from tests.doubles.scenario import Ask, JsonObject, Step
    from tests.doubles.serve import Double

LAUNCH_SECONDS: Final = 90.0
READY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0
IDLE_GRACE: Final = "0.2"
PORTS: Final = range(10_000, 30_000)
"""Outside the range from which the system gives ports to those who ask for any."""
CLIENTS_OWN: Final = ("claude-", ".bun-")
"""What Claude Code itself leaves in the temporary directory begins with one of these."""


@dataclass(frozen=True, slots=True)
class Host:
    """One upstream, as the settings name it."""

    provider: str
    model: str
    double: type[Double]
    key_variable: str
    sees_images: bool
    format: str | None = None
    takes_thoughts: bool = True
    """Whether the host wants an assistant turn's reasoning back."""
    is_behind_gateway: bool = False
    """Whether a LiteLLM stands before it."""


HOSTS: Final = {
    "groq": Host("groq", KIMI, Groq, "GROQ_API_KEY", sees_images=False, takes_thoughts=False),
    "groq-vision": Host("groq", VISION, Groq, "GROQ_API_KEY", sees_images=True, takes_thoughts=False),
    "moonshot": Host("moonshot", "kimi-k3", Moonshot, "MOONSHOT_API_KEY", sees_images=True),
    "moonshot-chat": Host("moonshot", "kimi-k2.6", MoonshotChat, "MOONSHOT_API_KEY", sees_images=True, format="openai"),
    "litellm-chat": Host(
        *("team", "kimi-k3", MoonshotChat, "TEAM_API_KEY"),
        sees_images=False,
        format="openai",
        takes_thoughts=False,
        is_behind_gateway=True,
    ),
    "litellm-messages": Host(
        *("team", "kimi-k3", MoonshotChat, "TEAM_API_KEY"),
        sees_images=False,
        format="anthropic",
        is_behind_gateway=True,
    ),
    "litellm-moonshot": Host(
        *("moonshot", "kimi-k3", MoonshotChat, "MOONSHOT_API_KEY"),
        sees_images=True,
        format="openai",
        is_behind_gateway=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run of `kimi` ended."""

    status: int
    stdout: str
    stderr: str


@dataclass(slots=True)
class Stage:
    """One host's double, a work directory, and the user's settings and key for both."""

    sandbox: Sandbox
    host: Host
    double: Double
    claude: Path
    work: Path
    key: str
    """The user's key, recognisable wherever it turns up."""
    gateway: str = ""
    """The address of what stands before the double, where something does."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a user's shell."""
        return {
            **os.environ,
            self.host.key_variable: self.key,
            "KIMI_IDLE_GRACE": IDLE_GRACE,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }

    @property
    def asks(self) -> list[Ask]:
        """The conversation's requests, in the order in which the script answered them."""
        return self.double.scenario.asks

    def script(self, *steps: Step) -> None:
        """What the model will say."""
        self.double.scenario = Scenario(*steps)

    def write_settings(self) -> None:
        """Choose the double as the provider, in the user's settings file."""
        settings = Paths.find(os.environ).settings_file
        settings.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f'provider = "{self.host.provider}"',
            f"[providers.{self.host.provider}]",
            f'base_url = "{self.gateway or self.double.base_url}"',
            f'model = "{self.host.model}"',
            *([f'format = "{self.host.format}"'] if self.host.format else []),
        ]
        settings.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        """The command line of `kimi`."""
        return [sys.executable, "-m", "kimi_cli", *arguments]

    def launch_command(self, *client: str) -> list[str]:
        """The command line of a launch; `client` are Claude Code's own arguments."""
        return self.command("launch", "--claude", str(self.claude), "--", *client)

    def launch(self, *client: str, stdin: str = "") -> Finished:
        """Run Claude Code to its end."""
        return self.run(*self.launch_command(*client), stdin=stdin)

    def run(self, *command: str, stdin: str = "", environ: dict[str, str] | None = None) -> Finished:
        """Run a command as the user to its end."""
        done = subprocess.run(
            command,
            env=environ or self.environ,
            cwd=self.work,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LAUNCH_SECONDS,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def serving(self) -> Iterator[JsonObject]:
        """Run `kimi serve --json` and give the line that it prints once it is ready."""
        process = subprocess.Popen(
            self.command("serve", "--json"),
            env=self.environ,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.stdout.close()
            process.wait(STOP_SECONDS)

    def assert_said(self, done: Finished, text: str) -> None:
        """Claude Code ended well, and printed this and nothing else; or show the whole story."""
        story = [f"status {done.status}", done.stdout, done.stderr, *(str(refusal) for refusal in self.double.refusals)]
        assert (done.status, done.stdout) == (0, text + "\n"), "\n".join(story)

    def files_with_key(self) -> list[Path]:
        """Every file of the sandbox that holds the key; a launch must leave none, and make none while it runs."""
        return [path for path in self.sandbox.root.rglob("*") if path.is_file() and self._holds_key(path)]

    def assert_clean(self) -> None:
        """Nothing that was sent was refused, nothing is left over, and the key is in no file."""
        assert self.double.refusals == []
        self.sandbox.assert_nothing_left()
        assert [path for path in self.sandbox.temporary.iterdir() if not path.name.startswith(CLIENTS_OWN)] == []
        assert self.files_with_key() == []

    def kill_leftovers(self) -> None:
        """End what a failed test left; every process that the sandbox owns was started by the test."""
        for process in self.sandbox.processes():
            process.kill()

    def _holds_key(self, path: Path) -> bool:
        try:
            return self.key.encode() in path.read_bytes()
        except OSError:
            return False


def wait_until(test, *, seconds: float = READY_SECONDS) -> None:
    """Poll until `test()` is true, and fail where that does not come to pass."""
    deadline = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < deadline, "the condition did not come to pass"
        time.sleep(0.02)


def new_key(host: Host) -> str:
    """A key of the host's form that occurs nowhere else."""
    return host.double.key_prefix + "e2e" + secrets.token_hex(24)


def free_port() -> int:
    """A port that nobody has, and that nobody gets who asks for any."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as taken, suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port
