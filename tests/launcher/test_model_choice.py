"""Which models a session gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import pytest

from kimi_cli.errors import HostError, ModelMissingError, ModelRetiredError
from kimi_cli.launcher.live import LiveModels
from kimi_cli.launcher.model_choice import choose_models
from kimi_cli.providers.catalogue import PROVIDERS, customised
from kimi_cli.record import replace
from kimi_cli.store.live_models import FRESH, LiveModel, write_live

TODAY = date(2026, 11, 23)
NOW = 1_795_000_000.0
GROQ, MOONSHOT = PROVIDERS["groq"], PROVIDERS["moonshot"]
OWN = customised(PROVIDERS["custom"], base_url="http://127.0.0.1:9/v1")
RETIRED = "moonshotai/kimi-k2-instruct-0905"


@dataclass
class World:
    """A host that answers with `answer`, and what was remembered of it."""

    paths: object
    answer: tuple[str, ...] | Exception
    asked: list[str] = field(default_factory=list)

    def remember(self, provider, *ids, age=1.0):
        models = [LiveModel(one, context_window=77_000) for one in ids]
        write_live(self.paths, provider.id, provider.base_url, models, now=NOW - age)

    def choose(self, provider, wanted=None, *, today=TODAY, **slots):
        live = LiveModels(self.paths, provider, "k", lambda: NOW, self._fetch)
        return choose_models(provider, live, wanted=wanted, slots=slots, today=today)

    def _fetch(self, provider, _key, _seconds):
        self.asked.append(provider.id)
        if isinstance(self.answer, Exception):
            raise self.answer
        return tuple(LiveModel(one) for one in self.answer)


@pytest.fixture
def world(user):
    """A host that does not answer."""
    return World(user.paths, HostError("nobody answers"))


def ids(chosen):
    """The models, in order."""
    models, _ = chosen
    return [model.id for model in models]


def test_the_catalogues_default_asks_nobody(world):
    """A model that the catalogue knows to be served is used at once."""
    assert ids(world.choose(MOONSHOT)) == ["kimi-k3"]
    assert world.asked == []


def test_a_fresh_list_without_the_default(world):
    """A host that has dropped the default gives another Kimi model of its list, one of the catalogue first."""
    world.remember(MOONSHOT, "kimi-zeta", "kimi-k2.6")
    assert ids(world.choose(MOONSHOT)) == ["kimi-k2.6"]
    world.remember(MOONSHOT, "other", "kimi-zeta")
    assert ids(world.choose(MOONSHOT)) == ["kimi-zeta"]
    world.remember(MOONSHOT, "other")
    assert ids(world.choose(MOONSHOT)) == ["kimi-k3"]
    assert world.asked == []


def test_an_old_list_does_not_outrank_the_catalogue(world):
    """What a host listed long ago says nothing about today."""
    world.remember(MOONSHOT, "kimi-k2.6", age=FRESH + 1)
    assert ids(world.choose(MOONSHOT)) == ["kimi-k3"]


def test_without_a_default_the_host_is_asked(world):
    """Where the catalogue has no model left the host's list decides."""
    world.answer = ("other", "new/kimi-k9")
    assert ids(world.choose(GROQ)) == ["new/kimi-k9"]
    assert world.asked == ["groq"]
    assert ids(world.choose(GROQ)) == ["new/kimi-k9"]
    assert world.asked == ["groq"]


def test_without_a_default_and_without_an_answer(world):
    """A host that does not answer leaves the remembered list, and without one the failure names a way out."""
    world.answer = HostError("nobody answers")
    with pytest.raises(HostError) as caught:
        world.choose(GROQ)
    assert "kimi provider groq --model MODEL" in caught.value.fix
    world.remember(GROQ, "old/kimi", age=FRESH + 1)
    assert ids(world.choose(GROQ)) == ["old/kimi"]


def test_a_failure_keeps_its_own_fix(world):
    """A refused key is mended with another key."""
    world.answer = HostError("refused", fix="kimi set-key groq")
    with pytest.raises(HostError) as caught:
        world.choose(GROQ)
    assert caught.value.fix == "kimi set-key groq"


def test_a_host_without_a_kimi_model(world):
    """A list without one ends in an error with the catalogue's reason, or its own for a host of the user's own."""
    world.answer = ("other",)
    with pytest.raises(ModelMissingError, match="retired its Kimi models on 2026-04-15"):
        world.choose(GROQ)
    with pytest.raises(ModelMissingError, match="Custom host lists no Kimi model"):
        world.choose(OWN)


def test_a_host_that_has_no_list(world):
    """Where there is no list to ask for, the model has to be named."""
    with pytest.raises(ModelMissingError):
        world.choose(replace(OWN, models_url=""))
    assert world.asked == []


def test_a_named_model(world):
    """A model that is named is used, known or not; the mark for large windows is Claude Code's own."""
    assert ids(world.choose(MOONSHOT, "kimi-k2.6[1m]")) == ["kimi-k2.6"]
    ((model,), _) = world.choose(OWN, "whatever")
    assert (model.id, model.price) == ("whatever", None)
    assert world.asked == []


def test_a_named_model_with_what_the_list_says(world):
    """The host's word on a model's window counts over ours."""
    world.remember(MOONSHOT, "kimi-k3")
    assert world.choose(MOONSHOT, "kimi-k3")[0][0].context_window == 77_000


def test_a_retired_model(world):
    """A model that its host has ended is refused with its successor, unless the host lists it after all."""
    with pytest.raises(ModelRetiredError) as caught:
        world.choose(GROQ, RETIRED)
    assert caught.value.fix == "kimi provider groq --model openai/gpt-oss-120b"
    assert world.asked == ["groq"]
    world.answer = (RETIRED,)
    assert ids(world.choose(GROQ, RETIRED)) == [RETIRED]


def test_a_retired_model_on_a_fresh_list(world):
    """A fresh list that has it is believed, and one that has it not is not asked for again."""
    world.remember(GROQ, RETIRED)
    assert world.choose(GROQ, RETIRED)[1] == ()
    world.remember(GROQ, "other")
    with pytest.raises(ModelRetiredError):
        world.choose(GROQ, RETIRED)
    assert world.asked == []


def test_before_its_retirement(world):
    """Until the day it ends a model is like any other."""
    assert world.choose(GROQ, RETIRED, today=date(2026, 4, 14))[1] == ()


def test_behind_another_address_nothing_is_retired(world):
    """The catalogue's dates are those of its own host."""
    other = customised(GROQ, base_url="http://127.0.0.1:9/v1")
    assert ids(world.choose(other, RETIRED)) == [RETIRED]


def test_slots(world):
    """The models of the slots come after the main one, each once; empty ones are none."""
    chosen = world.choose(MOONSHOT, "kimi-k3", opus="kimi-k3", haiku="kimi-k2.6", sonnet="", subagent="kimi-k2.6")
    assert ids(chosen) == ["kimi-k3", "kimi-k2.6"]


def test_doubts(world):
    """A retired model in a slot, and one that a fresh list does not have, are warnings and stop nothing."""
    chosen = world.choose(GROQ, "openai/gpt-oss-120b", haiku=RETIRED)
    assert chosen[1] == (f"Groq retired {RETIRED} on 2026-04-15.",)
    world.remember(MOONSHOT, "kimi-k3")
    assert world.choose(MOONSHOT, "kimi-k9")[1] == ("Moonshot does not list kimi-k9 among its models.",)
    world.remember(MOONSHOT, "kimi-k3", age=FRESH + 1)
    assert world.choose(MOONSHOT, "kimi-k9")[1] == ()
    world.remember(MOONSHOT)
    assert world.choose(MOONSHOT, "kimi-k9")[1] == ()
