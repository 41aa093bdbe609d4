"""The translator's parts by themselves, each beside what parsing alone costs: on a stream, and on a long history.

Among the other tests each is run once, to see that it works. `make micro` measures them, for comparing one commit with
another on one machine; nothing passes or fails by its time.
"""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest

from bench.conversation import Conversation
from bench.plan import Plan
from bench.speech import HEAD, MARK, writes
from kimi_cli.providers.dialect import GROQ
from kimi_cli.providers.model import Model
from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.codec import dumps_strict, loads_object
from kimi_cli.wire.passage import Passage
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.relay import to_relay
from kimi_cli.wire.request import to_chat
from kimi_cli.wire.sse import SseDecoder
from kimi_cli.wire.stream import Frame
from kimi_cli.wire.tokens import estimate_request, measure
from kimi_cli.wire.transcripts import Transcripts

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

PLAN: Final = Plan(chunks=400, at_once=4)
PACED: Final = Plan(chunks=400)
MODEL: Final = Model(id="kimi-bench", context_window=262_144, max_output=32_768)
HISTORY: Final = Conversation(turns=200, size=400_000)
BRIEF: Final = {"max_time": 0.3, "min_rounds": 5, "warmup": True, "warmup_iterations": 5}


def reads(plan: Plan, *, is_chat: bool) -> list[bytes]:
    """The upstream double's writes, without the framing of HTTP."""
    pieces = []
    for write in writes(plan, is_chat=is_chat):
        framed = write.removeprefix(HEAD)
        size, _, data = framed.partition(b"\r\n")
        pieces.append(data[: int(size, 16)])
    return pieces


def request() -> tuple[bytes, dict[str, Any]]:
    """A request with a long history, as bytes and parsed."""
    before, after = HISTORY.template()
    data = before + b"00000001" + after
    return data, json.loads(data)


def translated(pieces: list[bytes]) -> bytes:
    """An answer of a host of OpenAI's format, as the client gets it."""
    ids = count()
    answer = ChatAnswer(Frame(model="m", host="Host", window=262_144, new_id=lambda prefix: f"{prefix}{next(ids)}"))
    out = b"".join(map(answer.feed, pieces)) + answer.finish()
    assert answer.failure is None
    return out


def relayed(pieces: list[bytes]) -> bytes:
    """An answer of a host of Anthropic's format, as the client gets it."""
    passage = Passage(host="Host", window=262_144, estimate=0)
    out = b"".join(map(passage.feed, pieces)) + passage.finish()
    assert passage.failure is None
    return out


def parsed(pieces: list[bytes]) -> int:
    """No more than the events of a stream, parsed."""
    decoder = SseDecoder()
    return sum(1 for piece in pieces for data in decoder.feed(piece) if data != b"[DONE]" and orjson.loads(data))


@pytest.mark.benchmark(group="an answer of 400 chunks, translated", **BRIEF)
@pytest.mark.parametrize("plan", [PLAN, PACED], ids=["4 a read", "1 a read"])
def test_translated_answer(benchmark: BenchmarkFixture, plan: Plan) -> None:
    """The whole way of an answer from OpenAI's format, and no text is lost on it."""
    assert benchmark(translated, reads(plan, is_chat=True)).count(MARK) == plan.chunks


@pytest.mark.benchmark(group="an answer of 400 chunks, translated", **BRIEF)
def test_translated_answer_without_runs(benchmark: BenchmarkFixture) -> None:
    """The same of a host whose every chunk differs from the others in more than its text."""
    numbers = count()
    pieces = [piece.replace(b'"fp_', b'"fp_%d_' % next(numbers)) for piece in reads(PACED, is_chat=True)]
    assert benchmark(translated, pieces).count(MARK) == PACED.chunks


@pytest.mark.benchmark(group="an answer of 400 chunks, relayed", **BRIEF)
@pytest.mark.parametrize("plan", [PLAN, PACED], ids=["4 a read", "1 a read"])
def test_relayed_answer(benchmark: BenchmarkFixture, plan: Plan) -> None:
    """The whole way of an answer in Anthropic's format, and no text is lost on it."""
    assert benchmark(relayed, reads(plan, is_chat=False)).count(MARK) == plan.chunks


@pytest.mark.benchmark(group="an answer of 400 chunks, parsed and no more", **BRIEF)
@pytest.mark.parametrize("is_chat", [True, False], ids=["OpenAI", "Anthropic"])
def test_parsed_answer(benchmark: BenchmarkFixture, *, is_chat: bool) -> None:
    """The floor of the others."""
    assert benchmark(parsed, reads(PLAN, is_chat=is_chat)) >= PLAN.chunks


@pytest.mark.benchmark(group="a request of 200 turns, 400 KB", **BRIEF)
@pytest.mark.parametrize("part", ["parsed", "estimated", "translated", "relayed", "written", "continued"])
def test_request(benchmark: BenchmarkFixture, part: str) -> None:
    """Each step of a request's way by itself."""
    data, body = request()
    estimate, transcripts = estimate_request(body), Transcripts(mark="no-request-holds-this")

    def continued() -> bytes:
        """All of them, for a turn that goes on from the one before."""
        prompt = transcripts.read(data, owner="")
        return to_chat(prompt, dialect=GROQ, model=MODEL, estimate=measure(prompt).tokens).outgoing.data

    steps = {
        "parsed": lambda: loads_object(data),
        "estimated": lambda: estimate_request(body),
        "translated": lambda: to_chat(Prompt(body), dialect=GROQ, model=MODEL, estimate=estimate),
        "relayed": lambda: to_relay(Prompt(body), model=MODEL, estimate=estimate),
        "written": lambda: dumps_strict(body),
        "continued": continued,
    }
    assert benchmark(steps[part])
