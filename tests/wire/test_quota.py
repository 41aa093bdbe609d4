"""What is read from the headers that say what is left of an allowance."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.quota import TRUST_SECONDS, Quota, Quotas, read_quotas
from tests.wire.limits import headers

NOW = 500.0


def read(limit: str, left: str, reset: str) -> Quota | None:
    return read_quotas(headers(limit, left, reset), NOW).tokens


GROQ = headers("8000", "7927", "547ms") | headers("1000", "998", "2m52.8s", name="requests")


def test_as_groq_says_it():
    """Groq's own numbers tell that tokens come back within a minute and requests within a day, evenly."""
    quotas = read_quotas(GROQ, NOW)
    assert quotas.tokens == Quota(8000, 7927, 0.547, 60, NOW)
    assert quotas.requests == Quota(1000, 998, pytest.approx(172.8), 86_400, NOW)


@pytest.mark.parametrize(
    ("texts", "window"),
    [
        (("160000", "159976", "9ms"), 60),
        (("5000", "4999", "12ms"), 60),
        (("10000", "9998", "17.28s"), 86_400),
        (("1000", "998", "7.2s"), 3600),
        (("8000", "8000", "0s"), 60),
        (("8000", "0", "1m0s"), 60),
        (("90000", "10000", "6m0s"), None),
        (("40000", "39986", "33.023s"), None),
        (("8000", "0", "20s"), None),
    ],
)
def test_evenly_or_at_once(texts, window):
    """It is taken to come back evenly only where limit, rest and reset agree about the time that all of it takes."""
    assert read(*texts).window == window


def test_cerebras():
    """Names that tell the unit of time, and bare seconds, are understood too."""
    quotas = read_quotas(
        headers("60000", "1000", "59.0", name="tokens-minute")
        | headers("14400", "7200", "33011.38", name="requests-day"),
        NOW,
    )
    assert quotas.tokens == Quota(60_000, 1000, 59, 60, NOW)
    assert quotas.requests == Quota(14_400, 7200, 33_011.38, None, NOW)


@pytest.mark.parametrize(
    "texts",
    [
        ("8000", "-27689", "64"),
        ("-8000", "0", "10s"),
        ("0", "0", "10s"),
        ("8000", "9000", "10s"),
        ("8000", "0", "-10s"),
        ("8000", "0", "-10"),
        ("8000", "0", "1795000000"),
        ("8000", "0", "1795000000000"),
        ("8000", "0", "2026-11-23T10:00:00Z"),
        ("8000", "0", "Tue, 16 Feb 2021 09:02:42 GMT"),
        ("8000", "0", "soon"),
        ("8000", "0", "1m 2s"),
        ("8000", "0", ""),
        ("8000", "", "10s"),
        ("", "0", "10s"),
        ("nan", "0", "10s"),
        ("8000", "nan", "10s"),
        ("inf", "0", "10s"),
        ("8000", "0", "inf"),
        ("8000", "0", "nan"),
        ("1e99", "0", "10s"),
        ("5e-324", "0", "10s"),
    ],
)
def test_nonsense(texts):
    """What makes no sense, or is a date on a clock that is not ours, says nothing."""
    assert read(*texts) is None
    assert read_quotas({}, NOW) == Quotas()


def test_level():
    """What comes back evenly is there bit by bit, other things at the reset, and everything when the trust is over."""
    evenly, at_once, daily = read("6000", "0", "60s"), read("6000", "1000", "20s"), read("6000", "0", "20h")
    assert [evenly.level(NOW + age) for age in (-5, 0, 30, 60, 90)] == [0, 0, 3000, 6000, 6000]
    assert [at_once.level(NOW + age) for age in (0, 19.9, 20)] == [1000, 1000, 6000]
    assert [daily.level(NOW + age) for age in (0, 59, TRUST_SECONDS)] == [0, 0, 6000]
    assert daily.level(NOW + TRUST_SECONDS, trust=math.inf) == 0


def test_wait():
    """The time until several requests fit is that until all of them together have come back."""
    evenly, at_once = read("6000", "0", "60s"), read("6000", "1000", "20s")
    assert [evenly.wait(need, NOW) for need in (0, 1000, 6000, 9000)] == [0, 10, 60, 90]
    assert evenly.wait(1000, NOW + 5) == 5
    assert [at_once.wait(need, NOW) for need in (1000, 1001, 6000, 9000)] == [0, 20, 20, 50]


def test_debt():
    """A reset that is later than a whole window away tells how much was used above the limit."""
    quota = read("5000", "0", "1m9s")
    assert quota.left == pytest.approx(-750)
    assert quota.wait(1000, NOW) == pytest.approx(21)


NUMBERS = st.one_of(
    st.integers(-10, 10**16).map(str),
    st.floats().map(str),
    st.sampled_from(["0", "60", "1m", "1h2m3s", "5us", "1µs", "", "٣", "1_0", "2026-01-01T00:00:00Z", "99999"]),
    st.text(max_size=12),
)


@given(NUMBERS, NUMBERS, NUMBERS, st.floats(0, 200), st.floats(0, 2e15))
def test_whatever_it_says(limit, left, reset, age, need):
    """No headers make a request that fits the limit wait longer than the trust lasts, or crash."""
    quota = read(limit, left, reset)
    if quota is None:
        return
    assert quota.level(NOW + age) <= quota.limit
    wait = quota.wait(need, NOW + age)
    assert 0 <= wait < math.inf
    if need <= quota.limit:
        assert wait <= TRUST_SECONDS
    assert quota.level(NOW + TRUST_SECONDS) == quota.limit
