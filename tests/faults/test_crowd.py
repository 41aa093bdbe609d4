"""Many launches at once, and side by side."""

from __future__ import annotations

import hmac

import pytest

from tests.doubles.groq import KIMI, VISION, Groq
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Reply, Scenario, Silence, Text
from tests.doubles.serve import running
from tests.e2e.stage import HOSTS, new_key
from tests.faults.conftest import Halting

CROWD = 20


class ManyKeys(Groq):
    """The host, with two users of whom each has a key."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.keys = [new_key(HOSTS["groq"]), new_key(HOSTS["groq"])]

    def check_key(self, request) -> None:
        """Both keys are right."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not any(hmac.compare_digest(given, key) for key in self.keys):
            raise self.wrong_key()


def seen(double) -> list[tuple[str, str]]:
    """The key and the model of every request that a host was asked."""
    return [
        (request.headers["Authorization"].removeprefix("Bearer "), request.body["model"]) for request in double.requests
    ]


@pytest.fixture
def groq():
    """A host that halts in every answer until its gate is opened, and its gate."""
    halting = Halting()
    double = ManyKeys(Scenario(default=halting.reply))
    with running(double):
        yield double, halting.gate
        halting.gate.open()


@pytest.fixture
def crowd(place):
    """Twenty launches that were started in the same second, and whose clients are all up."""
    launches = [place.start() for _ in range(CROWD)]
    assert {launch.hear("up")["port"] for launch in launches} == {place.port}
    yield launches
    assert len(place.proxies()) == 1
    assert len({session.id for session in place.control.status().sessions}) == CROWD
    for launch in launches:
        launch.dismiss()
    assert [launch.wait() for launch in launches] == [0] * CROWD


def test_twenty_at_once(place, crowd):
    """Twenty launches in the same second get one proxy, a session each, and an answer each, all at once."""
    halting = Halting()
    place.stage.double.scenario = Scenario(default=halting.reply)
    for launch in crowd:
        launch.ask()
    for launch in crowd:
        launch.hear("word")
    assert [session.streams for session in place.control.status().sessions] == [1] * CROWD
    halting.gate.open()
    assert [launch.hear("whole")["text"] for launch in crowd] == ["one two"] * CROWD
    assert not any(launch.broken for launch in crowd)


def test_twenty_lose_their_proxy(place, crowd):
    """When the proxy of twenty sessions is killed they get one other, and every question its answer."""
    halting = Halting()
    place.script(*[halting.reply] * CROWD)
    for launch in crowd:
        launch.ask()
    for launch in crowd:
        launch.hear("word")
    place.kill_proxy()
    assert [launch.hear("whole")["text"] for launch in crowd] == ["Nothing more to say."] * CROWD
    assert [[text for text in launch.broken if text] for launch in crowd] == [["one "]] * CROWD


def test_side_by_side(place, groq):
    """Sessions of two hosts, two models and two keys share a proxy, and none gets what is another's."""
    double, gate = groq
    moon_key = new_key(HOSTS["moonshot"])
    moon = Moonshot(Scenario(default=Reply((Text(("from ",)), Silence(gate), Text(("the moon",))))), key=moon_key)
    with running(moon):
        place.write_settings(groq=(double.base_url, KIMI), moonshot=(moon.base_url, "kimi-k3"))
        mine, yours = (place.environ | {"GROQ_API_KEY": key} for key in double.keys)
        launches = [
            place.start("--provider", "groq", environ=mine),
            place.start("--provider", "groq", "--model", VISION, environ=yours),
            place.start("--provider", "moonshot", environ=place.environ | {"MOONSHOT_API_KEY": moon_key}),
        ]
        assert [launch.hear("up")["models"][0] for launch in launches] == [KIMI, VISION, "kimi-k3"]
        for launch in launches:
            launch.ask()
        for launch in launches:
            launch.hear("word")
        assert len(place.proxies()) == 1
        gate.open()
        assert [launch.hear("whole")["text"] for launch in launches] == ["one two", "one two", "from the moon"]
        assert sorted(seen(double)) == sorted([(double.keys[0], KIMI), (double.keys[1], VISION)])
        assert seen(moon) == [(moon_key, "kimi-k3")]
        assert double.refusals + moon.refusals == []
        for launch in launches:
            launch.end()


def test_settings_that_change(place, groq):
    """A key and a model that change in the settings reach new sessions; running ones keep theirs, come what may."""
    double, gate = groq
    gate.open()
    del place.environ["GROQ_API_KEY"]
    launches = []
    for key, model in zip(double.keys, (KIMI, VISION), strict=True):
        place.write_settings(groq=(double.base_url, model))
        stored = place.kimi("set-key", "groq", "--stdin", "--insecure-storage", stdin=key)
        assert stored.status == 0, stored.stderr
        launches.append(place.launch()[0])
    for launch in (*launches, *launches):
        launch.ask()
        launch.hear("whole")
    before, after = (double.keys[0], KIMI), (double.keys[1], VISION)
    assert seen(double) == [before, after, before, after]
    place.kill_proxy()
    launches[0].ask()
    launches[0].hear("whole")
    assert seen(double)[4:] == [before]
    for launch in launches:
        launch.end()
