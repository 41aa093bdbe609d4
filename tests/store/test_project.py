"""What a directory tree asks for, and what it cannot ask for."""

from __future__ import annotations

import os
import sys

import pytest

from kimi_cli.errors import SettingsError
from kimi_cli.store.project import PROJECT_FILE, Project, read_project
from tests.store.conftest import NOBODY

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
as_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away")

WHOLE = """\
provider = "moonshot"
model = "kimi-k3"

[slots]
haiku = "kimi-k2.6"
"""


@pytest.fixture
def home(sandbox):
    """The home directory."""
    return sandbox.home.resolve()


@pytest.fixture
def tree(home):
    """A repository in the home directory."""
    tree = home / "work" / "repository"
    tree.mkdir(parents=True)
    return tree


@pytest.fixture
def ask(tree, home):
    """What the repository asks for, with this text in its file."""

    def write_and_read(text):
        (tree / PROJECT_FILE).write_text(text)
        return read_project(tree, home=home)

    return write_and_read


def test_none(tree, home):
    """Without a file nothing is asked for."""
    assert read_project(tree, home=home) is None


def test_whole(ask, tree):
    """Provider, model and slots are read."""
    assert ask(WHOLE) == Project(
        tree / PROJECT_FILE, provider="moonshot", model="kimi-k3", slots={"haiku": "kimi-k2.6"}
    )
    assert ask("") == Project(tree / PROJECT_FILE)
    assert ask('provider = ""\nslots.opus = ""\n') == Project(tree / PROJECT_FILE)


def test_upwards(tree, home):
    """The nearest file upwards is the one, whole: a farther one adds nothing to it."""
    deep = tree / "src" / "deep"
    deep.mkdir(parents=True)
    (home / PROJECT_FILE).write_text('provider = "groq"\n')
    assert read_project(deep, home=home).provider == "groq"
    (tree / PROJECT_FILE).write_text('model = "m"\n')
    found = read_project(deep, home=home)
    assert (found.path, found.provider, found.model) == (tree / PROJECT_FILE, None, "m")


def test_not_above_home(tree, home):
    """Above the home directory nothing is looked for; a directory outside of it is searched up to the root."""
    (home.parent / PROJECT_FILE).write_text(WHOLE)
    assert read_project(tree, home=home) is None
    outside = home.parent / "elsewhere"
    outside.mkdir()
    assert read_project(outside, home=home).provider == "moonshot"
    assert read_project(tree, home=None).provider == "moonshot"


@posix
def test_home_behind_a_link(tree, home, tmp_path):
    """A home directory that is a link ends the search all the same."""
    link = tmp_path / "home"
    link.symlink_to(home)
    (home.parent / PROJECT_FILE).write_text(WHOLE)
    assert read_project(link / "work" / "repository", home=link) is None


@pytest.mark.parametrize(
    "line",
    [
        'base_url = "https://evil.example/v1"',
        'BASE_URL = "https://evil.example/v1"',
        'key = "sk-1"',
        'api_key = "sk-1"',
        'key_variable = "AWS_SECRET_ACCESS_KEY"',
        'format = "openai"',
        '[providers.moonshot]\nbase_url = "https://evil.example"',
        '[providers.evil]\nbase_url = "https://evil.example"\nkey_variable = "MOONSHOT_API_KEY"',
    ],
)
def test_no_redirection(ask, tree, line):
    """Neither an address nor a key is read, and the reason is told."""
    found = ask(f'model = "m"\n{line}\n')
    assert found == Project(tree / PROJECT_FILE, model="m", warnings=found.warnings)
    assert len(found.warnings) == 1
    assert "could send your traffic and your key elsewhere" in found.warnings[0]


def test_unknown_keys(ask):
    """Keys that mean nothing are told, with the ones that were probably meant, and no terminal is steered by them."""
    found = ask('modle = "m"\n"\\u001b]0;x\\u0007" = 1\n[slots]\nsonet = "s"\nopus = "o"\n')
    assert found.slots == {"opus": "o"}
    assert "modle is not a setting; did you mean model?" in found.warnings[0]
    assert "'\\x1b]0;x\\x07' is not a setting" in found.warnings[1]
    assert "slots.sonet is not a slot; did you mean sonnet?" in found.warnings[2]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("provider = groq\n", "line 1, column 12"),
        ('model = "m"\n[slots\n', "line 2, column"),
        ("provider = 3", "provider must be a text"),
        ("model = []", "model must be a text"),
        ("slots = 1", "slots must be a table"),
        ("slots.opus = 1", r"slots\.opus must be a text"),
        ('provider = "a b"', "no provider's name"),
        ('provider = "--help"', "no provider's name"),
        ('provider = "\\u001b[31m"', "no provider's name"),
        ('model = "a b"', "model holds something that is no model's id"),
        ('model = "-m"', "no model's id"),
        ('model = "a\\nb"', "no model's id"),
        ('model = "\\u202eabc"', "no model's id"),
        (f'model = "{"m" * 201}"', "no model's id"),
        ('slots.opus = "\\u0007"', r"slots\.opus holds something"),
        ("x = " + "[" * 5000, "nested too deeply|not valid TOML"),
        (f"x = {'1' * 5000}", "a number that is too long"),
    ],
    ids=lambda text: text[:30],
)
def test_broken(ask, tree, text, what):
    """A file that cannot be understood is an error that names it, and the place in it."""
    with pytest.raises(SettingsError, match=what) as caught:
        ask(text)
    assert str(tree / PROJECT_FILE) in str(caught.value)
    assert str(caught.value).isprintable()


def test_not_text(tree, home):
    """A file that is no UTF-8 is an error; the mark of some editors is none."""
    (tree / PROJECT_FILE).write_bytes(b'model = "\xff"')
    with pytest.raises(SettingsError, match=r"not UTF-8 text \(byte 10\)"):
        read_project(tree, home=home)
    (tree / PROJECT_FILE).write_bytes(b'\xef\xbb\xbfmodel = "m"\r\n')
    assert read_project(tree, home=home).model == "m"


@pytest.mark.parametrize("model", ["moonshotai/kimi-k2:free", "accounts/fireworks/models/kimi-k3", "kimi-k3[1m]", "~x"])
def test_ids_of_hosts(ask, model):
    """Ids as hosts have them are ids."""
    assert ask(f'model = "{model}"\n').model == model


def test_too_large(ask, tree):
    """A file that is too large for what it is is ignored, and that is told."""
    found = ask("# " + "x" * 70_000)
    assert found == Project(
        tree / PROJECT_FILE, warnings=(f"{tree / PROJECT_FILE} is ignored: it is larger than 64 KiB.",)
    )


def test_directory(tree, home):
    """A directory of that name is ignored, and that is told."""
    (tree / PROJECT_FILE).mkdir()
    assert "is not a regular file" in read_project(tree, home=home).warnings[0]


@posix
def test_pipe(tree, home):
    """A pipe of that name does not block."""
    os.mkfifo(tree / PROJECT_FILE)
    assert "is not a regular file" in read_project(tree, home=home).warnings[0]


@posix
def test_writable_by_everybody(ask, tree):
    """What every user can write is ignored, and that is told; a group that can write is the user's own business."""
    ask(WHOLE)
    (tree / PROJECT_FILE).chmod(0o666)
    found = ask(WHOLE)
    assert (found.provider, found.model, dict(found.slots)) == (None, None, {})
    assert found.warnings == (f"{tree / PROJECT_FILE} is ignored: it can be written by every user.",)
    (tree / PROJECT_FILE).chmod(0o664)
    assert ask(WHOLE).provider == "moonshot"


@as_root
def test_somebody_elses(ask, tree):
    """A file that belongs to another user is ignored, and that is told; it ends the search."""
    ask(WHOLE)
    os.chown(tree / PROJECT_FILE, NOBODY, NOBODY)
    (tree.parent / PROJECT_FILE).write_text(WHOLE)
    assert ask("provider = broken") == Project(
        tree / PROJECT_FILE, warnings=(f"{tree / PROJECT_FILE} is ignored: it belongs to another user.",)
    )


@as_root
def test_somebody_elses_link(tree, home, tmp_path):
    """A link that another user made is ignored, whosever file it leads to: it could stop every launch there."""
    target = tmp_path / "notes"
    target.write_text("no TOML at all")
    (tree / PROJECT_FILE).symlink_to(target)
    os.chown(tree / PROJECT_FILE, NOBODY, NOBODY, follow_symlinks=False)
    assert "belongs to another user" in read_project(tree, home=home).warnings[0]


@posix
def test_own_link(tree, home, tmp_path):
    """A link of this user's is followed; one that leads in a circle is an error, one that leads nowhere as well."""
    target = tmp_path / "shared.toml"
    target.write_text(WHOLE)
    link = tree / PROJECT_FILE
    link.symlink_to(target)
    assert read_project(tree, home=home).provider == "moonshot"
    for nowhere in (link, tmp_path / "nowhere"):
        link.unlink()
        link.symlink_to(nowhere)
        with pytest.raises(SettingsError, match="cannot be read"):
            read_project(tree, home=home)


@posix
def test_no_permission(ask, tree, home, unprivileged):
    """A file of this user's that may not be read is an error with its fix."""
    ask(WHOLE)
    (tree / PROJECT_FILE).chmod(0)
    with pytest.raises(SettingsError, match="you may not read it") as caught:
        read_project(tree, home=home)
    assert caught.value.fix == f"chmod u+r {tree / PROJECT_FILE}"


@posix
def test_directory_that_may_not_be_searched(tree, home, unprivileged):
    """A directory in which nothing may be seen has no file, as far as can be seen."""
    tree.chmod(0)
    try:
        assert read_project(tree, home=home) is None
    finally:
        tree.chmod(0o700)
