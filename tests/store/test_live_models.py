"""Remembered live lists."""

from __future__ import annotations

import json

import pytest

from kimi_cli.store.files import write_private
from kimi_cli.store.live_models import FRESH, LiveModel, read_live, write_live

BASE = "https://api.example/v1"
MODELS = (LiveModel("moonshotai/kimi-k3", 1_048_576, True), LiveModel("plain"))


def test_round_trip(paths):
    """A list comes back as it was fetched, and says when that was."""
    write_live(paths, "groq", BASE, MODELS, now=1000.0)
    found = read_live(paths, "groq", BASE, now=1001.0)
    assert (found.models, found.fetched_at, found.is_fresh) == (MODELS, 1000.0, True)
    assert found.model("plain") == MODELS[1]
    assert found.model("other") is None


@pytest.mark.parametrize(
    ("age", "fresh"), [(0, True), (FRESH - 1, True), (FRESH, False), (FRESH * 40, False), (-1, False)]
)
def test_freshness(paths, age, fresh):
    """A list is fresh for a day; one from the future is not."""
    write_live(paths, "groq", BASE, MODELS, now=5e8)
    assert read_live(paths, "groq", BASE, now=5e8 + age).is_fresh is fresh


def test_lists_are_kept_apart(paths):
    """Each provider and each base URL has its own list, whatever the provider is called."""
    names = ["groq", "a/b", "a_b", "../up", "C:\\x", "ü"]
    for name in names:
        write_live(paths, name, BASE, [LiveModel(f"of {name}")], now=1.0)
    write_live(paths, "groq", "https://other.example", [LiveModel("elsewhere")], now=1.0)
    for name in names:
        assert read_live(paths, name, BASE, now=1.0).models == (LiveModel(f"of {name}"),)
    assert {path.parent for path in paths.cache_dir.rglob("*.json")} == {paths.live_models_dir}


def test_nothing_remembered(paths):
    """Without a list there is none, and none is made."""
    assert read_live(paths, "groq", BASE, now=1.0) is None
    assert not paths.cache_dir.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 20_000,
        '{"schema": 2, "fetched_at": 1, "models": []}',
        '{"schema": 1, "models": []}',
        '{"schema": 1, "fetched_at": "then", "models": []}',
        '{"schema": 1, "fetched_at": 1, "models": 5}',
        '{"schema": 1, "fetched_at": 1, "models": [{"id": 5, "context_window": null, "vision": null}]}',
        '{"schema": 1, "fetched_at": 1, "models": [{"id": "x", "context_window": "big", "vision": null}]}',
        '{"schema": 1, "fetched_at": 1, "models": [{"id": "x", "context_window": true, "vision": null}]}',
        '{"schema": 1, "fetched_at": 1, "models": [{"id": "x", "context_window": null, "vision": "yes"}]}',
    ],
    ids=lambda text: text[:60],
)
def test_garbage_is_no_list(paths, text):
    """A file of another form is no list."""
    write_live(paths, "groq", BASE, MODELS, now=1.0)
    (file,) = paths.live_models_dir.iterdir()
    write_private(file, text.encode())
    assert read_live(paths, "groq", BASE, now=1.0) is None


def test_file_names_its_host(paths):
    """The file says whose list it is, for whoever looks at it."""
    write_live(paths, "groq", BASE, MODELS, now=1.0)
    (file,) = paths.live_models_dir.iterdir()
    assert file.name.startswith("groq-")
    assert json.loads(file.read_bytes())["base_url"] == BASE
