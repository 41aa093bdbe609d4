"""How the cost of a stream grows with its length, in each of the shapes that could make it grow faster than that.

Run it with `python -m bench.growth`. A line per shape: what eight times the length costs, as a ratio of processor time
measured in this run. About eight is linear; sixty-four would be quadratic.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.console import Console
from rich.table import Table

from kimi_cli.wire.answer import ChatAnswer
from kimi_cli.wire.passage import Passage
from kimi_cli.wire.sse import SseDecoder
from kimi_cli.wire.tokens import estimate_request
from tests.wire.asking import ask, result, said, thought, use, user
from tests.wire.build import WINDOW, calls, end, fragment, frame, reasoning, sse, text
from tests.wire.rawcalls import section

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMES: Final = 8
_PIECE: Final = 20
_LETTERS: Final = json.dumps({"content": 'x = {"a": "b"}\n' * 20_000})


class _Shape(NamedTuple):
    """A stream of `count` parts that `make` builds and `run` goes through."""

    name: str
    run: Callable[[list[bytes]], None]
    make: Callable[[int], list[bytes]]
    count: int


def _text(count: int) -> list[bytes]:
    return [sse(text("ab"), done=False)] * count


def _kinds_behind_a_call(count: int) -> list[bytes]:
    first = calls(fragment(0, id="a", name="Write", arguments="{"))
    return [sse(first, *(text("a") if at % 2 else reasoning("b") for at in range(count)), done=False)]


def _arguments(count: int, *, repeats: bool = False) -> list[bytes]:
    """One call, its arguments in pieces that often end like a whole value does."""
    identity = {"id": "a", "name": "Write"}
    pieces = [calls(fragment(0, **identity, arguments=""))]
    for at in range(count):
        piece = _LETTERS[at * _PIECE % len(_LETTERS) :][:_PIECE]
        pieces.append(calls(fragment(0, **(identity if repeats else {}), arguments=piece)))
    return [sse(piece, done=False) for piece in pieces]


def _repeated_names(count: int) -> list[bytes]:
    return _arguments(count, repeats=True)


def _interleaved(count: int) -> list[bytes]:
    parts = [_arguments(count // 2), _arguments(count // 2)]
    second = [part.replace(b'"index":0', b'"index":1').replace(b'"id":"a"', b'"id":"b"') for part in parts[1]]
    return [part for pair in zip(parts[0], second, strict=True) for part in pair]


def _behind_a_broken_call(count: int) -> list[bytes]:
    broken = calls(fragment(0, id="a", name="Write", arguments='{"a": ' + _LETTERS[: count * _PIECE] + '"'))
    rest = [calls(fragment(1, id="b", name="Write", arguments='{"a": "'))]
    rest += [calls(fragment(1, arguments='"'))] * count
    return [sse(broken, *rest, done=False)]


def _calls_in_tokens(count: int) -> list[bytes]:
    return [sse(text(f"a{section(('functions.Read:0', '{}'))}"), done=False)] * count


def _one_call_in_tokens(count: int) -> list[bytes]:
    content = section(("functions.Write:0", '{"a": ' + _LETTERS[: count * _PIECE]))
    return [sse(text(content[at : at + _PIECE]), done=False) for at in range(0, len(content), _PIECE)]


def _broken_calls_in_tokens(count: int) -> list[bytes]:
    return [sse(text(section(("functions.Read:0", '{"a": "'))), done=False)] * count + [sse(end())]


def _answered(parts: list[bytes]) -> None:
    answer = ChatAnswer(frame())
    for part in parts:
        answer.feed(part)
    answer.finish()


def _stopped(parts: list[bytes]) -> None:
    answer = ChatAnswer(frame(stops=("abababac", "x" * 20)))
    for part in parts:
        answer.feed(part)


def _decoded(parts: list[bytes]) -> None:
    decoder = SseDecoder()
    for part in parts:
        decoder.feed(part)


def _passed(parts: list[bytes]) -> None:
    passage = Passage(host="Host", window=WINDOW, estimate=0)
    for part in parts:
        passage.feed(part)


def _estimated(parts: list[bytes]) -> None:
    turns = [turn for _ in parts for turn in (said(thought("hm"), use("x", path="a")), user(result("x", "line\n" * 9)))]
    estimate_request(ask(*turns))


def _one_event(count: int) -> list[bytes]:
    return [b"data: ", *[b"x" * 50] * count]


_SHAPES: Final = (
    _Shape("text", _answered, _text, 3_000),
    _Shape("text with stop sequences", _stopped, _text, 3_000),
    _Shape("kinds behind an open call", _answered, _kinds_behind_a_call, 1_000),
    _Shape("arguments", _answered, _arguments, 1_500),
    _Shape("arguments with repeated names", _answered, _repeated_names, 1_500),
    _Shape("interleaved calls", _answered, _interleaved, 1_500),
    _Shape("behind a broken call", _answered, _behind_a_broken_call, 1_500),
    _Shape("calls written as tokens", _answered, _calls_in_tokens, 500),
    _Shape("one long call written as tokens", _answered, _one_call_in_tokens, 1_500),
    _Shape("broken calls written as tokens", _answered, _broken_calls_in_tokens, 500),
    _Shape("one event in many reads", _decoded, _one_event, 12_000),
    _Shape("one relayed event in many reads", _passed, _one_event, 12_000),
    _Shape("an estimate of a long history", _estimated, lambda count: [b""] * count, 400),
)


def main() -> None:
    """Measure every shape and print the ratios."""
    table = Table("shape", f"cost of {_TIMES} times as much", box=None)
    for shape in _SHAPES:
        few, many = shape.make(shape.count), shape.make(shape.count * _TIMES)
        ratio = min(_seconds(shape.run, many) for _ in range(3)) / min(_seconds(shape.run, few) for _ in range(5))
        table.add_row(shape.name, f"{ratio:.1f} times")
    Console().print(table)


def _seconds(run: Callable[[list[bytes]], None], parts: list[bytes]) -> float:
    started = time.process_time()
    run(parts)
    return time.process_time() - started


if __name__ == "__main__":
    main()
