"""`kimi provider add`, `remove` and `list`."""

from __future__ import annotations

import os
import tomllib

import pytest

from kimi_cli.store.key_file import read_keys
from kimi_cli.store.paths import Paths
from tests.cli.run import GROQ_KEY, kimi

MINE = ("mine", "--format", "openai", "--base-url", "https://h.example/v1/chat/completions", "--model", "my-kimi")
NAMES = ["moonshot", "moonshot-cn", "openrouter", "fireworks", "together", "deepinfra", "baseten", "novita", "groq"]


def settings() -> dict:
    """What the settings file holds; nothing where there is none."""
    file = Paths.find(os.environ).settings_file
    return tomllib.loads(file.read_text()) if file.exists() else {}


def rows(out: str) -> dict[str, list[str]]:
    """The lines of a list by name, with a mark of their own for the one in use."""
    lines = [line.split() for line in out.splitlines()[1:]]
    return {line[1] if line[0] == "*" else line[0]: line for line in lines}


def test_added_used_and_removed():
    """A provider of one's own is stored clean, not chosen by itself, and goes with its key."""
    ran = kimi("provider", "add", *MINE, "--key-env", "MINE_KEY")
    assert (ran.status, ran.out) == (0, "")
    assert "To use it: kimi provider mine" in ran.err
    assert "kimi set-key mine" in ran.err
    assert settings() == {
        "providers": {
            "mine": {
                "format": "openai",
                "base_url": "https://h.example/v1",
                "model": "my-kimi",
                "key_variable": "MINE_KEY",
            }
        }
    }
    used = kimi("provider", "mine", MINE_KEY="0123456789abcdef")
    assert used.status == 0
    assert "Model     my-kimi" in used.out
    assert "0123...cdef from MINE_KEY" in used.out
    kimi("set-key", "mine", "--stdin", "--insecure-storage", stdin="0123456789abcdef")
    removed = kimi("provider", "remove", "mine", MINE_KEY="0123456789abcdef")
    assert (removed.status, removed.out) == (0, "")
    for sentence in ("mine is removed.", "Its key is gone, too.", "MINE_KEY is still set.", "It was the one in use."):
        assert sentence in removed.err
    assert "providers" not in settings()
    assert read_keys(Paths.find(os.environ).keys_file) == {}


def test_an_engine_on_this_machine_needs_no_key():
    """Nobody is sent for a key that is not needed."""
    ran = kimi(
        *("provider", "add", "local", "--format", "openai", "--base-url", "http://127.0.0.1:8000/v1", "--model", "m")
    )
    assert ran.status == 0
    assert "set-key" not in ran.err
    assert "Missing" not in kimi("provider", "local").err


def test_removed_with_its_key_kept():
    """With `--keep-key` the key stays where it is."""
    kimi("provider", "add", *MINE)
    kimi("set-key", "mine", "--stdin", "--insecure-storage", stdin="0123456789abcdef")
    assert "Its key stays." in kimi("provider", "remove", "mine", "--keep-key").err
    assert list(read_keys(Paths.find(os.environ).keys_file)) == ["mine"]


def test_the_list():
    """Every provider has a line with its Kimi model and key variable; the one in use is marked."""
    before = kimi("provider", "list")
    assert (before.status, before.err) == (0, "")
    found = rows(before.out)
    assert list(found) == [*NAMES, "custom"]
    assert found["moonshot"][-1] == "MOONSHOT_API_KEY"
    assert "none today" in before.out.splitlines()[1 + NAMES.index("groq")]
    assert found["custom"][-3:] == ["by", "name", "KIMI_API_KEY"]
    kimi("provider", "add", *MINE)
    kimi("provider", "mine")
    after = kimi("provider", "list")
    assert rows(after.out)["mine"][0] == "*"
    assert sum(line.startswith("*") for line in after.out.splitlines()) == 1
    assert after.err == "* is the one in use.\n"


@pytest.mark.parametrize(
    ("arguments", "says", "fix"),
    [
        (("add",), "needs a name, a format, an address and a model", "kimi provider add NAME --format openai"),
        (("add", "x", "--format", "openai"), "needs a name, a format", "kimi provider add NAME --format openai"),
        (("add", "groq", *MINE[1:]), "a provider of the catalogue has it", "kimi provider add my-host"),
        (("add", "list", *MINE[1:]), "it is a word of the command line", "kimi provider add my-host"),
        (("add", "Two Words", *MINE[1:]), "small letters, digits and hyphens", "kimi provider add my-host"),
        (("add", "-x", *MINE[1:]), "No such option", "kimi provider --help"),
        (("add", "x" * 33, *MINE[1:]), "small letters, digits and hyphens", "kimi provider add my-host"),
        (("add", "x", *MINE[1:-1], "two words"), "no spaces", "kimi provider add x --format openai"),
        (("add", *MINE, "--key-env", GROQ_KEY), "never the key itself", "--key-env MINE_API_KEY"),
        (("add", *MINE, "--format", "soap"), "'soap' is not one of", "kimi provider --help"),
        (
            ("add", *MINE[:3], "--base-url", "http://h.example/v1", "--model", "m"),
            "http:// would send the key unencrypted",
            "kimi provider add mine --format openai --model m --base-url https://HOST/v1",
        ),
        (
            ("add", *MINE[:3], "--base-url", "https://me:s3cr3t@h.example/v1", "--model", "m"),
            "user name or password",
            "kimi provider add mine --format openai --model m --base-url https://HOST/v1",
        ),
        (("add", *MINE, "--keep-key"), "--keep-key means nothing to kimi provider add", "kimi provider remove --help"),
        (("remove",), "Which provider is to be removed?", "kimi provider remove NAME"),
        (("remove", "groq"), "in the catalogue and stays", "kimi reset --provider groq"),
        (("remove", "nobody"), "There is no provider 'nobody'", "kimi provider list"),
        (
            ("remove", "x", "--model", "m"),
            "--model means nothing to kimi provider remove",
            "kimi provider NAME --model",
        ),
        (("list", "extra"), "one word too many: extra", "kimi provider list"),
        (("groq", "extra"), "one word too many: extra", "kimi provider groq"),
        (("list", "--model", "m"), "--model means nothing to kimi provider list", "kimi provider NAME --model VALUE"),
        (("groq", "--format", "anthropic"), "--format means nothing", "kimi provider add --help"),
        (("groq", "--key-env", "X"), "--key-env means nothing", "kimi provider add --help"),
        (("--keep-key",), "--keep-key means nothing to kimi provider.", "kimi provider remove --help"),
    ],
)
def test_what_cannot_be_changes_nothing(arguments, says, fix):
    """Each mistake is one sentence with the command in its right form; no file comes of it, no secret is shown."""
    ran = kimi("provider", *arguments)
    said = " ".join(ran.err.replace("│", " ").split())
    assert (ran.status, ran.out) == (2, "")
    assert says in said
    assert fix in said
    assert "s3cr3t" not in said
    assert GROQ_KEY not in said
    assert "Traceback" not in said
    assert settings() == {}


def test_added_twice():
    """A name that is taken leads to changing what it stands for, and what is there stays."""
    kimi("provider", "add", *MINE)
    before = settings()
    ran = kimi("provider", "add", *MINE[:-1], "other")
    assert ran.status == 2
    assert "Try: kimi provider mine --base-url URL --model ID" in ran.err
    assert settings() == before


def test_an_address_that_is_taken_away():
    """One of one's own is nothing without an address, so that it is removed rather than emptied."""
    kimi("provider", "add", *MINE)
    before = settings()
    ran = kimi("provider", "mine", "--base-url", "")
    assert (ran.status, "Try: kimi provider remove mine" in ran.err) == (2, True)
    assert settings() == before


@pytest.mark.parametrize(
    ("variables", "project", "says"),
    [
        ({"KIMI_PROVIDER": "groq"}, "", "KIMI_PROVIDER is set to groq, which is used instead while it is."),
        ({}, 'provider = "groq"', ".kimi.toml asks for groq, which is used in its directory."),
        ({"KIMI_PROVIDER": "moonshot"}, 'provider = "groq"', None),
        ({}, 'model = "x"', None),
    ],
)
def test_what_outranks_the_choice_is_told(tmp_path, monkeypatch, variables, project, says):
    """A variable or a project's file that names another provider is told beside the one that is chosen."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".kimi.toml").write_text(project)
    for ran in (kimi("provider", "moonshot", **variables), kimi("provider", **variables)):
        assert "Provider  Moonshot (moonshot)" in ran.out
        assert (says in ran.err) if says else "Note:" not in ran.err
