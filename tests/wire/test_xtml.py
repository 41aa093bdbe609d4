"""Calls in the tags of Kimi K3 are the calls sent properly, and its channels are left out of what it says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.events import Failed
from kimi_cli.wire.toolcalls import Aside, CallScanner, RawCall
from tests.wire.build import calls, check_events, end, fragment, message_of, pieces, read, reasoning, sse, text
from tests.wire.rawcalls import TOKENS, section, tagged, tagged_call
from tests.wire.upstream import values

_LS = {"command": 'ls "a b"\n<b>&amp;</b>'}
_END = "<|close|>message<|sep|><|end_of_msg|>"


def _scan(parts, channel="response") -> tuple[list, str | None]:
    """What comes out of a text that arrives in these parts, with neighbours of a kind joined."""
    scanner = CallScanner(channel)
    found: list = []
    for piece in [piece for part in parts for piece in scanner.feed(part)] + list(scanner.finish()):
        last = found[-1] if found else None
        if isinstance(last, str) and isinstance(piece, str):
            found[-1] += piece
        elif isinstance(last, Aside) and isinstance(piece, Aside):
            found[-1] = Aside(last.text + piece.text)
        else:
            found.append(piece)
    return found, scanner.cut


def _scan_every_cut(content: str, channel="response") -> tuple[list, str | None]:
    """The same, which does not depend on the parts."""
    whole = _scan([content], channel)
    assert _scan(content, channel) == whole
    for at in range(1, len(content)):
        assert _scan([content[:at], content[at:]], channel) == whole
    return whole


def _read(found: list) -> list:
    """The calls among what was found, with their arguments read."""
    return [(piece.name, json.loads(piece.arguments)) if isinstance(piece, RawCall) else piece for piece in found]


_JSON = (
    '<|open|>tools<|sep|><|open|>call tool="a" index="1"<|sep|><|open|>json type="object"<|sep|>{"x": 1}'
    "<|close|>json<|sep|><|close|>call<|sep|><|close|>tools<|sep|>"
)
_SPACED = (
    '<|open|> tools <|sep|> <|open|> call tool="a" index="1" <|sep|><|open|> argument key="k" type="number" '
    "<|sep|>1<|close|> argument <|sep|><|close|> call <|sep|><|close|> tools <|sep|>"
)
_MANY = {"n": 1.5, "o": {"x": [None]}, "s": ""}
_MARKED = {"k": "see <|close|>argument<|sep|> here"}
_ELIDED = tagged(("a", {"k": "v"})).replace("argument<|sep|><|close|>call<|sep|>", "argument<|close|>call")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (tagged(("Bash", _LS)), [("Bash", _LS)]),
        (f"Hi.{tagged(('a', {}), ('b', _MANY))}{_END}", ["Hi.", ("a", {}), ("b", _MANY)]),
        (f"<|open|>response<|sep|>Hi.<|close|>response<|sep|>{tagged(('a', {}))}{_END}", ["Hi.", ("a", {})]),
        (f"\n{tagged_call('a', _LS)}", ["\n", ("a", _LS)]),
        (f"{tagged(('a', {}))}{tagged(('b', {}))} And now?", [("a", {}), ("b", {}), " And now?"]),
        (tagged(('a&"b', {'k"': "v&quot;"})), [('a&"b', {'k"': "v&quot;"})]),
        (_JSON, [("a", {"x": 1})]),
        (_SPACED, [("a", {"k": 1})]),
        (_ELIDED, [("a", {"k": "v"})]),
        (tagged(("a", {}), ("b", {})).replace("<|close|>call<|sep|>", ""), [("a", {}), ("b", {})]),
        (tagged(("a", _MARKED)), [("a", _MARKED)]),
        (tagged(("a", {"n": 1})).replace("<|sep|>1", "<|sep|>one"), [("a", {"n": "one"})]),
        (tagged(("a", {"n": "1"})).replace(' type="string"', ""), [("a", {"n": "1"})]),
        (f"a{_END}", ["a"]),
        ("answer<|close|>response", ["answer"]),
        ("answer<|open|>resp", ["answer"]),
        ("`<|open|>tools<|sep|>` begins them", ["`<|open|>tools<|sep|>` begins them"]),
        (f"```\n{tagged(('a', {}))}\n```", [f"```\n{tagged(('a', {}))}\n```"]),
        ("<|open|>tools<|sep|>none", ["<|open|>tools<|sep|>none"]),
        ("<|open|>call me<|sep|>x<|close|>call<|sep|> ok", ["<|open|>call me<|sep|>x<|close|>call<|sep|> ok"]),
        ("a <|open|>door<|sep|>", ["a <|open|>door"]),
        ("a <|x|> <|", ["a <|x|> <|"]),
    ],
)
def test_what_is_in_a_text(content, expected):
    """Calls, text and tags are told apart, in whatever form and wherever they are cut."""
    found, cut = _scan_every_cut(content)
    assert (_read(found), cut) == (expected, None)


@pytest.mark.parametrize(
    ("content", "cut"),
    [
        ("<|open|>tools<|sep|>", ""),
        ("<|open|>tools<|sep|><|open|>cal", ""),
        ('<|open|>tools<|sep|><|open|>call tool="Ba', ""),
        (tagged(("Bash", _LS)).partition("<|close|>call")[0], "Bash"),
        (tagged(("Bash", _LS)).partition(_LS["command"])[0], "Bash"),
        (tagged(("Bash", _LS)).partition("<|sep|><|open|>argument")[0], "Bash"),
    ],
)
def test_a_call_that_is_cut_off(content, cut):
    """A call that breaks off is neither made nor shown nor passed over, whatever of it is there."""
    assert _scan_every_cut(f"a{content}") == (["a"], cut)


def test_arguments_that_are_no_values():
    """What stands in a call besides its values is passed on with it, for the client to see that it is wrong."""
    broken = tagged(("a", {"k": "v"})).replace("<|close|>argument<|sep|>", "<|close|>argument<|sep|>junk")
    found, cut = _scan_every_cut(broken)
    assert cut is None
    (call,) = found
    assert call.name == "a"
    assert "junk" in call.arguments


def test_an_answer_in_the_reasoning_is_the_answer():
    """Text of the other channel comes out as such, on both sides."""
    told = "Both returned.<|close|>think<|open|>response<|sep|>They differ.<|close|>response<|sep|>" + _END
    assert _scan_every_cut(told, "think") == (["Both returned.", Aside("They differ.")], None)
    told = "<|open|>think<|sep|>Hm.<|close|>think<|sep|><|open|>response<|sep|>So.<|close|>response<|sep|>"
    assert _scan_every_cut(told) == ([Aside("Hm."), "So."], None)
    message = message_of(read([sse(reasoning("Hm.<|close|>think<|open|>response<|sep|>So."), end())]))
    assert [block["type"] for block in message["content"]] == ["thinking", "text"]
    assert (message["content"][0]["thinking"], message["content"][1]["text"]) == ("Hm.", "So.")


_names = st.sampled_from(["Read", "Bash", "mcp__a__b", 'a&"b'])
_keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<>"), max_size=5)
_strings = st.text(max_size=8).filter(lambda text: "<|" not in text and not text.endswith("<"))
_inputs = st.dictionaries(_keys, _strings | values.filter(lambda value: "<|" not in json.dumps(value)), max_size=4)
_cuts = st.sets(st.integers(0, 600), max_size=12)


def _cut(content: str, cuts: set[int]) -> list[str]:
    return [part.decode("utf-32-le") for part in pieces(content.encode("utf-32-le"), {4 * cut for cut in cuts})]


@given(
    said=st.lists(st.tuples(_names, _inputs), min_size=1, max_size=3),
    cuts=_cuts,
    say=st.sampled_from([text, reasoning]),
)
def test_calls_in_tags_are_the_calls_sent_properly(said, cuts, say):
    """The message is the same as from a host that sends the calls in their own field, and stops for the same reason."""
    proper = [
        calls(fragment(at, id=f"call_{at}", name=name, arguments=json.dumps(arguments)))
        for at, (name, arguments) in enumerate(said)
    ]
    events = read([sse(*map(say, _cut(tagged(*said) + _END, cuts)), end())])
    check_events(events)
    made, expected = message_of(events), message_of(read([sse(*proper, end("tool_calls"))]))
    assert (made["content"], made["stop_reason"]) == (expected["content"], expected["stop_reason"])


_tags = st.sampled_from(
    ["<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>", "<|open|>tools<|sep|>", "<|close|>call<|sep|>", "<", "<|"]
)
_words = st.sampled_from(["tools", "call ", "call", "argument ", "json", "think", "response", 'tool="a" ', 'key="k"'])
_others = st.sampled_from(["\n", "`", "```\n", '{"a": 1}', *TOKENS])
_soups = st.lists(
    _tags | _words | _others | st.builds(tagged_call, _names, st.just(_LS)) | st.text(max_size=3), max_size=14
).map("".join)


@given(soup=_soups, cuts=_cuts, channel=st.sampled_from(["think", "response"]))
def test_any_cut_of_a_text_gives_the_same(soup, cuts, channel):
    """Text, calls and what is cut off do not depend on where the pieces end, not even letter by letter."""
    whole = _scan([soup], channel)
    assert _scan(_cut(soup, cuts), channel) == whole
    assert _scan(soup, channel) == whole


@given(said=st.lists(st.tuples(st.sampled_from([text, reasoning]), _soups), max_size=4), cuts=_cuts)
def test_no_text_breaks_the_protocol(said, cuts):
    """Tags in any disorder, in text and reasoning, end in one message or one failure."""
    events = read([sse(*(say(part) for say, soup in said for part in _cut(soup, cuts)), end())], stops=("END", "x"))
    check_events(events)
    if isinstance(events[-1], Failed):
        assert "breaks off" in events[-1].failure.message


def test_both_ways_of_writing_in_one_answer():
    """Tokens of K2 and tags of K3 are each read for what they are."""
    content = f"a{section(('functions.Read:0', '{}'))}b{tagged(('Bash', _LS))}c"
    found, cut = _scan_every_cut(content)
    assert (_read(found), cut) == (["a", ("Read", {}), "b", ("Bash", _LS), "c"], None)
