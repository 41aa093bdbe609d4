"""Stop sequences that the host was not told of end the answer as if it had been."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.stops import StopScanner
from tests.wire.build import calls, content_of, end, fragment, reasoning, sse, text, told


def _scan(parts, sequences) -> tuple[str, str | None]:
    scanner = StopScanner(sequences)
    shown = "".join(map(scanner.feed, parts))
    return shown + scanner.finish(), scanner.hit


@pytest.mark.parametrize(
    ("content", "sequences", "shown", "hit"),
    [
        ("one END two", ["END"], "one ", "END"),
        ("ENDone", ["END"], "", "END"),
        ("one EN", ["END"], "one EN", None),
        ("one E END", ["END"], "one E ", "END"),
        ("EEND", ["END"], "E", "END"),
        ("aab", ["ab"], "a", "ab"),
        ("abcabd", ["abd"], "abc", "abd"),
        ("xSTOPyEND", ["END", "STOP"], "x", "STOP"),
        ("xabc", ["bc", "abc"], "x", "abc"),
        ("xabc", ["ab", "abc"], "x", "ab"),
        ("abcd", ["abcd", "bc"], "a", "bc"),
        ("xabab", ["ba"], "xa", "ba"),
        ("月🌒火", ["🌒"], "月", "🌒"),
        ("plain", [], "plain", None),
        ("plain", [""], "plain", None),
        ("", ["END"], "", None),
    ],
)
def test_the_text_before_the_first_stop_is_shown(content, sequences, shown, hit):
    """However the text is cut, all of it up to the first stop sequence comes out, and nothing after that."""
    assert _scan([content], sequences) == (shown, hit)
    assert _scan(content, sequences) == (shown, hit)
    for at in range(len(content)):
        assert _scan([content[:at], content[at:]], sequences) == (shown, hit)


def test_only_what_could_begin_a_stop_is_held():
    """Text leaves at once, but for an end that may turn out to be part of a stop sequence."""
    scanner = StopScanner(["\n\nHuman:"])
    assert scanner.feed("one\n") == "one"
    assert scanner.feed("two") == "\ntwo"
    assert scanner.feed(" \n\nHu") == " "
    assert scanner.feed("go") == "\n\nHugo"
    assert scanner.finish() == ""


@given(
    content=st.text("abc", max_size=20),
    sequences=st.lists(st.text("abc", max_size=4), max_size=4),
    cuts=st.sets(st.integers(1, 19)),
)
def test_any_cut_shows_the_same(content, sequences, cuts):
    """The stop sequence that ends first counts, and of two that end together the longer, wherever the pieces end."""
    ends = [(stop, -len(sequence), sequence) for sequence in sequences if sequence for stop in _ends(content, sequence)]
    shown, hit = content, None
    if ends:
        stop, length, hit = min(ends)
        shown = content[: stop + length]
    bounds = [0, *sorted(cuts), 20]
    assert _scan([content[start:stop] for start, stop in pairwise(bounds)], sequences) == (shown, hit)


def _ends(content: str, sequence: str) -> list[int]:
    return [at for at in range(len(content) + 1) if content[:at].endswith(sequence)]


def test_a_stop_ends_the_message():
    """The message ends at the stop with its name, without waiting for a host that goes on."""
    data = sse(text("one E"), text("ND two"), text(" three"), end())
    assert content_of(data, stops=("END",)) == [{"type": "text", "text": "one "}]
    delta = told(data, stops=("END",))[-2]
    assert (delta.stop_reason, delta.stop_sequence) == ("stop_sequence", "END")
    assert delta.usage.input_tokens == 7
    assert delta.usage.output_tokens == 1


def test_a_stop_at_the_very_beginning_leaves_no_block():
    """An answer that begins with the stop sequence is empty, and whole."""
    assert content_of(sse(text("END of it"), done=False), stops=("END",)) == []


def test_held_text_comes_out_at_the_end():
    """What only looked like the beginning of a stop sequence is part of the answer."""
    assert content_of(sse(text("one EN"), end()), stops=("END",)) == [{"type": "text", "text": "one EN"}]


@pytest.mark.parametrize(
    ("between", "kind"),
    [(reasoning("hm"), "thinking"), (calls(fragment(0, id="x", name="Read", arguments="{}")), "tool_use")],
)
def test_held_text_stays_before_what_came_after_it(between, kind):
    """A stop sequence does not go on in another block, so that block sets free what was held, in its place."""
    data = sse(text("one EN"), between, text("D two"), end())
    blocks = content_of(data, stops=("END",))
    assert [block["type"] for block in blocks] == ["text", kind, "text"]
    assert (blocks[0]["text"], blocks[2]["text"]) == ("one EN", "D two")


def test_reasoning_and_arguments_are_not_searched():
    """Stop sequences are of the answer's text alone."""
    data = sse(reasoning("END"), calls(fragment(0, name="Read", arguments='{"a":"END"}')), end("tool_calls"))
    assert [block["type"] for block in content_of(data, stops=("END",))] == ["thinking", "tool_use"]


def test_a_truncated_answer_is_no_stop():
    """Half a stop sequence at the end of a broken stream is not taken for a whole one."""
    events = told(sse(text("one EN"), done=False), stops=("END",))
    assert type(events[-1]).__name__ == "Failed"
