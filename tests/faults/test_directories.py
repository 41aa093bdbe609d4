"""Directories that are missing, in the way, or full."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.doubles.scenario import say
from tests.e2e.stage import wait_until
from tests.faults.conftest import Halting

resource = pytest.importorskip("resource", reason="limits of a process are POSIX's")


@pytest.fixture(params=["unset", "empty", "relative", "nonexistent", "a file", "open to others"])
def unusable(request, place):
    """An XDG_RUNTIME_DIR that must not be used, and its value, if it has one."""
    odd = place.stage.work / "odd"
    match request.param:
        case "unset":
            del place.environ["XDG_RUNTIME_DIR"]
            return None
        case "empty":
            value = ""
        case "relative":
            value = "odd/relative"
        case "nonexistent":
            value = str(odd / "nonexistent")
        case "a file":
            odd.write_text("in the way")
            value = str(odd)
        case _:
            odd.mkdir()
            odd.chmod(0o777)
            value = str(odd)
    place.environ["XDG_RUNTIME_DIR"] = value
    return odd


def test_no_runtime_directory_of_the_system(place, unusable):
    """Where there is no private one, ours stands beside the user's other state, and goes like the usual one."""
    before = _tree(unusable)
    ours = Path(place.environ["XDG_STATE_HOME"]) / "kimi-cli" / "run"
    assert place.paths.runtime_dir == ours
    launch, up = place.launch()
    assert Path(up["settings"]).is_relative_to(ours)
    assert ours.stat().st_mode & 0o777 == 0o700
    place.kill_proxy()
    launch.ask()
    launch.hear("whole")
    launch.end()
    wait_until(lambda: not ours.exists())
    assert _tree(unusable) == before


@pytest.mark.parametrize("fallback", [False, True])
def test_something_in_place_of_the_directory(place, fallback):
    """A launch says what is in its way, starts nothing, leaves it there, and works once it is gone."""
    if fallback:
        del place.environ["XDG_RUNTIME_DIR"]
    obstacle = place.paths.runtime_dir
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.write_text("in the way")
    launch = place.start()
    assert launch.wait() == 5
    said = " ".join(launch.stderr.split())
    assert str(obstacle) in said.replace(" ", "")
    assert "something else is in its place" in said
    assert f"mv{obstacle}{obstacle}.old" in said.replace(" ", "")
    assert place.proxies() == []
    assert obstacle.read_text() == "in the way"
    obstacle.unlink()
    place.launch()[0].end()


@pytest.mark.parametrize("name", ["proxy.lock", "proxy.json", "sessions"])
def test_something_in_place_of_a_file(place, name):
    """A directory where a file should be, or a file where the sessions should: an error, and nothing is started."""
    obstacle = place.paths.runtime_dir / name
    if name == "sessions":
        obstacle.parent.mkdir(mode=0o700)
        obstacle.write_text("in the way")
    else:
        (obstacle / "in the way").mkdir(parents=True)
    launch = place.start()
    assert launch.wait() == 5, launch.stderr
    said = "".join(launch.stderr.split())
    assert str(obstacle.parent) in said
    assert f"mv{obstacle}{obstacle}.old" in said
    wait_until(lambda: place.proxies() == [])
    shutil.rmtree(place.paths.runtime_dir)
    place.launch()[0].end()


def test_the_directory_is_removed_while_a_session_runs(place):
    """The answer in flight and the session go on, another launch makes the directory anew, and both leave nothing."""
    del place.environ["KIMI_PROXY_PORT"]
    halting = Halting()
    place.script(halting.reply)
    first, _ = place.launch()
    first.ask()
    first.hear("word")
    shutil.rmtree(place.paths.runtime_dir)
    second, _ = place.launch()
    halting.gate.open()
    assert first.hear("whole")["text"] == "one two"
    second.end()
    first.ask()
    first.hear("whole")
    first.end()


@pytest.mark.parametrize("kind", ["full", "no directory", "no file", "broken link"])
def test_a_log_that_cannot_be_written(place, kind):
    """Without room for its log the proxy serves all the same, and dies and comes back as ever."""
    if kind == "full" and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    log = place.paths.log_file
    if kind == "no directory":
        log.parent.parent.mkdir(parents=True)
        log.parent.write_text("in the way")
    else:
        log.parent.mkdir(parents=True)
        match kind:
            case "full":
                log.symlink_to("/dev/full")
            case "broken link":
                log.symlink_to("/no/such/place")
            case _:
                log.mkdir()
    place.script(say("one"), say("two"))
    launch, _ = place.launch()
    launch.ask()
    assert launch.hear("whole")["text"] == "one"
    place.kill_proxy()
    launch.ask()
    assert launch.hear("whole")["text"] == "two"
    launch.end()
    assert "failed" not in launch.stderr.lower()


def test_a_full_log_does_not_grow_in_memory(place):
    """What cannot be written is given up: after hundreds of lines the proxy is as large as after a few."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    place.environ["KIMI_DEBUG"] = "1"
    place.paths.log_dir.mkdir(parents=True)
    place.paths.log_file.symlink_to("/dev/full")
    launch, _ = place.launch()
    sizes = []
    for _ in range(3):
        for _ in range(100):
            launch.ask()
            launch.hear("whole")
        sizes.append(place.control.status().memory)
    assert sizes[2] - sizes[1] < 4_000_000
    launch.end()


def test_a_full_disk(place):
    """Where nothing at all can be written a launch says so in a sentence, and leaves nothing; with room it works."""

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    read, write = os.pipe()
    with open(read) as said:  # noqa: PTH123 - a file would be full as well
        launch = place.start(preexec_fn=fill, stderr=write)
        os.close(write)
        assert launch.wait() == 5
        text = said.read()
    assert "Traceback" not in text
    assert "written" in text
    assert place.proxies() == []
    place.launch()[0].end()


def _tree(place: Path | None) -> list[str]:
    return [] if place is None else sorted(map(str, (place, *place.rglob("*")))) if place.exists() else []
