"""Which names a provider of the user's own may have."""

from __future__ import annotations

import pytest

from kimi_cli.providers.catalogue import PROVIDERS
from kimi_cli.store.provider_name import RESERVED, default_variable, name_fault


@pytest.mark.parametrize("name", ["a", "9", "my-host", "local-vllm2", "x" * 32, "a-"])
def test_names(name):
    """Small letters, digits and hyphens make a name."""
    assert name_fault(name) is None


@pytest.mark.parametrize("name", ["", "-a", "A", "my_host", "my host", "a.b", "../a", "x" * 33, "ä", "a\n", "a/b"])
def test_no_names(name):
    """Whatever else is no name."""
    assert "small letters" in name_fault(name)


def test_taken_names():
    """A provider of the catalogue keeps its name, and so do the words of the command line."""
    assert {name_fault(name) for name in PROVIDERS} == {"a provider of the catalogue has it"}
    assert {name_fault(name) for name in RESERVED} == {"it is a word of the command line"}
    assert {"list", "add", "remove"} <= RESERVED


def test_variable():
    """The variable of its key follows from the name."""
    assert default_variable("my-host2") == "MY_HOST2_API_KEY"
