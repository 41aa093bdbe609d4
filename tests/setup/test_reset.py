"""A reset: planned, and carried out exactly."""

from __future__ import annotations

import sys

import pytest

from kimi_cli.daemon.stop import StopReport, Way
from kimi_cli.errors import ProviderUnknownError, SettingsError
from kimi_cli.setup.reset import ResetPlan, ResetReport, carry_out, plan_reset
from kimi_cli.store.files import ensure_private_dir
from kimi_cli.store.identity import ProcessIdentity
from kimi_cli.store.key_file import change_key, read_keys
from kimi_cli.store.key_places import KeptKey
from kimi_cli.store.keyring_backend import KeyringFault
from kimi_cli.store.live_models import LiveModel, write_live
from kimi_cli.store.secrets import KeySource
from kimi_cli.store.settings import choose_provider, read_settings, save_provider
from kimi_cli.store.state import ProxyState, write_state
from tests.store.rings import FakeKeyring

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and links")
RING, FILE = KeySource.KEYRING, KeySource.FILE


@pytest.fixture
def lived_in(paths):
    """A user who chose Groq, added a provider, and has keys, lists and logs."""
    choose_provider(paths.settings_file, "groq")
    save_provider(paths.settings_file, "groq", model="openai/gpt-oss-120b")
    save_provider(paths.settings_file, "local", base_url="https://h.example", model="m")
    change_key(paths.keys_file, "moonshot", key="sk-1")
    for provider in ("groq", "local"):
        write_live(paths, provider, "https://h.example", [LiveModel("m")], now=1.0)
    ensure_private_dir(paths.log_dir)
    (paths.log_dir / "proxy.log").write_text("{}\n")
    return paths


@pytest.fixture
def ring():
    """A keyring with keys of ours, and one of somebody else's."""
    return FakeKeyring(groq="gsk_1", local="k", stranger="x")


def ours(paths):
    """Every directory of ours that is there."""
    folders = (paths.config_dir, paths.cache_dir, paths.log_dir, paths.runtime_dir, paths.log_dir.parent)
    return [folder for folder in folders if folder.exists()]


def test_nothing_to_do(paths):
    """Where kimi never was there is nothing to do, and doing it does nothing."""
    plan = plan_reset(paths, {}, keyring=FakeKeyring())
    assert plan.is_empty
    report = carry_out(plan, paths, {}, keyring=FakeKeyring())
    assert report == ResetReport(keys=(), removed=(), failures=())
    assert (report.exit_code, ours(paths)) == (0, [])


def test_everything(lived_in, ring):
    """Everything goes that the plan names, and nothing of kimi's is left; a stranger's entry in the keyring is."""
    plan = plan_reset(lived_in, {"GROQ_API_KEY": "gsk_2"}, keyring=ring)
    assert set(plan.keys) == {KeptKey("groq", RING), KeptKey("local", RING), KeptKey("moonshot", FILE)}
    assert plan.variables == ("GROQ_API_KEY",)
    assert (plan.left, plan.in_use, plan.proxies, plan.troubles) == ((), (), (), ())
    assert {lived_in.settings_file, lived_in.keys_file, lived_in.log_file} <= set(plan.files)
    report = carry_out(plan, lived_in, {}, keyring=ring)
    assert (report.failures, report.left, report.exit_code) == ((), (), 0)
    assert set(report.removed) == {*plan.files, *plan.directories}
    assert set(report.keys) == set(plan.keys)
    assert (ours(lived_in), ring.kept) == ([], {"stranger": "x"})
    assert plan_reset(lived_in, {}, keyring=ring).is_empty


def test_keys_kept(lived_in, ring):
    """On request the keys stay where they are, and everything else goes."""
    plan = plan_reset(lived_in, {}, keep_keys=True, keyring=ring)
    assert len(plan.keys) == 3
    assert lived_in.keys_file not in plan.files
    assert lived_in.config_dir not in plan.directories
    report = carry_out(plan, lived_in, {}, keyring=ring)
    assert (report.keys, report.failures) == ((), ())
    assert len(ring.kept) == 3
    assert read_keys(lived_in.keys_file) == {"moonshot": "sk-1"}
    assert list(lived_in.config_dir.iterdir()) == [lived_in.keys_file]
    assert ours(lived_in) == [lived_in.config_dir]
    assert plan_reset(lived_in, {}, keep_keys=True, keyring=ring).is_empty


def test_what_is_not_ours_stays(lived_in, ring):
    """Files that kimi did not make stay with their directories, and are named before and after."""
    note, project = lived_in.config_dir / "notes.txt", lived_in.cache_dir / "models" / "mine"
    note.write_text("mine")
    project.mkdir()
    plan = plan_reset(lived_in, {}, keyring=ring)
    assert set(plan.left) == {note, project}
    assert not {lived_in.config_dir, lived_in.cache_dir, lived_in.live_models_dir} & set(plan.directories)
    report = carry_out(plan, lived_in, {}, keyring=ring)
    assert set(report.left) == {note, project}
    assert list(lived_in.config_dir.iterdir()) == [note]
    assert list(lived_in.live_models_dir.iterdir()) == [project]
    assert plan_reset(lived_in, {}, keyring=ring).is_empty


@posix
def test_dotfiles_stay(lived_in, ring, tmp_path):
    """Where the settings are a link, the link goes and what it leads to stays, and is named."""
    kept = tmp_path / "kimi.toml"
    lived_in.settings_file.rename(kept)
    lived_in.settings_file.symlink_to(kept)
    plan = plan_reset(lived_in, {}, keyring=ring)
    assert plan.left == (kept.resolve(),)
    assert carry_out(plan, lived_in, {}, keyring=ring).left == (kept.resolve(),)
    assert read_settings(kept).provider == "groq"
    assert ours(lived_in) == []


@pytest.mark.parametrize("fault", [KeyringFault.LOCKED, KeyringFault.SILENT, KeyringFault.FAILED])
def test_keyring_that_fails(lived_in, fault):
    """A keyring that fails is told before and after; everything else goes, and the status is an error."""
    ring = FakeKeyring(fault=fault, groq="gsk_1")
    plan = plan_reset(lived_in, {}, keyring=ring)
    assert [str(trouble) for trouble in plan.troubles] == [f"The keyring is {fault}."]
    assert plan.keys == (KeptKey("moonshot", FILE),)
    report = carry_out(plan, lived_in, {}, keyring=ring)
    assert [str(failure) for failure in report.failures] == [f"The keyring is {fault}. A key may be left in it."]
    assert report.failures[0].fix == "kimi reset   and   kimi unset-key local"
    assert report.exit_code == 3
    assert report.keys == plan.keys
    assert ours(lived_in) == []


def test_no_keyring(lived_in):
    """A keyring that does not exist holds no key, and is no failure."""
    ring = FakeKeyring(fault=KeyringFault.ABSENT)
    report = carry_out(plan_reset(lived_in, {}, keyring=ring), lived_in, {}, keyring=ring)
    assert (report.failures, report.exit_code) == ((), 0)


def test_broken_files(lived_in, ring):
    """A reset is the way out of broken files: they go, and that they are broken is told before."""
    lived_in.settings_file.write_text("provider =\n")
    lived_in.keys_file.write_text("{")
    plan = plan_reset(lived_in, {}, keyring=ring)
    assert len(plan.troubles) == 2
    assert "line 1" in str(plan.troubles[0])
    assert "is not JSON" in str(plan.troubles[1])
    report = carry_out(plan, lived_in, {}, keyring=ring)
    assert (report.failures, ours(lived_in)) == ((), [])


@posix
def test_directory_that_cannot_be_changed(lived_in, ring, unprivileged):
    """What cannot be removed is told with its fix, and the rest goes."""
    lived_in.config_dir.chmod(0o500)
    report = carry_out(plan_reset(lived_in, {}, keyring=ring), lived_in, {}, keyring=ring)
    assert {str(failure).partition(" ")[0] for failure in report.failures} == {
        str(lived_in.settings_file),
        str(lived_in.keys_file),
    }
    assert {failure.fix for failure in report.failures} == {f"chmod u+rwx {lived_in.config_dir}"}
    assert report.exit_code == 1
    assert KeptKey("moonshot", FILE) not in report.keys
    assert ours(lived_in) == [lived_in.config_dir]
    lived_in.config_dir.chmod(0o700)


def test_running_proxy(world):
    """A proxy that runs is planned with its sessions, stopped, and leaves nothing; its sessions end."""
    choose_provider(world.paths.settings_file, "groq")
    control = world.ensure()
    world.open(control)
    plan = plan_reset(world.paths, world.environ, keyring=FakeKeyring())
    (proxy,) = plan.proxies
    assert (proxy.pid, proxy.port) == (control.state.process.pid, control.state.port)
    assert [session.provider for session in proxy.sessions] == ["groq"]
    report = carry_out(plan, world.paths, world.environ, keyring=FakeKeyring())
    assert report.proxies == (StopReport(Way.ASKED, control.state.process.pid),)
    assert (report.failures, report.left) == ((), ())
    assert world.is_clean()
    assert ours(world.paths) == []


def test_proxy_that_does_not_answer(world):
    """A proxy that hangs is planned without its sessions, and ended all the same."""
    process = world.child()
    state = ProxyState("i", ProcessIdentity.of(process.pid), port=9, version="0", control_token="t")
    write_state(world.paths.state_file, state)
    plan = plan_reset(world.paths, world.environ, keyring=FakeKeyring())
    assert [(proxy.pid, proxy.sessions) for proxy in plan.proxies] == [(process.pid, ())]
    report = carry_out(plan, world.paths, world.environ, keyring=FakeKeyring())
    assert [ended.way for ended in report.proxies] == [Way.TERMINATED]
    assert process.wait() != 0


def test_proxy_that_cannot_be_stopped(lived_in, ring):
    """Where the proxy cannot be stopped its files stay, because it needs them; the rest goes."""
    lived_in.runtime_dir.parent.mkdir(parents=True, exist_ok=True)
    lived_in.runtime_dir.write_text("in the way")
    report = carry_out(plan_reset(lived_in, {}, keyring=ring), lived_in, {}, keyring=ring)
    assert report.proxies == ()
    assert (len(report.failures), report.exit_code) == (1, 5)
    assert ours(lived_in) == [lived_in.log_dir, lived_in.runtime_dir, lived_in.log_dir.parent]
    assert lived_in.log_file.exists()


def test_foreground_proxy_is_left_alone(lived_in, ring):
    """What a `kimi serve` in another terminal needs stays, and is named."""
    own = ProcessIdentity.current()
    file = lived_in.runtime_dir / f"serve-{own.pid}.json"
    write_state(file, ProxyState("i", own, port=9, version="0", control_token="t"))
    plan = plan_reset(lived_in, {}, keyring=ring)
    assert plan.in_use == (file,)
    assert file in carry_out(plan, lived_in, {}, keyring=ring).left
    assert file.exists()


def test_one_provider(lived_in, ring):
    """A reset of one provider takes its table, its key, its lists and the choice, and nothing of another's."""
    environ = {"GROQ_API_KEY": "gsk_2", "MOONSHOT_API_KEY": "sk-2"}
    plan = plan_reset(lived_in, environ, provider=" Groq", keyring=ring)
    assert plan == ResetPlan(
        provider="groq",
        keep_keys=False,
        keys=(KeptKey("groq", RING),),
        settings=("provider", "providers.groq"),
        files=plan.files,
        variables=("GROQ_API_KEY",),
        providers=("groq",),
    )
    assert [file.name.partition("-")[0] for file in plan.files] == ["groq"]
    report = carry_out(plan, lived_in, environ, keyring=ring)
    assert (report.keys, report.settings, report.removed) == (plan.keys, plan.settings, plan.files)
    assert (report.failures, report.proxies, report.left) == ((), (), ())
    settings = read_settings(lived_in.settings_file)
    assert (settings.provider, list(settings.providers)) == (None, ["local"])
    assert ring.kept == {"local": "k", "stranger": "x"}
    assert read_keys(lived_in.keys_file) == {"moonshot": "sk-1"}
    assert lived_in.log_file.exists()
    assert plan_reset(lived_in, {}, provider="groq", keyring=ring).is_empty


def test_one_provider_with_its_key_kept(lived_in, ring):
    """An added provider goes as well, on request without its key; the choice of another one stays."""
    plan = plan_reset(lived_in, {}, provider="local", keep_keys=True, keyring=ring)
    assert plan.settings == ("providers.local",)
    assert carry_out(plan, lived_in, {}, keyring=ring).keys == ()
    assert ring.kept["local"] == "k"
    settings = read_settings(lived_in.settings_file)
    assert (settings.provider, list(settings.providers)) == ("groq", ["groq"])


def test_one_provider_with_a_keyring_that_fails(lived_in):
    """The rest of one provider goes too where the keyring fails."""
    ring = FakeKeyring(fault=KeyringFault.LOCKED)
    plan = plan_reset(lived_in, {}, provider="groq", keyring=ring)
    report = carry_out(plan, lived_in, {}, keyring=ring)
    assert [failure.fix for failure in report.failures] == ["kimi reset --provider groq"]
    assert "groq" not in read_settings(lived_in.settings_file).providers


def test_one_provider_on_a_full_disk(lived_in, ring, full_disk):
    """Settings that cannot be written stay as they were, and that is told."""
    before = lived_in.settings_file.read_text()
    plan = plan_reset(lived_in, {}, provider="groq", keyring=ring)
    with full_disk():
        report = carry_out(plan, lived_in, {}, keyring=ring)
    assert (report.settings, report.exit_code) == ((), 3)
    assert "cannot be written" in str(report.failures[0])
    assert lived_in.settings_file.read_text() == before


def test_one_provider_that_there_is_not(lived_in, ring):
    """A name that is none leads to one; with broken settings one provider cannot be told from another."""
    with pytest.raises(ProviderUnknownError, match="did you mean 'groq'"):
        plan_reset(lived_in, {}, provider="grok", keyring=ring)
    lived_in.settings_file.write_text("provider =\n")
    with pytest.raises(SettingsError, match="line 1"):
        plan_reset(lived_in, {}, provider="groq", keyring=ring)
