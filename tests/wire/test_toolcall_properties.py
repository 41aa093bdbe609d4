"""What holds for every text with tool-call tokens in it, however it is written and wherever it is cut."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from kimi_cli.wire.events import Failed, TextDelta, ThinkingDelta
from kimi_cli.wire.markup import TOKEN
from kimi_cli.wire.toolcalls import CallScanner, RawCall
from tests.wire.build import calls, check_events, end, fragment, message_of, pieces, read, reasoning, sse, text
from tests.wire.rawcalls import BEGIN, TOKENS, raw, section
from tests.wire.upstream import NAMES, inputs

_cuts = st.sets(st.integers(0, 600), max_size=12)
_words = st.sampled_from(
    ["a ", "\n", "`", "```\n", "~~~\n", "<", "<|", "<|tool_call", "|>", '{"a": 1}', '{"a": "', "}", "\\"]
)
_heads = st.sampled_from(["functions.Read:0", "Bash", "a.b:1", " Read\n", "two words", "x" * 600])
_calls = st.builds(raw, _heads, st.sampled_from(["{}", "", '{"a": "<|tool_call_end|>"}', '{"a": "', "```\n{}\n```"]))
_soups = st.lists(st.sampled_from(TOKENS) | _calls | _heads | _words | st.text(max_size=4), max_size=12).map("".join)
_tags = ("<|open|>", "<|close|>")
_plain = (st.text(max_size=40) | st.text("<|tol_ca>", max_size=40)).filter(
    lambda text: not TOKEN.search(text) and not any(tag in text for tag in _tags)
)
_one_call = st.tuples(st.sampled_from(NAMES), inputs)


def _scan(parts) -> tuple[list, str | None]:
    scanner = CallScanner()
    found: list = []
    for part in [*map(scanner.feed, parts), scanner.finish()]:
        for piece in part:
            if found and isinstance(found[-1], str) and isinstance(piece, str):
                found[-1] += piece
            else:
                found.append(piece)
    return found, scanner.cut


def _cut(content: str, cuts: set[int]) -> list[str]:
    return [part.decode("utf-32-le") for part in pieces(content.encode("utf-32-le"), {4 * cut for cut in cuts})]


@given(soup=_soups, cuts=_cuts)
@example(soup=section(("functions.Read:0", '{"a": "')) + BEGIN, cuts={40, 90})
def test_any_cut_of_a_text_gives_the_same(soup, cuts):
    """Text, calls and what is cut off do not depend on where the pieces end, not even letter by letter."""
    whole = _scan([soup])
    assert _scan(_cut(soup, cuts)) == whole
    assert _scan(soup) == whole


@given(content=_plain, thought=_plain, cuts=_cuts)
def test_text_without_tokens_passes_unchanged(content, thought, cuts):
    """Nothing is added to text or reasoning that holds no token, and nothing is lost, whatever they look like."""
    chunks = [*map(reasoning, _cut(thought, cuts)), *map(text, _cut(content, cuts)), end()]
    events = read([sse(*chunks)])
    check_events(events)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == content
    assert "".join(event.thinking for event in events if isinstance(event, ThinkingDelta)) == thought


@given(said=st.lists(_one_call, min_size=1, max_size=4), before=_plain, after=_plain, cuts=_cuts, thinks=st.booleans())
def test_calls_in_tokens_are_the_calls_sent_properly(said, before, after, cuts, thinks):
    """The message is the same as from a host that sends the calls in their own field, and stops for the same reason."""
    say = reasoning if thinks else text
    before = before.replace("`", "").replace("~", "")
    after = after.replace("<|tool_call", "").strip()  # half a token behind a call is no text
    written = [(name, json.dumps(value)) for name, value in said]
    heads = [(f"functions.{name}:{at}", arguments) for at, (name, arguments) in enumerate(written)]
    content = before + section(*heads) + after
    proper = [
        calls(fragment(at, id=f"call_{at}", name=name, arguments=arguments))
        for at, (name, arguments) in enumerate(written)
    ]
    around = [[say(part)] if part else [] for part in (before, after)]
    expected = read([sse(*around[0], *proper, *around[1], end("tool_calls"))])
    events = read([sse(*map(say, _cut(content, cuts)), end())])
    check_events(events)
    assert message_of(events) == message_of(expected)


@given(
    said=st.lists(st.tuples(st.sampled_from([text, reasoning]), _soups), max_size=4), cuts=_cuts, proper=st.booleans()
)
def test_no_text_breaks_the_protocol(said, cuts, proper):
    """Tokens in any disorder, in text and reasoning, among proper calls, end in one message or one failure."""
    chunks = [say(part) for say, soup in said for part in _cut(soup, cuts)]
    if proper:
        chunks[len(chunks) // 2 : 0] = [calls(fragment(0, id="x", name="Read", arguments="{}"))]
    events = read([sse(*chunks, end())], stops=("END", "a <"))
    check_events(events)
    if isinstance(events[-1], Failed):
        assert "breaks off" in events[-1].failure.message


@given(soup=_soups)
def test_nothing_is_made_up(soup):
    """The text that comes out, and every name and argument, stands in the text that went in, in this order."""
    found, _ = _scan([soup])
    at = 0
    for piece in found:
        for part in piece if isinstance(piece, RawCall) else [piece]:
            for letter in part:
                at = soup.index(letter, at) + 1
