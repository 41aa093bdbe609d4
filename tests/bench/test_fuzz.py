"""The fuzzer's targets hold for the examples that they start from, and notice what is broken."""

from __future__ import annotations

import random

import pytest

from bench.fuzz.judge import BrokenError, fold, read_sse
from bench.fuzz.targets import TARGETS, dictionary

INPUTS = 60
LENGTH = 300


@pytest.mark.parametrize("name", TARGETS)
def test_targets(name):
    """Every target holds for its examples, and for some bytes that were drawn once and for all."""
    chance = random.Random(name)
    target = TARGETS[name]
    for data in (b"", *target.examples, *(chance.randbytes(chance.randint(1, LENGTH)) for _ in range(INPUTS))):
        target(data)


START = b'event: message_start\ndata: {"type":"message_start","message":{}}\n\n'
BLOCK = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":{}}\n\n'
PIECE = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{}}\n\n'
STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
END = b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"a"},"usage":{}}\n\n'
OVER = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def test_a_stream_that_holds():
    """A message of one block is one."""
    message = fold(read_sse(START + BLOCK % 0 + PIECE + STOP + END + OVER))
    assert message.error is None
    assert len(message.content) == 1


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        START,
        START + START + END + OVER,
        BLOCK % 0 + STOP + END + OVER,
        START + BLOCK % 0 + BLOCK % 1 + STOP + END + OVER,
        START + BLOCK % 1 + STOP + END + OVER,
        START + PIECE + END + OVER,
        START + BLOCK % 0 + STOP + STOP + END + OVER,
        START + BLOCK % 0 + END + OVER,
        START + END + BLOCK % 0 + STOP + OVER,
        START + OVER,
        START + END + OVER + OVER,
        START + END + OVER + STOP,
        START + b'event: ping\ndata: {"type":"message_stop"}\n\n',
    ],
)
def test_a_stream_that_does_not(stream):
    """Blocks that overlap or skip a number, a second end, none, or something behind it: each is noticed."""
    with pytest.raises(BrokenError):
        fold(read_sse(stream))


def test_dictionary():
    """The words for libFuzzer are all written as bytes, in quotes."""
    words = list(dictionary())
    assert len(words) > 20
    assert all(word.isascii() and word[0] == word[-1] == '"' and word[1:-1] for word in words)
