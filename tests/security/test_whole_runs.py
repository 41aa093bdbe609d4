"""Whole runs: what is secret, and where it may be; what is written, and who can read it."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil
import pytest

from tests.doubles.scenario import HttpError, InStreamError, Reply, Text, say
from tests.faults.conftest import Halting
from tests.launcher.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.conftest import Place


@pytest.fixture
def open_mask() -> Iterator[None]:
    """New files are open to everybody, unless whoever makes them sees to it that they are not."""
    before = os.umask(0)
    yield
    os.umask(before)


def spellings(secret: str) -> set[bytes]:
    """The forms in which a secret could lie about."""
    plain = secret.encode()
    shifted = (base64.b64encode(b" " * pad + plain)[4:-4] for pad in range(3))
    return {plain, plain[::-1], plain.hex().encode(), quote(secret).encode(), *shifted}


def found(place: Place, secret: str) -> set[str]:
    """Where a secret is now: files, and command lines and environments of processes, each by its kind."""
    forms, root = spellings(secret), place.stage.sandbox.root
    places = {path.name for path in root.rglob("*") if path.is_file() and any(form in read(path) for form in forms)}
    names = [path for path in root.rglob("*") if any(form in os.fsencode(path) for form in forms)]
    assert names == []
    for process in place.stage.sandbox.processes():
        with suppress(psutil.Error):  # it has ended meanwhile
            line = process.cmdline()
            kind = "proxy" if "kimi_cli.proxy" in line else "launcher" if "kimi_cli" in line else "client"
            if any(form in "\0".join(line).encode() for form in forms):
                places.add(f"{kind}'s command line")
            if any(form in "\0".join(process.environ().values()).encode() for form in forms):
                places.add(f"{kind}'s environment")
    return places


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def ours(place: Place) -> list[Path]:
    """Everything that lies in our own directories, and those themselves."""
    tops = [path for path in place.stage.sandbox.root.rglob("kimi-cli") if path.is_dir()]
    return [*tops, *(path for top in tops for path in top.rglob("*"))]


def exposed(place: Place) -> list[str]:
    """What of ours others could read, write or enter."""
    return [
        f"{path} {stat.filemode(path.lstat().st_mode)}"
        for path in ours(place)
        if stat.S_IMODE(path.lstat().st_mode) != (0o700 if path.is_dir() else 0o600)
    ]


@pytest.mark.parametrize("options", [(), ("--debug-bodies",)], ids=["plain", "bodies"])
@pytest.mark.parametrize("debug", ["", "1"], ids=["quiet", "debug"])
def test_every_secret_has_its_one_place(place, debug, options):
    """The user's key is in the user's own environment, each token with whom it is for, and nothing is left of them."""
    place.environ["KIMI_DEBUG"] = debug
    halting = Halting()
    place.script(halting.reply)
    launch, up = place.launch(*options)
    key, control = place.stage.key, place.state.control_token
    session = json.loads(Path(up["settings"]).read_text())["env"]["ANTHROPIC_AUTH_TOKEN"]
    assert len({key, control, session}) == 3
    launch.ask()
    launch.hear("word")
    assert found(place, key) == {"launcher's environment"}
    assert found(place, control) == {place.paths.state_file.name}
    assert found(place, session) == {Path(up["settings"]).name, "client's environment"}
    halting.gate.open()
    launch.hear("whole")
    launch.end()
    eventually(lambda: not place.paths.runtime_dir.exists())
    for secret in (key, control, session):
        assert found(place, secret) == set()
        assert not any(form in (json.dumps(launch.heard) + launch.stderr).encode() for form in spellings(secret))
    assert place.paths.log_file.read_text(encoding="utf-8")


def test_a_refusal_that_repeats_the_key_is_read_without_it(place):
    """Neither the client nor a log nor a record of bodies gets the key from a host that says it."""
    key = place.stage.key
    error = {"error": {"message": f"Incorrect API key provided: {key}", "type": "invalid_request_error"}}
    place.environ["KIMI_DEBUG"] = "1"
    place.script(
        HttpError(401, error),
        HttpError(500, f"<html>{key}</html>"),
        Reply((Text(("one ",)), InStreamError(f"you sent {key}"))),
        say("done"),
    )
    launch, _ = place.launch("--debug-bodies")
    launch.ask(tries=10)
    launch.hear("whole")
    launch.end()
    assert len([said for said in launch.heard if said["event"] == "broken"]) == 3
    assert "Incorrect API key provided" in json.dumps(launch.heard)
    eventually(lambda: not place.paths.runtime_dir.exists())
    assert key not in json.dumps(launch.heard) + launch.stderr
    assert found(place, key) == set()


def test_nothing_that_is_written_is_open_to_others(place, open_mask):
    """Settings, keys, lists of models, logs, bodies, states, locks and sessions are their owner's alone."""
    place.environ["KIMI_DEBUG"] = "1"
    place.paths.settings_file.unlink()
    place.paths.settings_file.parent.rmdir()
    with ExitStack() as stack:
        stack.callback(place.kimi, "reset", "--yes")  # the stored key must not outlive the test
        stack.callback(place.write_settings, groq=(place.stage.double.base_url, place.stage.host.model))
        chosen = place.kimi("provider", "groq")
        assert chosen.status == 0, chosen.stderr
        assert place.paths.settings_file.exists()
        stored = place.kimi("set-key", "groq", "--stdin", "--insecure-storage", stdin=place.stage.key)
        assert stored.status == 0, stored.stderr
        assert exposed(place) == []
        place.write_settings(groq=(place.stage.double.base_url, place.stage.host.model))
        place.paths.settings_file.chmod(0o600)
        listed = place.kimi("models")
        assert listed.status == 0, listed.stderr
        halting = Halting()
        place.script(halting.reply)
        launch, _ = place.launch("--debug-bodies")
        launch.ask()
        launch.hear("word")
        names = {path.name for path in ours(place)}
        assert {"settings.toml", "keys.json", "proxy.json", "proxy.lock", "proxy.log", "bodies", "models"} <= names
        assert exposed(place) == []
        halting.gate.open()
        launch.hear("whole")
        launch.end()
        assert exposed(place) == []


def test_what_serve_writes_is_not_open_to_others(place, open_mask):
    """A token file that `serve` makes is private, and its token is in nothing else."""
    place.paths.config_dir.chmod(0o700)
    place.paths.settings_file.chmod(0o600)
    file = place.stage.work / "token"
    command = place.stage.command("serve", "--json", "--port", "0", "--token-file", str(file), "--debug-bodies")
    process = subprocess.Popen(
        command, env=place.environ, cwd=place.stage.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    with process.stdout as stdout:
        try:
            said = stdout.readline()
            assert json.loads(said)
            token = file.read_text().strip()
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert found(place, token) == {"token"}
            assert token not in said
            assert exposed(place) == []
        finally:
            process.terminate()
            process.wait(20)
    assert found(place, token) == {"token"}
    assert exposed(place) == []
