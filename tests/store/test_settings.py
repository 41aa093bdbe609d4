"""The user's choices, read and changed."""

from __future__ import annotations

import stat
import subprocess
import sys
import tomllib

import pytest

from kimi_cli.errors import BaseUrlError, SettingsError
from kimi_cli.providers.provider import Format
from kimi_cli.store.settings import ProviderSettings, Settings, choose_provider, read_settings, save_provider

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")

BY_HAND = """\
# my settings

provider = "groq"   # for now

[providers.groq]
# the fast one
model = "moonshotai/kimi-k2-instruct-0905"
future = [1, 2, 3]  # not ours

[providers.groq.slots]
haiku = "openai/gpt-oss-20b"

[later]
x = 1
"""


@pytest.fixture
def path(paths):
    """Where the settings are."""
    return paths.settings_file


@pytest.fixture
def by_hand(path):
    """A file that was written by hand."""
    path.parent.mkdir(parents=True)
    path.write_text(BY_HAND)
    return path


def test_no_file(path):
    """Without a file the settings are empty, and none is made."""
    assert read_settings(path) == Settings()
    assert read_settings(path).of("groq") == ProviderSettings()
    assert not path.parent.exists()


def test_reads_what_was_written_by_hand(by_hand):
    """Every key that we know is read; others do not disturb."""
    found = read_settings(by_hand)
    assert found.provider == "groq"
    assert found.of("groq") == ProviderSettings(
        model="moonshotai/kimi-k2-instruct-0905", slots={"haiku": "openai/gpt-oss-20b"}
    )
    assert found.of("moonshot") == ProviderSettings()


def test_custom_provider(path):
    """A provider of the user's own is kept with its format and key variable."""
    save_provider(
        path,
        "local",
        base_url="http://127.0.0.1:8000/v1/chat/completions",
        model="kimi",
        format=Format.OPENAI,
        key_variable="LOCAL_KEY",
        slots={"haiku": "small"},
    )
    assert read_settings(path).of("local") == ProviderSettings(
        base_url="http://127.0.0.1:8000/v1",
        model="kimi",
        format=Format.OPENAI,
        key_variable="LOCAL_KEY",
        slots={"haiku": "small"},
    )


@pytest.mark.parametrize(
    ("text", "ledger"), [("", None), ('ledger = "on"', True), ('ledger = "off"', False), ("ledger = false", False)]
)
def test_the_ledger_is_switched(path, text, ledger):
    """By a word, or as TOML says yes and no; where nothing is said nobody has switched it."""
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert read_settings(path).ledger is ledger


def test_changes_leave_everything_else_alone(by_hand):
    """Only the changed value differs afterwards: comments, order and unknown keys stay."""
    save_provider(by_hand, "groq", model="other")
    assert by_hand.read_text() == BY_HAND.replace("moonshotai/kimi-k2-instruct-0905", "other")
    choose_provider(by_hand, "moonshot")
    assert '\nprovider = "moonshot"   # for now\n' in by_hand.read_text()


def test_adding_leaves_everything_else_alone(by_hand):
    """A new provider is added, and every line that was there still is."""
    save_provider(by_hand, "moonshot", model="kimi-k3")
    assert read_settings(by_hand).of("moonshot").model == "kimi-k3"
    assert set(BY_HAND.splitlines()) <= set(by_hand.read_text().splitlines())


def test_first_choice(path):
    """The first choice makes the file, private, and nothing else."""
    choose_provider(path, "moonshot")
    assert path.read_text() == 'provider = "moonshot"\n'
    assert [each.name for each in path.parent.iterdir()] == ["settings.toml"]


@posix
def test_private(path):
    """The file is 0600 in a directory that is 0700."""
    choose_provider(path, "moonshot")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_none_keeps_and_empty_removes(path):
    """None leaves a value, an empty text removes it, and what was never there can be removed."""
    save_provider(path, "groq", base_url="https://gate.example/v1", model="m")
    save_provider(path, "groq", model="")
    assert read_settings(path).of("groq") == ProviderSettings(base_url="https://gate.example/v1")
    save_provider(path, "groq", base_url="", key_variable="")
    assert read_settings(path).of("groq") == ProviderSettings()


def test_base_url_is_cleaned_for_the_providers_format(path):
    """The catalogue's format, or the one set before, tells which endings are cut off."""
    save_provider(path, "moonshot", base_url="https://gate.example/anthropic/v1/messages")
    assert read_settings(path).of("moonshot").base_url == "https://gate.example/anthropic"
    save_provider(path, "mine", format=Format.ANTHROPIC)
    save_provider(path, "mine", base_url="https://gate.example/v1/")
    assert read_settings(path).of("mine").base_url == "https://gate.example"


def test_bad_base_url_changes_nothing(by_hand):
    """A base URL that cannot be used is refused before anything is written."""
    with pytest.raises(BaseUrlError):
        save_provider(by_hand, "groq", base_url="http://elsewhere.example/v1", model="other")
    assert by_hand.read_text() == BY_HAND


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("provider = groq\n", "line 1, column 12"),
        ('provider = "groq"\n[providers\n', "line 2, column"),
        ('provider = "a"\nprovider = "b"\n', "line 2, column"),
        ('provider = "groq', "line 1"),
        ('# one\n\nprovider = """x', "line 3"),
        ("[a]\n[a]\n", "line 2, column"),
    ],
)
def test_broken_files_are_located_and_left_alone(path, text, place):
    """A file that is no TOML is an error with line and column, and is never overwritten."""
    path.parent.mkdir(parents=True)
    path.write_text(text)
    for use in (read_settings, lambda it: choose_provider(it, "groq"), lambda it: save_provider(it, "groq", model="m")):
        with pytest.raises(SettingsError, match=place) as caught:
            use(path)
        assert str(path) in str(caught.value)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("provider = 3", "provider must be a text"),
        ("providers = 3", "providers must be a table"),
        ('ledger = "of"', 'ledger must be "on" or "off"'),
        ("ledger = 0", 'ledger must be "on" or "off"'),
        ("ledger = []", 'ledger must be "on" or "off"'),
        ("providers.groq = 3", r"providers\.groq must be a table"),
        ("providers.groq.model = [1]", r"providers\.groq\.model must be a text"),
        ("providers.groq.slots = 1", r"providers\.groq\.slots must be a table"),
        ("providers.groq.slots.haiku = 1", r"providers\.groq\.slots\.haiku must be a text"),
        ('providers.x.format = "grpc"', r"providers\.x\.format is 'grpc', and must be one of openai, anthropic"),
    ],
)
def test_wrong_kinds_are_named_and_left_alone(path, text, what):
    """A value of the wrong kind is an error that names it, and the file is never overwritten."""
    path.parent.mkdir(parents=True)
    path.write_text(text)
    for use in (read_settings, lambda it: choose_provider(it, "groq"), lambda it: save_provider(it, "groq", model="m")):
        with pytest.raises(SettingsError, match=what):
            use(path)
    assert path.read_text() == text


def test_not_text(path):
    """A file that is not UTF-8 is an error that says so."""
    path.parent.mkdir(parents=True)
    path.write_bytes(b'provider = "gr\xffoq"')
    with pytest.raises(SettingsError, match=r"not UTF-8 text \(byte 15\)"):
        read_settings(path)


def test_byte_order_mark(path):
    """The mark that some Windows editors put first does not disturb."""
    path.parent.mkdir(parents=True)
    path.write_bytes(b'\xef\xbb\xbfprovider = "groq"\r\n')
    assert read_settings(path).provider == "groq"


def test_directory_in_its_place(path):
    """A directory in the file's place is an error, not a traceback."""
    path.mkdir(parents=True)
    with pytest.raises(SettingsError):
        read_settings(path)


@posix
def test_no_permission_to_read(by_hand, unprivileged):
    """A file that may not be read is an error with its fix, and is not replaced."""
    by_hand.chmod(0)
    for use in (read_settings, lambda it: choose_provider(it, "moonshot")):
        with pytest.raises(SettingsError, match="may not read it") as caught:
            use(by_hand)
        assert caught.value.fix == f"chmod u+rw {by_hand}"
    by_hand.chmod(0o600)
    assert by_hand.read_text() == BY_HAND


@posix
def test_read_only_directory(by_hand, unprivileged):
    """A directory that cannot be written to is one sentence, and the old file stays."""
    by_hand.parent.chmod(0o500)
    with pytest.raises(SettingsError, match=r"cannot be written \(Permission denied\)"):
        choose_provider(by_hand, "moonshot")
    assert by_hand.read_text() == BY_HAND
    assert [each.name for each in by_hand.parent.iterdir()] == ["settings.toml"]
    by_hand.parent.chmod(0o700)


def test_full_disk(by_hand, full_disk):
    """On a full disk the old file survives whole."""
    with full_disk(), pytest.raises(SettingsError, match="cannot be written"):
        choose_provider(by_hand, "moonshot")
    assert by_hand.read_text() == BY_HAND
    assert [each.name for each in by_hand.parent.iterdir()] == ["settings.toml"]


@posix
def test_link_of_a_dotfile_manager(by_hand, tmp_path):
    """Where the file is a link, what it points to is rewritten and the link stays."""
    kept = tmp_path / "dotfiles" / "kimi.toml"
    kept.parent.mkdir()
    kept.parent.chmod(0o755)
    by_hand.rename(kept)
    by_hand.symlink_to(kept)
    choose_provider(by_hand, "moonshot")
    assert by_hand.is_symlink()
    assert tomllib.loads(kept.read_text())["provider"] == "moonshot"
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o755


def test_two_changes_at_once(path):
    """Processes that save at the same moment lose none of their changes."""
    script = (
        "import sys; from pathlib import Path; from kimi_cli.store.settings import save_provider\n"
        "for n in range(8): save_provider(Path(sys.argv[1]), f'{sys.argv[2]}{n}', model='m')\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, str(path), name]) for name in "abc"]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert set(read_settings(path).providers) == {f"{name}{number}" for name in "abc" for number in range(8)}
