"""What holds for every conversation, plausible or not, on the way to hosts of either format."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.codec import dumps_strict
from kimi_cli.wire.failure import InvalidRequestError
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.relay import to_relay
from kimi_cli.wire.request import to_chat
from kimi_cli.wire.tokens import estimate_request
from tests.doubles.strict_chat import check_pairs
from tests.doubles.strict_messages import check_pairs as check_relay_pairs
from tests.wire.asking import (
    ALL,
    ALWAYS,
    LINK,
    MODEL,
    PNG,
    SWITCHABLE,
    ask,
    chat,
    messages_of,
    relayed,
    result,
    said,
    system,
    text,
    thought,
    tool,
    use,
    user,
)
from tests.wire.upstream import inputs, values

_MODELS = (MODEL, ALWAYS, SWITCHABLE)
_ids = st.sampled_from([f"toolu_{at}" for at in range(5)])
_names = st.sampled_from(["Read", "Bash", "mcp.a/b"])
_words = st.text("ab \n月", max_size=4)
_leaf = st.builds(text, _words) | st.sampled_from([PNG, LINK, {"type": "new"}, {"type": "document"}])
_leaves = _words | st.lists(
    _leaf | st.builds(lambda name: {"type": "tool_reference", "tool_name": name}, _names), max_size=3
)
_results = st.builds(lambda call, content, failed: result(call, content, is_error=failed), _ids, _leaves, st.booleans())
_uses = st.builds(lambda call, name, given: {**use(call, name), "input": given}, _ids, _names, inputs)
_user_turns = st.builds(lambda blocks: user(*blocks), st.lists(_leaf | _results, max_size=4))
_said_turns = st.builds(
    lambda blocks: said(*blocks),
    st.lists(
        _leaf | _uses | st.builds(thought, _words) | st.just({"type": "redacted_thinking", "data": "x"}), max_size=4
    ),
)
_system_turns = st.builds(system, _words)
_turns = _user_turns | _said_turns | _said_turns | _system_turns
_histories = st.lists(_turns, max_size=8).map(lambda turns: [user("Begin."), *turns])
_anchored = st.builds(lambda turns, words: [*turns, user(words)], _histories, _words.map(lambda words: words + "."))

_keys = st.sampled_from(
    ["role", "content", "type", "text", "source", "tool_use_id", "id", "name", "input", "tool", "title", "data", "url"]
) | st.sampled_from(
    ["tool_name", "definition", "tool_references", "thinking", "budget_tokens", "media_type", "is_error"]
)
_kinds = st.sampled_from(
    ["text", "image", "document", "tool_use", "tool_result", "tool_reference", "thinking", "search_result", "base64"]
) | st.sampled_from(
    ["tool_addition", "tool_search_tool_result", "server_tool_use", "content", "url", "user", "assistant"]
)
_odd = st.recursive(
    values | _kinds | st.floats() | st.text(st.characters(), max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=25,
)
_odd_messages = st.lists(
    st.fixed_dictionaries({}, optional={"role": _kinds | st.just("system") | _odd, "content": _odd}) | _odd, max_size=4
)
_fields = st.sampled_from(
    [
        "system",
        "tools",
        "tool_choice",
        "max_tokens",
        "stop_sequences",
        "thinking",
        "output_config",
        "metadata",
        "stream",
    ]
) | st.sampled_from(["temperature", "top_k", "output_format", "cache_control", "model", "messages"])


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
@given(turns=_histories, model=st.sampled_from(_MODELS))
def test_every_history_is_accepted(dialect, model, turns):
    """Whatever happened in a conversation, a strict host of the dialect and the `openai` SDK accept what it becomes."""
    chat(ask(*turns, tools=[tool("Read"), tool("mcp.a/b", defer_loading=True)]), dialect=dialect, model=model)


@pytest.mark.parametrize("model", _MODELS, ids=lambda model: model.id)
@given(turns=_histories)
def test_every_history_can_be_relayed(model, turns):
    """A strict host of Anthropic's format and the `anthropic` SDK accept it as well."""
    relayed(ask(*_of_claude_code(turns), tools=[tool("Read")]), model=model)


@given(turns=_histories)
def test_results_follow_their_calls(turns):
    """Each call is followed at once by its result, in order; there is no result without a call, and none is lost."""
    messages = messages_of(*turns)
    check_pairs(messages)
    expected: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] == expected.pop(0)
        else:
            assert not expected
            expected = [call["id"] for call in message.get("tool_calls", ())]
    assert not expected


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
@given(before=_anchored, after=st.lists(_turns, max_size=4))
def test_the_prefix_is_stable(dialect, before, after):
    """What a conversation has become stays as it is, byte for byte, when turns follow its last user turn."""
    first = messages_of(*before, dialect=dialect, model=ALWAYS, system="s")
    second = messages_of(*before, said("Yes."), *after, dialect=dialect, model=ALWAYS, system="s")
    assert dumps_strict(second).startswith(dumps_strict(first)[:-1] + b",")


@given(before=_anchored, after=st.lists(_turns, max_size=4))
def test_the_relayed_prefix_is_stable(before, after):
    """The same holds for what is relayed."""
    first, second = (
        to_relay(Prompt(ask(*turns)), model=ALWAYS, estimate=0).body["messages"]
        for turns in (before, [*before, said("Yes."), *after])
    )
    assert second[: len(first)] == first


@given(turns=_histories)
def test_translation_is_a_function(turns):
    """The same request becomes the same bytes."""
    assert dumps_strict(messages_of(*turns)) == dumps_strict(messages_of(*copy.deepcopy(turns)))


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
@given(messages=_odd_messages, fields=st.dictionaries(_fields, _odd, max_size=5))
def test_arbitrary_json_never_crashes(dialect, messages, fields):
    """JSON of any kind in any place is translated, or refused as what it is, and the request stays as it was."""
    request = {**ask(*messages), **fields}
    before = copy.deepcopy(request)
    for translate in (
        lambda: to_chat(Prompt(request), dialect=dialect, model=SWITCHABLE, estimate=estimate_request(request)).body,
        lambda: to_relay(Prompt(request), model=SWITCHABLE, estimate=9).body,
    ):
        try:
            body = translate()
        except InvalidRequestError:
            continue
        dumps_strict(body)
        assert body["messages"] is not request.get("messages")
    assert repr(request) == repr(before)


@given(messages=_odd_messages)
def test_arbitrary_histories_keep_calls_and_results_together(messages):
    """Also where blocks are nonsense, calls and results match in what is sent."""
    check_pairs(to_chat(Prompt(ask(user("a"), *messages)), dialect=ALL[0], model=MODEL, estimate=0).body["messages"])
    turns = to_relay(Prompt(ask(user("a"), *messages)), model=MODEL, estimate=0).body["messages"]
    if all(block["id"] for turn in turns for block in turn["content"] if block["type"] == "tool_use"):
        check_relay_pairs(_apart(turns))


def _of_claude_code(turns: list[dict]) -> list[dict]:
    """The turns with names and ids as Claude Code has them: names that fit, ids that tell all calls apart."""
    fresh = copy.deepcopy(turns)
    place = 0
    for turn in fresh:
        place += turn["role"] == "assistant"
        for block in turn["content"] if isinstance(turn["content"], list) else ():
            for key in ("id", "tool_use_id"):
                if key in block:
                    block[key] = f"{block[key]}_{place}"
            if "name" in block:
                block["name"] = block["name"].replace(".", "_").replace("/", "_")
    return fresh


def _apart(turns: list[dict]) -> list[dict]:
    """The turns with ids that are used in one turn only."""
    fresh = copy.deepcopy(turns)
    for place, turn in enumerate(fresh):
        for block in turn["content"]:
            if block["type"] == "tool_use":
                block["id"] = f"{place}_{block['id']}"
            elif block["type"] == "tool_result":
                block["tool_use_id"] = f"{place - 1}_{block['tool_use_id']}"
    return fresh
