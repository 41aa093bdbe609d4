"""A whole launch: a program in place of Claude Code, on a real proxy."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from kimi_cli.errors import (
    ClaudeNotFoundError,
    ClaudeUnusableError,
    KeyMissingError,
    UsageError,
)
from kimi_cli.launcher import Banner, LaunchRequest, launch
from tests.launcher.conftest import eventually, make_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are made executable as POSIX does")

KEY = "gsk_wholelaunchtests0123456789"
TODAY = date(2026, 11, 23)
CLIENT = """
import json, os, sys, urllib.request
told = {"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}
if "--settings" in sys.argv:
    path = sys.argv[sys.argv.index("--settings") + 1]
    told |= {"path": path, "mode": os.stat(path).st_mode, "settings": json.load(open(path))}
    variables = told["settings"]["env"]
    if variables["ANTHROPIC_AUTH_TOKEN"] != os.environ.get("DIRECT_KEY"):
        address = variables["ANTHROPIC_BASE_URL"] + "/v1/models"
        headers = {"Authorization": "Bearer " + variables["ANTHROPIC_AUTH_TOKEN"]}
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as response:
            told["models"] = [model["id"] for model in json.load(response)["data"]]
json.dump(told, open(os.environ["TOLD"], "w"))
sys.exit(int(os.environ.get("STATUS", "0")))
"""


@pytest.fixture
def world(user, tmp_path):
    """A user with a provider, a key and a Claude Code; `launch` gives what the client was told."""
    home = Path(user.environ["HOME"])
    user.write_settings("""
        provider = "groq"
        [providers.groq]
        base_url = "http://127.0.0.1:9/v1"
        model = "moonshotai/kimi-k2-instruct-0905"
        [providers.moonshot]
        base_url = "https://host.invalid/anthropic"
        model = "kimi-k3"
    """)
    work = tmp_path / "work"
    work.mkdir()

    class World:
        banners: list[Banner] = []  # noqa: RUF012
        environ = {**user.environ, "GROQ_API_KEY": KEY, "TOLD": str(tmp_path / "told")}  # noqa: RUF012
        client = make_program(home / ".local/bin/claude", CLIENT)
        status = None
        cwd = work

        def launch(self, *arguments, **given):
            self.status = launch(
                LaunchRequest(tuple(arguments), **given),
                paths=user.paths,
                environ=self.environ,
                cwd=work,
                today=TODAY,
                show=self.banners.append,
            )
            told = Path(self.environ["TOLD"])
            return json.loads(told.read_text()) if told.exists() else None

    world = World()
    world.banners = []
    return world


def test_a_launch(world, user):
    """The client gets our settings and its own arguments, and its status is the result; nothing is left."""
    told = world.launch("-p", "say hi")
    assert world.status == 0
    assert told["argv"] == ["--settings", told["path"], "-p", "say hi"]
    assert told["models"] == ["moonshotai/kimi-k2-instruct-0905"]
    assert stat.S_IMODE(told["mode"]) == 0o600
    assert told["env"]["ANTHROPIC_BASE_URL"] == told["settings"]["env"]["ANTHROPIC_BASE_URL"]
    assert KEY not in json.dumps(told)
    assert "GROQ_API_KEY" not in told["env"]
    assert told["settings"]["permissions"] == {"disableAutoMode": "disable", "defaultMode": "default"}
    assert not Path(told["path"]).exists()
    user.sandbox.assert_nothing_left()


def test_the_banner(world):
    """What is to be shown comes once, before the client starts."""
    told = world.launch()
    (banner,) = world.banners
    assert (banner.host, banner.model.name, banner.is_print) == ("Groq", "Kimi K2 0905", False)
    assert banner.endpoint == told["env"]["ANTHROPIC_BASE_URL"]
    assert banner.warnings == ()
    world.launch("--print", "hi")
    assert world.banners[1].is_print


def test_its_status(world):
    """Whatever the client ends with is passed on."""
    world.environ["STATUS"] = "77"
    world.launch()
    assert world.status == 77


def test_the_users_own_settings(world, user):
    """The user's `--settings` are merged into ours, and do not stand beside them."""
    (world.cwd / "mine.json").write_text('{"env": {"MINE": "1"}, "model": "opus"}')
    told = world.launch("--settings", "mine.json", "-p", "hi")
    assert told["argv"] == ["--settings", told["path"], "-p", "hi"]
    assert told["settings"]["env"]["MINE"] == "1"
    assert told["settings"]["model"] == "opus"
    with pytest.raises(UsageError, match="not valid JSON"):
        world.launch("--settings", '{"env": }', "-p", "hi")
    user.sandbox.assert_nothing_left()


@pytest.mark.parametrize("arguments", [["--version"], ["mcp", "list"], ["-p", "--help"]])
def test_without_a_session(world, user, arguments):
    """Questions about the client itself need no provider, no proxy and no banner; keys stay hidden all the same."""
    user.write_settings("")
    told = world.launch(*arguments)
    assert told["argv"] == arguments
    assert "GROQ_API_KEY" not in told["env"]
    assert world.banners == []
    assert user.sandbox.runtime_files() == []


def test_found_outside_of_the_search_path(world):
    """The client finds what lies beside it."""
    told = world.launch()
    assert told["env"]["PATH"].split(os.pathsep)[-1] == str(world.client.parent)


def test_direct(world, user):
    """Without the proxy the key is in the private settings alone, the user is warned, and nothing is left."""
    key = "sk-directtests0123456789"
    world.environ |= {"MOONSHOT_API_KEY": key, "DIRECT_KEY": "replaced"}
    world.client.write_text(world.client.read_text().replace('os.environ.get("DIRECT_KEY")', repr(key)))
    told = world.launch("-p", "hi", provider="moonshot", direct=True)
    settings = told["settings"]["env"]
    assert settings["ANTHROPIC_AUTH_TOKEN"] == key
    assert settings["ANTHROPIC_BASE_URL"] == "https://host.invalid/anthropic"
    assert key not in json.dumps(told["env"]) + json.dumps(told["argv"])
    assert stat.S_IMODE(told["mode"]) == 0o600
    assert "every tool that it runs can read it" in world.banners[0].warnings[0]
    assert user.proxies() == []
    assert not user.paths.runtime_dir.exists()


def test_direct_needs_the_hosts_protocol(world):
    """A host that has to be translated for cannot be used without the proxy."""
    with pytest.raises(UsageError, match="Groq does not"):
        world.launch(direct=True)


def test_what_stops_a_launch(world, user):
    """A missing key, no Claude Code, or one that cannot be run: each is an error, and nothing is left."""
    broken = make_program(world.cwd / "broken", "")
    broken.write_text("#!/no/such/interpreter\n")
    with pytest.raises(ClaudeUnusableError):
        world.launch(claude=broken)
    user.sandbox.assert_nothing_left()
    with pytest.raises(ClaudeUnusableError):
        world.launch(claude=world.cwd / "nothing")
    world.client.unlink()
    if not any(Path(place, "claude").exists() for place in ("/usr/local/bin", "/opt/homebrew/bin", "/usr/bin")):
        world.environ["PATH"] = ""
        with pytest.raises(ClaudeNotFoundError):
            world.launch()
    make_program(world.client, CLIENT)
    user.write_settings('provider = "moonshot"')
    with pytest.raises(KeyMissingError):
        world.launch()
    assert user.proxies() == []


LAUNCHER = """
import os, sys
from datetime import date
from pathlib import Path
from kimi_cli.launcher import LaunchRequest, launch
from kimi_cli.store.paths import Paths
sys.exit(launch(LaunchRequest(), paths=Paths.find(os.environ), environ=os.environ, cwd=Path.cwd(),
                today=date(2026, 11, 23), show=lambda banner: None))
"""
STAYS = CLIENT.replace("sys.exit(", 'print("up", path, os.getpid(), flush=True); sys.stdin.read(); sys.exit(')


@pytest.fixture
def running(world):
    """A launch in a process of its own, whose client waits for the end of its input."""
    make_program(world.client, STAYS)
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER],
        env={**world.environ, "PYTHONPATH": str(Path.cwd())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_a_model_left_behind(world, user):
    """A model of ours that was saved as Claude Code's default is told after the end, with the one it replaced."""
    settings = Path(user.environ["HOME"]) / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"model": "opus"}')
    saves = f"open({str(settings)!r}, 'w').write('{{\"model\": \"kimi-k3\"}}')\n"
    make_program(world.client, saves)
    left = []
    given = {"paths": user.paths, "environ": world.environ, "cwd": world.cwd, "today": TODAY}
    for _ in range(2):
        assert launch(LaunchRequest(), **given, show=world.banners.append, left=left.append) == 0
    assert [(saved.model, saved.before) for saved in left] == [("kimi-k3", "opus")]


def test_killed_launcher(running, user):
    """After kill -9 of the launcher the client goes on, and when it ends the proxy removes everything."""
    _, path, pid = running.stdout.readline().split()
    running.kill()
    running.wait()
    assert Path(path).exists()
    assert user.proxies()
    os.kill(int(pid), 0)
    running.stdin.close()
    eventually(lambda: not Path(path).exists())
    user.sandbox.assert_nothing_left()


def test_killed_client(running, user):
    """After kill -9 of the client the launcher ends with 137 and leaves nothing."""
    _, path, pid = running.stdout.readline().split()
    os.kill(int(pid), 9)
    assert running.wait(20) == 137
    assert not Path(path).exists()
    user.sandbox.assert_nothing_left()


def test_all_killed(running, user, world):
    """After kill -9 of launcher, client and proxy at once, the next launch works, and clears the rest away."""
    _, path, pid = running.stdout.readline().split()
    everyone = (running.pid, int(pid), *user.proxies())
    for process in everyone:
        os.kill(process, signal.SIGSTOP)  # so that nobody has time to see another one's end
    for process in everyone:
        os.kill(process, signal.SIGKILL)
    running.wait()
    assert Path(path).exists()
    environ = {**world.environ, "PYTHONPATH": str(Path.cwd())}
    again = subprocess.run([sys.executable, "-c", LAUNCHER], env=environ, stdin=subprocess.DEVNULL, check=False)
    assert again.returncode == 0
    user.sandbox.assert_nothing_left()


def test_interrupted_before_the_client(world, user):
    """Ctrl-C before the client starts is the caller's, and nothing is left."""

    def interrupt(_: Banner) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(LaunchRequest(), paths=user.paths, environ=world.environ, cwd=world.cwd, today=TODAY, show=interrupt)
    assert not Path(world.environ["TOLD"]).exists()
    user.sandbox.assert_nothing_left()
