"""A host's live list, remembered and brought up to date."""

from __future__ import annotations

import threading

import pytest

from kimi_cli.errors import HostError
from kimi_cli.launcher.live import LiveModels, Refresh, is_catalogued
from kimi_cli.providers.catalogue import PROVIDERS, customised
from kimi_cli.providers.provider import Format
from kimi_cli.record import replace
from kimi_cli.store.live_models import FRESH, LiveModel
from tests.launcher.conftest import KEY, eventually

GROQ = PROVIDERS["groq"]
MODELS = (LiveModel("a"), LiveModel("b", context_window=5))


class Host:
    """A host that counts how often it is asked, and answers when it may."""

    def __init__(self, answer=MODELS) -> None:
        self.answer, self.asked, self.may = answer, [], threading.Event()
        self.may.set()

    def fetch(self, provider, key, timeout):
        self.asked.append((provider.id, key, timeout))
        self.may.wait(20)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def host():
    """A host that answers."""
    return Host()


@pytest.fixture
def live(user, host):
    """Its list, at a time that does not pass."""
    return LiveModels(user.paths, GROQ, KEY, lambda: 1000.0, host.fetch)


def later(live: LiveModels, seconds: float) -> LiveModels:
    """The same some time later."""
    return replace(live, now=lambda: 1000.0 + seconds)


def test_asked_and_remembered(live, host):
    """What the host said is remembered, fresh for a day, and kept after that."""
    assert live.remembered() is None
    assert live.ask().models == MODELS
    assert live.remembered().is_fresh
    assert later(live, FRESH + 1).remembered().models == MODELS
    assert not later(live, FRESH + 1).remembered().is_fresh
    assert host.asked == [("groq", KEY, 5.0)]
    assert KEY not in repr(live)


def test_refreshed_in_the_background(live, host):
    """An old list is replaced while other things go on; a fresh one is left alone."""
    live.ask()
    Refresh(live).start()
    assert len(host.asked) == 1
    tomorrow = later(live, FRESH + 1)
    host.answer = MODELS[:1]
    Refresh(tomorrow).start()
    eventually(lambda: tomorrow.remembered().models == MODELS[:1])


def test_a_launch_that_is_over_writes_nothing(live, host):
    """An answer that comes too late is not waited for, and changes nothing."""
    host.may.clear()
    refresh = Refresh(live)
    refresh.start()
    eventually(lambda: host.asked)
    refresh.finish()
    host.may.set()
    for thread in threading.enumerate():
        if thread.name == "live list":
            thread.join(20)
    assert live.remembered() is None


def test_a_host_that_does_not_answer(live, host):
    """In the background that is nobody's concern."""
    host.answer = HostError("It is down.")
    Refresh(live).start()
    eventually(lambda: not any(thread.name == "live list" for thread in threading.enumerate()))
    assert live.remembered() is None


def test_who_has_a_list(live):
    """Hosts of the catalogue have one, and so do OpenAI-format ones; an Anthropic-format address mostly does not."""
    moonshot, custom = PROVIDERS["moonshot"], PROVIDERS["custom"]
    cases = {
        True: (GROQ, moonshot, customised(GROQ, base_url="http://127.0.0.1:1/v1")),
        False: (customised(moonshot, base_url="https://x"), custom),
    }
    for offered, providers in cases.items():
        assert [replace(live, provider=provider).is_offered for provider in providers] == [offered] * len(providers)
    assert customised(moonshot, base_url="https://x").format is Format.ANTHROPIC
    assert is_catalogued(GROQ)
