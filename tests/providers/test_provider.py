"""What a host is."""

from __future__ import annotations

from datetime import date

import pytest

from kimi_cli.providers.dialect import DIALECTS
from kimi_cli.providers.model import Model
from kimi_cli.providers.provider import Format, Provider, is_kimi
from kimi_cli.record import replace

TODAY = date(2026, 11, 23)
HOST = Provider(
    id="h",
    name="Host",
    format=Format.OPENAI,
    base_url="https://h.example/v1",
    models_url="https://h.example/v1/models",
    models=(
        Model("other", 1, 1),
        Model("kimi-old", 1, 1, retired=TODAY),
        Model("Kimi-New", 1, 1, name="Kimi New"),
        Model("kimi-newer", 1, 1),
    ),
)


def test_the_default_is_the_first_kimi_that_is_served():
    """Other models and those that have ended are never chosen for the user."""
    assert HOST.default_model(today=TODAY).id == "Kimi-New"
    assert HOST.default_model(today=date(2026, 11, 22)).id == "kimi-old"
    assert replace(HOST, models=HOST.models[:2]).default_model(today=TODAY) is None
    assert replace(HOST, models=()).default_model(today=TODAY) is None


def test_models_are_found_by_their_id():
    """Retired ones included; nothing is guessed."""
    assert HOST.model("kimi-old").retired == TODAY
    assert HOST.model("KIMI-OLD") is None


def test_names():
    """A model without a name is shown by its id."""
    assert [model.display_name for model in HOST.models] == ["other", "kimi-old", "Kimi New", "kimi-newer"]


@pytest.mark.parametrize(
    ("model_id", "is_one"),
    [
        ("moonshotai/Kimi-K3", True),
        ("accounts/x/models/KIMI", True),
        ("k3", False),
        ("moonshot-v1", False),
        ("", False),
    ],
)
def test_what_is_a_kimi_model(model_id, is_one):
    """Its id says so, in any case."""
    assert is_kimi(model_id) is is_one


def test_the_dialect_is_found_by_its_name():
    """A host names its dialect; without a name it speaks the plain one."""
    assert HOST.dialect is DIALECTS["generic"]
