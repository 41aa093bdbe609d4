"""What an answer took, as an entry of the ledger."""

from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple

import pytest

from kimi_cli.providers.model import Model, Price
from kimi_cli.proxy.account import entry_of
from kimi_cli.wire.events import Usage
from kimi_cli.wire.failure import Failure
from tests.proxy.gate import make_session

MODEL = Model(id="kimi-k3", context_window=1000, max_output=100, price=Price(3, 15, 0.3))
FAILURE = Failure(529, "overloaded_error", "Too much.")


class Asked(NamedTuple):
    """An attempt, as far as it matters here: which host was asked for what, and what came of it."""

    usage: Usage
    said: object = None
    model: Model = MODEL
    route: object = SimpleNamespace(provider="groq")


def answer(*, has_content=True, is_over=True, failure=None):
    """A streamed answer."""
    return SimpleNamespace(has_content=has_content, is_over=is_over, failure=failure)


def entry(attempt, session=None):
    """The entry for it."""
    return entry_of(attempt, session or make_session(), request_id="req_1", estimate=777, now=12.5)


def test_an_answer():
    """The entry names the host that answered, and its price, whichever host the session began with."""
    session = make_session()
    found = entry(Asked(Usage(20, 100, 7), answer()), session)
    assert (found.time, found.session, found.project, found.request_id) == (12.5, session.id, session.project, "req_1")
    assert (found.provider, found.model, found.price) == ("groq", "kimi-k3", MODEL.price)
    assert (found.input_tokens, found.cached_tokens, found.output_tokens, found.is_estimate) == (20, 100, 7, False)


@pytest.mark.parametrize(
    ("usage", "given", "tokens"),
    [
        (Usage(20, 0, 7), None, (20, 0, 7, False)),  # in one piece
        (Usage(0, 100, 0), answer(), (0, 100, 0, False)),
        (Usage(), answer(), (777, 0, 0, True)),  # a host that never counts
        (Usage(), answer(is_over=False), (777, 0, 0, True)),  # broken off by the client
        (Usage(20, 5, 1), answer(is_over=False), (20, 5, 1, True)),
        (Usage(20, 5, 1), answer(failure=FAILURE), (20, 5, 1, True)),  # or by the host
    ],
)
def test_what_hosts_report(usage, given, tokens):
    """What is reported at the end counts as it is; what an unfinished answer took is taken for about that."""
    found = entry(Asked(usage, given))
    assert (found.input_tokens, found.cached_tokens, found.output_tokens, found.is_estimate) == tokens


@pytest.mark.parametrize("given", [None, answer(has_content=False), answer(has_content=False, failure=FAILURE)])
def test_a_host_that_did_not_answer(given):
    """Refusals and failures before anything came cost nothing."""
    assert entry(Asked(Usage(), given)) is None
