"""Estimates grow with what they measure, and leave out what no host will see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.characters import PRICES, weigh
from kimi_cli.wire.content import BILLING_HEADER
from kimi_cli.wire.failure import InvalidRequestError
from kimi_cli.wire.picture import UNKNOWN_TOKENS
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.signature import Carried, to_signature
from kimi_cli.wire.tokens import KINDS, estimate_characters, estimate_request, measure
from kimi_cli.wire.tools import PLACEHOLDER
from tests.wire.asking import result, said, text, thought, tool, use, user
from tests.wire.build import deep
from tests.wire.cases import DIRECTORY
from tests.wire.upstream import values

PROSE = "Whoever measures words by the yard will find that no two yards are alike. "
LONG = PROSE * 60
A_TEXT = round(sum(weigh(LONG.encode())))
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "A" * 200_000}}


def _estimate(*blocks, **fields) -> int:
    return estimate_request({"messages": [{"role": "user", "content": list(blocks)}], **fields})


def _parts(*messages, vision: bool = True, **fields) -> dict[str, float]:
    return dict(zip(KINDS, measure(Prompt({"messages": list(messages), **fields}), vision=vision).parts, strict=True))


@given(written=st.text(st.characters()), more=st.text(st.characters()))
def test_more_text_is_never_fewer_tokens(written, more):
    """Appending never lowers an estimate, but by what a second space in a row costs less than one between words."""
    before, after = (sum(weigh(one.encode("utf-8", "surrogatepass"))) for one in (written, written + more))
    assert 0 <= before <= after + 2 * (PRICES["spaces"] - PRICES["indents"])


@given(blocks=st.lists(values.map(lambda value: {"type": "odd", "value": value}), max_size=4), extra=values)
def test_more_blocks_are_never_fewer_tokens(blocks, extra):
    """Nor does a further block of any kind."""
    assert _estimate(*blocks) <= _estimate(*blocks, {"type": "tool_use", "name": "Read", "input": extra})


@pytest.mark.parametrize(
    ("written", "characters_per_token"),
    [
        (PROSE, (4.4, 5.2)),
        ("def read(path: Path) -> bytes:\n        return path.read_bytes()\n", (3.8, 4.6)),
        ('{"id": 48213, "price": 12.95, "at": "2026-03-01T10:20:30Z"}', (1.4, 2)),
        ("月之暗面的模型读得很快。写得也很好。", (1.2, 1.6)),
        ("このプロキシは利用者のマシン上で動作します。", (1.2, 1.6)),
        ("이 프록시는 사용자의 컴퓨터에서 실행됩니다.", (1.3, 2.1)),
        ("Прокси работает на машине пользователя. ", (2.8, 4.6)),
        ("👩‍🚀🎉✅", (0.3, 1)),
    ],
)
def test_kinds_of_text_differ(written, characters_per_token):
    """Each kind of text has the characters per token that vocabularies of today give it, long and short."""
    least, most = characters_per_token
    for times in (1, 40, 4_000):
        tokens = sum(weigh((written * times).encode()))
        assert least <= len(written) * times / tokens <= most


@pytest.mark.parametrize("row", ["月", "я", "é", "🎉", "aé月", "| 12 | abc |\n", "x" * 63 + "\n", "    pass\n"])
def test_a_sample_tells_of_the_whole(row):
    """A long text that repeats itself costs what its rows cost, whatever the length of a row or of a character."""
    once = sum(weigh(row.encode() * 64))
    for times in (640, 6_400, 33_000):
        assert sum(weigh(row.encode() * 64 * times)) == pytest.approx(once * times, rel=0.05)


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        (text(LONG), A_TEXT),
        (thought(LONG) | {"signature": "y" * 9_000}, A_TEXT),
        ({"type": "image", "source": {"type": "url", "url": "https://host.test/" + "a" * 9_000}}, UNKNOWN_TOKENS),
        ({"type": "document", "source": {"type": "text", "data": LONG}}, A_TEXT),
        ({"type": "document", "source": {"type": "content", "content": [text(LONG), text(LONG)]}}, 2 * A_TEXT),
        (PDF, 2_000),
        (use(a=LONG), A_TEXT),
        (result(content=LONG), A_TEXT),
        (result(content=[text(LONG), {"type": "image", "source": {}}]), A_TEXT + UNKNOWN_TOKENS),
        ({"type": "odd", "value": LONG}, 0),
        ("no block", 0),
        ({"text": LONG}, 0),
    ],
)
def test_blocks(block, tokens):
    """A block counts for what the host will see of it, wherever it stands."""
    assert tokens <= _estimate(block) <= tokens + 45


def test_system_and_tools_count():
    """The system prompt in either form and the tools are part of the prompt; the billing block is not."""
    blocks = [text(f"{BILLING_HEADER}: {LONG}"), text(LONG)]
    assert _estimate(system=LONG) == _estimate(system=blocks) == pytest.approx(_estimate() + A_TEXT, abs=1)
    assert 0 <= _estimate(tools=[tool(description=LONG)]) - _estimate() - A_TEXT <= 60
    assert _parts(tools=[tool(description=LONG)])["tools"] > A_TEXT


def test_deferred_tools_count_once_they_are_loaded():
    """A tool that the host is not told of costs nothing; one that the conversation has referred to does."""
    tools = [tool("Read", description=LONG, defer_loading=True), tool(PLACEHOLDER, description=LONG)]
    turns = [user("Hi"), said(use(name="ToolSearch", query="read")), user(result(content="none"))]
    found = {"type": "tool_reference", "tool_name": "Read"}
    assert _parts(*turns, tools=tools)["tools"] == 0
    assert A_TEXT < _parts(*turns[:2], user(result(content=[found])), tools=tools)["tools"] < A_TEXT + 60


def test_reasoning_is_told_apart():
    """Reasoning counts as such, as text and in a signature of ours; what another's signature holds is never sent."""
    reasoning = (DIRECTORY / "prose.txt").read_text(encoding="utf-8")[:4_000]
    written = _parts(said(thought(reasoning)))
    packed = _parts(said({**thought(""), "signature": to_signature(Carried(text=reasoning))}))
    foreign = _parts(said({**thought(""), "signature": "EqQB" + "A" * 9_000}))
    assert written["reasoning"] == sum(weigh(reasoning.encode()))
    assert packed["reasoning"] == pytest.approx(written["reasoning"], rel=0.25)
    assert foreign["reasoning"] == 0
    assert written["letters"] == packed["letters"] == foreign["letters"] == 0


def test_a_model_without_eyes():
    """A model that is shown no image is told so in a few words."""
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 2_000_000}}
    assert _parts(user(image))["images"] == UNKNOWN_TOKENS
    blind = _parts(user(image), vision=False)
    assert blind["images"] == 0
    assert sum(blind.values()) < 40


def test_the_length_alone():
    """A text of which only the length is known counts like English."""
    assert (estimate_characters(0), estimate_characters(3_900)) == (0, 1_000)


@given(request=values | st.dictionaries(st.sampled_from(["system", "messages", "tools"]), values))
def test_any_request_can_be_estimated(request):
    """JSON of any form in any place has an estimate, and is left as it was."""
    fields = request if isinstance(request, dict) else {"messages": request}
    before = repr(fields)
    assert estimate_request(fields) >= 0
    assert all(part >= 0 for part in measure(Prompt(fields)).parts)
    assert repr(fields) == before


def test_deep_nesting_is_refused_and_no_crash():
    """A block nested deeper than can be measured is the client's fault and not a crash."""
    assert _estimate(deep(100)) > 0
    with pytest.raises(InvalidRequestError, match="nested too deeply"):
        _estimate(use(a=deep(10_000)))
