"""What an account may ask for: what its host's answers teach, and when they are not believed."""

from __future__ import annotations

import pytest

from kimi_cli.wire.allowance import PACE_SECONDS, Allowance, Need, used_up
from kimi_cli.wire.failure import Failure
from kimi_cli.wire.quota import TRUST_SECONDS
from tests.wire.limits import headers

SMALL = Need(100, 100)
LARGE = Need(12_500, 4000)


@pytest.fixture
def allowance():
    return Allowance()


def hear(allowance: Allowance, *texts: str, now: float = 0, need: Need = SMALL, status: int = 200, **more: str) -> None:
    """A request is sent and answered at once."""
    allowance.heard(allowance.ask(need, now), status, (headers(*texts) if texts else {}) | more, now)


def fit(allowance: Allowance, need: Need, now: float = 0) -> Need | Failure:
    return allowance.fit(need, now, host="Groq")


def test_nothing_known(allowance):
    """A host that has said nothing is asked for anything at once."""
    hear(allowance)
    assert fit(allowance, Need(10**9, 10**6)) == Need(10**9, 10**6)
    assert allowance.wait(10**9, 10**6, 0) == 0
    assert allowance.to_json(0) == {"tokens": None, "requests": None, "shut": 0}


def test_too_large(allowance):
    """What can never fit is refused with the limit and the need, and is not to be retried."""
    hear(allowance, "8000", "7927", "547ms")
    failure = fit(allowance, LARGE)
    assert failure.message.startswith("Your Groq tier allows 8,000 tokens a minute; this request needs about 13,500: ")
    assert (failure.status, failure.should_retry) == (400, False)


def test_cautious(allowance):
    """A request is not called too large on the word of an estimate that may be a fifth too high."""
    hear(allowance, "8000", "7927", "547ms")
    assert isinstance(fit(allowance, Need(8_721, 4000)), Failure)
    assert fit(allowance, Need(8_720, 4000)) == Need(8_720, 1024)


def test_shorter_answer(allowance):
    """A request fits by a shorter answer where the one that it allows would be too long with it."""
    hear(allowance, "20000", "20000", "0s")
    assert fit(allowance, Need(10_000, 16_000)) == Need(10_000, 9_000)
    assert fit(allowance, Need(10_000, 10_000)) == Need(10_000, 10_000)
    assert fit(allowance, Need(18_500, 500)) == Need(18_500, 500)


def test_another_tier(allowance):
    """After a minute of refusals one request is sent to see, because the account may have been upgraded."""
    hear(allowance, "8000", "8000", "0s")
    assert [isinstance(fit(allowance, LARGE, now), Failure) for now in (5, 64, 65, 66)] == [True, True, False, True]


def test_a_limit_that_is_none(allowance):
    """A limit that the host itself goes beyond is none, until it refuses something."""
    hear(allowance, "8000", "8000", "0s", need=LARGE)
    assert fit(allowance, LARGE) == LARGE
    hear(allowance, "8000", "8000", "0s", status=413, need=LARGE)
    assert isinstance(fit(allowance, LARGE), Failure)


def test_refuted(allowance):
    """A host that takes what it said it would not take is not believed, until it refuses."""
    hear(allowance, "8000", "0", "3000")
    assert allowance.wait(200, 1, 1) == TRUST_SECONDS - 1
    hear(allowance, "8000", "0", "3000", now=TRUST_SECONDS)
    assert allowance.wait(200, 1, TRUST_SECONDS + 1) == 0
    hear(allowance, "8000", "0", "3000", now=TRUST_SECONDS + 1, status=429)
    assert allowance.wait(200, 1, TRUST_SECONDS + 1) == TRUST_SECONDS


def test_tried_one_by_one(allowance):
    """Past the trust one request at a time is sent, since the host may have meant what it said."""
    hear(allowance, "8000", "0", "3000")
    asked = allowance.ask(SMALL, TRUST_SECONDS)
    assert allowance.wait(200, 1, TRUST_SECONDS) == PACE_SECONDS
    allowance.heard(asked, 429, {}, TRUST_SECONDS + 1)
    assert allowance.wait(200, 1, TRUST_SECONDS + 1) == 0


def test_refusal(allowance):
    """A 429 shuts the host for as long as it says; then one request at a time is sent until one is answered."""
    before = allowance.ask(SMALL, 0)
    hear(allowance, status=429, **{"retry-after": "7"})
    assert allowance.wait(200, 1, 2) == 5
    allowance.heard(before, 200, {}, 3)
    assert allowance.wait(200, 1, 3) == 4
    first = allowance.ask(SMALL, 7)
    assert allowance.wait(200, 1, 7) == PACE_SECONDS
    allowance.heard(first, 200, {}, 8)
    allowance.ask(SMALL, 8)
    assert allowance.wait(200, 1, 8) == 0


def test_a_long_refusal(allowance):
    """A host that wants to be left alone for a day is asked again after a minute."""
    hear(allowance, status=429, **{"retry-after": "86400"})
    assert allowance.wait(200, 1, 0) == TRUST_SECONDS
    assert allowance.to_json(10)["shut"] == 50


def test_overtaken(allowance):
    """An answer that comes late may not know of later requests: it lowers what is left and does not raise it."""
    early, late = allowance.ask(SMALL, 0), allowance.ask(SMALL, 0)
    allowance.heard(late, 200, headers("8000", "1000", "52.5s"), 1)
    allowance.heard(early, 200, headers("8000", "5000", "22.5s"), 1)
    assert allowance.to_json(1)["tokens"] == {"limit": 8000, "left": 1000}
    another = allowance.ask(SMALL, 1)
    allowance.heard(allowance.ask(SMALL, 1), 200, headers("8000", "900", "53.25s"), 1)
    allowance.heard(another, 200, headers("8000", "200", "58.5s"), 1)
    assert allowance.to_json(1)["tokens"] == {"limit": 8000, "left": 200}


def test_requests(allowance):
    """Requests are counted like tokens, and an answer that speaks of one kind alone leaves the other as it was."""
    hear(allowance, **headers("60", "1", "59s", name="requests"))
    hear(allowance, "8000", "8000", "0s")
    assert [allowance.wait(100, count, 0) for count in (1, 2, 3)] == [0, 1, 2]


def test_room_for_the_estimate(allowance):
    """A request waits for a little more than its estimate, and never for more than there can be."""
    hear(allowance, "8000", "8000", "0s")
    assert allowance.counted(Need(1000, 500)) == 1600
    assert allowance.counted(Need(7000, 500)) == 8000


def test_used_up():
    """The refusal of one who would wait too long says how long, in whole seconds."""
    text = "Groq's rate limit is used up: it has room for this request in 42 s."
    assert used_up("Groq", 41.2) == Failure(429, "rate_limit_error", text, retry_after=42)
    assert used_up("Groq", 0).retry_after == 1
