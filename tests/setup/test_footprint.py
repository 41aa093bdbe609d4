"""What is ours in our directories, and what is not."""

from __future__ import annotations

import sys

import pytest

from kimi_cli.launcher.settings_file import SettingsFile
from kimi_cli.proxy.record import Recorder
from kimi_cli.proxy.refusal import new_request_id
from kimi_cli.setup.footprint import Footprint, emptied, footprint, live_lists
from kimi_cli.store.bodies import Part
from kimi_cli.store.calibration import write_calibration
from kimi_cli.store.files import ensure_private_dir, write_private
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.key_file import change_key
from kimi_cli.store.ledger_files import append
from kimi_cli.store.live_models import LiveModel, write_live
from kimi_cli.store.settings import choose_provider
from kimi_cli.store.state import ProxyState, write_state
from tests.store.entries import entry

posix = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")

GONE = ProcessIdentity(pid=ProcessIdentity.current().pid, created=1.0)


def state(process: ProcessIdentity) -> ProxyState:
    """The state of a proxy that is this process."""
    return ProxyState(instance="i", process=process, port=9, version="0", control_token="t")


@pytest.fixture
def lived_in(paths):
    """Directories in which everything has been written that kimi writes."""
    choose_provider(paths.settings_file, "groq")
    change_key(paths.keys_file, "groq", key="gsk_1")
    write_live(paths, "groq", "https://api.groq.com/openai/v1", [LiveModel("m")], now=1.0)
    write_calibration(paths.calibration_file, {})
    write_state(paths.state_file, state(GONE))
    write_state(paths.runtime_dir / "serve-4711.json", state(GONE))
    SettingsFile.for_session(paths).write({})
    SettingsFile(paths.runtime_dir / "direct" / f"{GONE.pid}_{GONE.created}_0123456789abcdef.json").write({})
    ensure_private_dir(paths.log_dir)
    for name in ("proxy.log", "proxy.log.1", "proxy.log.3", "serve.log"):
        (paths.log_dir / name).write_text("{}\n")
    record = Recorder(paths.bodies_dir, secrets=list).open(new_request_id())
    record.add(Part.HOST_ANSWER, b"{}")
    record.close()
    append(paths.usage_dir, [entry()])
    (paths.runtime_dir / "proxy.lock").touch()
    (paths.config_dir / ".settings.toml.a1b2c3_x.tmp").touch()  # as a writer leaves it that was killed
    return paths


def files_below(*folders):
    return {path for folder in folders for path in folder.rglob("*") if not path.is_dir()}


def test_nothing(paths):
    """Where kimi never was there is nothing, and looking makes nothing."""
    assert footprint(paths) == Footprint()
    assert not paths.config_dir.exists()


def test_everything_that_kimi_writes_is_ours(lived_in):
    """Every file that our own functions write is known as ours, and so are their directories."""
    paths = lived_in
    found = footprint(paths)
    folders = (paths.config_dir, paths.cache_dir, paths.log_dir, paths.runtime_dir, paths.usage_dir)
    assert set(found.files) == files_below(*folders)
    assert len(found.files) == 16
    assert (found.in_use, found.foreign) == ((), ())
    ours = {paths.config_dir, paths.cache_dir, paths.live_models_dir, paths.runtime_dir, paths.bodies_dir}
    ours.add(paths.usage_dir)
    assert ours <= set(found.directories)
    assert set(emptied(found.directories, found.files)) == set(found.directories)


def test_directories_come_inner_first(lived_in):
    """A directory comes before the one that it is in, so that each is empty when its turn comes."""
    found = footprint(lived_in).directories
    for at, folder in enumerate(found):
        assert not any(other.is_relative_to(folder) for other in found[at + 1 :])


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "settings.toml~", "settings.toml.bak", "keys.json.orig", ".settings.toml.swp", "proxy.log", "models"],
)
def test_other_files_are_not_ours(paths, name):
    """Whatever else lies there is somebody else's, names like ours in the wrong place included."""
    choose_provider(paths.settings_file, "groq")
    (paths.config_dir / name).write_text("mine")
    found = footprint(paths)
    assert found.foreign == (paths.config_dir / name,)
    assert found.files == (paths.settings_file,)
    assert paths.config_dir not in emptied(found.directories, found.files)


def test_other_directories_are_not_ours(paths):
    """A directory that is not ours is told as a whole, and not looked into."""
    (paths.config_dir / "plugins" / "models").mkdir(parents=True)
    (paths.config_dir / "plugins" / "settings.toml").touch()
    assert footprint(paths).foreign == (paths.config_dir / "plugins",)


@posix
def test_links(paths, tmp_path):
    """A link in one of our places is ours; a directory that is a link is not, and what it leads to is not either."""
    target = tmp_path / "dotfiles.toml"
    target.touch()
    paths.config_dir.mkdir(parents=True)
    paths.settings_file.symlink_to(target)
    (tmp_path / "shared").mkdir()
    paths.cache_dir.mkdir(parents=True)
    paths.live_models_dir.symlink_to(tmp_path / "shared")
    found = footprint(paths)
    assert found.files == (paths.settings_file,)
    assert paths.live_models_dir not in found.directories


def test_in_use(lived_in):
    """What belongs to a `kimi serve` or a direct launch that runs is kept apart, with the log of the first."""
    paths, own = lived_in, ProcessIdentity.current()
    serving = paths.runtime_dir / f"serve-{own.pid}.json"
    write_state(serving, state(own))
    direct = SettingsFile.for_direct(paths)
    direct.write({})
    found = footprint(paths)
    assert set(found.in_use) == {serving, direct.path, paths.log_dir / "serve.log"}
    assert paths.runtime_dir / "serve-4711.json" in found.files
    assert paths.state_file in found.files


def test_broken_names(paths):
    """A file of a direct launch whose name is no identity belongs to nobody who runs."""
    file = paths.runtime_dir / "direct" / f"{'9' * 30}_1.2.3_0123456789abcdef.json"
    ensure_private_dir(file.parent)
    write_private(file, b"{}")
    assert footprint(paths).files == (file,)


def test_live_lists(paths):
    """A provider's lists are those of all its addresses, and of no other provider whose name begins like it."""
    for provider, url in (("groq", "https://a"), ("groq", "https://b"), ("groq-2", "https://a")):
        write_live(paths, provider, url, [], now=1.0)
    assert len(live_lists(paths, "groq")) == 2
    assert len(live_lists(paths, "groq-2")) == 1
    assert live_lists(paths, "g.*") == ()
