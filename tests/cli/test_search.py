"""`kimi search`: which engine searches the web."""

from __future__ import annotations

import json
import os
import tomllib

import pytest

from kimi_cli.store.paths import Paths
from tests.cli.run import kimi


def stored() -> dict:
    """What the settings file holds."""
    return tomllib.loads(Paths.find(os.environ).settings_file.read_text())


def marked(out: str) -> str:
    """The line of the engine that is chosen."""
    (line,) = [line for line in out.splitlines() if line.startswith("*")]
    return line


def test_shown_and_chosen():
    """All engines are shown with the one in use; another is chosen by its name, with its address."""
    assert "keyless" in marked(kimi("search").out)
    ran = kimi("search", "SearXNG", "--base-url", "http://127.0.0.1:8888/search/")
    assert ran.status == 0
    assert stored()["search"] == {"engine": "searxng", "base_url": "http://127.0.0.1:8888"}
    assert "http://127.0.0.1:8888" in marked(ran.out)
    assert kimi("search", "searxng").status == 0
    assert stored()["search"]["base_url"] == "http://127.0.0.1:8888"
    assert kimi("search", "off").status == 0
    assert stored()["search"] == {"engine": "off"}


def test_an_engine_with_a_key(monkeypatch):
    """What is missing is said with the command that mends it, here and in `kimi check`; a stored key is found."""
    ran = kimi("search", "brave")
    assert "kimi set-key brave" in ran.err
    (found,) = [one for one in json.loads(kimi("check", "--json").out)["findings"] if one["topic"] == "search"]
    assert (found["level"], found["fix"]) == ("warning", "kimi set-key brave")
    assert kimi("set-key", "brave", "--stdin", "--insecure-storage", stdin="BSA0123456789abcdef\n").status == 0
    assert "Missing" not in kimi("search").err
    assert "Brave Search" in kimi("unset-key", "brave").err
    monkeypatch.setenv("BRAVE_API_KEY", "BSA0123456789abcdef")
    assert "Missing" not in kimi("search").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bravo",), "kimi search brave"),
        (("searxng",), "address"),
        (("searxng", "--base-url", "http://search.example"), "unencrypted"),
        (("keyless", "--base-url", "http://127.0.0.1:1"), "means nothing"),
    ],
)
def test_mistakes(words, said):
    """What cannot be meant is said, and changes nothing."""
    ran = kimi("search", *words)
    assert ran.status != 0
    assert said in ran.err
    assert not Paths.find(os.environ).settings_file.exists()


def test_a_file_that_means_nothing():
    """An engine that there is not is an error that names those that there are."""
    file = Paths.find(os.environ).settings_file
    file.parent.mkdir(parents=True)
    file.write_text('[search]\nengine = "bing"\n')
    ran = kimi("search")
    assert ran.status != 0
    assert "keyless" in ran.err
