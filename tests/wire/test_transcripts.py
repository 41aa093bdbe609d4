"""A request that goes on from an earlier one is read, measured and translated as if it were the first."""

from __future__ import annotations

import json
from itertools import chain
from operator import is_
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_cli.providers.dialect import GROQ, MOONSHOT
from kimi_cli.record import replace
from kimi_cli.wire.codec import NotJsonError, loads_object
from kimi_cli.wire.failure import InvalidRequestError
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.relay import to_relay
from kimi_cli.wire.request import to_chat
from kimi_cli.wire.rounds import STRETCH
from kimi_cli.wire.tokens import measure
from kimi_cli.wire.transcripts import KEPT_COUNT, Transcripts
from tests.wire.asking import MODEL, PNG, ask, result, said, system, text, thought, tool, use, user
from tests.wire.upstream import inputs

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "a-text-that-no-request-holds"
_SEEING = replace(MODEL, vision=True)
MARKED = {"type": "text", "text": "m", "cache_control": {"type": "ephemeral"}}

_words = st.text('ab \n月\ud83d"\\', max_size=4)
_reference = {"type": "tool_reference", "tool_name": "Later"}
_blocks = st.builds(text, _words) | st.sampled_from([PNG, MARKED, {"type": "document"}, {"type": "new", "n": 1.5}])
_ids = st.integers(0, 6).map("toolu_{}".format)
_results = st.builds(result, _ids, _words | st.lists(_blocks | st.just(_reference), max_size=2))
_uses = st.builds(
    lambda call, name, given: {**use(call, name), "input": given}, _ids, st.sampled_from(["Read", "a.b"]), inputs
)
_turns = (
    st.builds(lambda blocks: user(*blocks), st.lists(_blocks | _results, max_size=3))
    | st.builds(lambda blocks: said(*blocks), st.lists(_blocks | _uses | st.builds(thought, _words), max_size=3))
    | st.builds(system, _words)
    | st.sampled_from([None, 3, {"role": "user"}])
)
_found = _words | st.sampled_from([[PNG], [_reference], [{"type": "document", "source": {"type": "content"}}]])
_rounds = st.builds(lambda one, found, other: [said(use(one)), user(result(one, found), other)], _ids, _found, _words)
_added = {"type": "tool_addition", "tool": {"definition": tool("Later", description="Defined on the way.")}}
_TOOLS = (
    [tool("Read"), tool("a.b"), tool("Later", defer_loading=True)],
    [tool("Reed"), tool("a.b"), tool("Later", defer_loading=True)],
    [tool("Read")],
    [],
)
_steps = st.one_of(
    st.tuples(st.just("more"), st.lists(_turns, min_size=1, max_size=3)),
    st.tuples(st.just("more"), st.lists(_rounds, min_size=1, max_size=STRETCH + 2).map(lambda some: [*chain(*some)])),
    st.tuples(st.just("more"), st.sampled_from([[user(result("toolu_0", [_reference]))], [system(_added)]])),
    st.tuples(st.just("back"), st.integers(1, 30)),
    st.tuples(st.just("edit"), st.tuples(st.integers(0, 30), _turns)),
    st.tuples(st.just("compact"), _words),
    st.tuples(st.just("tools"), st.sampled_from(_TOOLS)),
    st.tuples(st.just("system"), _words),
)
_forms = st.sampled_from(["compact", "ascii", "spaced", "reversed", "twice", "cut"])


def _changed(request: dict[str, Any], step: str, given: Any) -> dict[str, Any]:
    messages = request["messages"]
    match step:
        case "more":
            messages = [*messages, *given]
        case "back":
            messages = messages[:-given] or messages[:1]
        case "edit":
            at = given[0] % len(messages)
            messages = [*messages[:at], given[1], *messages[at + 1 :]]
        case "compact":
            messages = [user(given), *messages[-2:]]
        case _:
            return {**request, step: given}
    return {**request, "messages": messages}


def _written(request: dict[str, Any], form: str) -> bytes:
    if form == "reversed":
        request = dict(reversed(request.items()))
    separators = (", ", ": ") if form == "spaced" else (",", ":")
    data = json.dumps(request, ensure_ascii=form == "ascii", separators=separators).encode("utf-8", "surrogatepass")
    match form:
        case "twice":  # of two fields of a name, the last one counts
            return data[:-1] + b',"messages":[{"role":"user","content":"x"}]}'
        case "cut":
            return data[: len(data) // 2]
        case _:
            return data


def _outcome(make) -> Any:
    """What is made, as text, for a dictionary equals another one whose numbers are of other types; or the refusal."""
    try:
        made = make()
    except InvalidRequestError as error:
        return type(error), str(error)
    return json.dumps(made)


def _everything(prompt: Callable[[], Prompt]) -> list[Any]:
    return [
        _outcome(lambda: prompt().body),
        *(_outcome(lambda vision=vision: measure(prompt(), vision=vision).parts) for vision in (True, False)),
        *(
            _outcome(lambda dialect=dialect, model=model: _chat(prompt(), dialect, model))
            for dialect in (GROQ, MOONSHOT)
            for model in (MODEL, _SEEING)
        ),
        *(_outcome(lambda model=model: _relay(prompt(), model)) for model in (MODEL, _SEEING)),
    ]


def _chat(prompt, dialect, model) -> list[Any]:
    chat = to_chat(prompt, dialect=dialect, model=model, estimate=0)
    return [chat.body, dict(chat.tool_names), [tool.name for tool in chat.left_out], json.loads(chat.outgoing.data)]


def _relay(prompt, model) -> list[Any]:
    relay = to_relay(prompt, model=model, estimate=0)
    return [relay.body, dict(relay.tool_names), sorted(relay.call_ids), json.loads(relay.outgoing.data)]


@settings(max_examples=60)
@given(
    begin=st.lists(_rounds, max_size=3 * STRETCH),
    form=st.sampled_from(["compact", "spaced", "ascii"]),
    steps=st.lists(st.tuples(_steps, st.none() | _forms, st.booleans()), min_size=2, max_size=8),
)
def test_nothing_depends_on_what_came_before(begin, form, steps):
    """Conversations that grow, are edited, rewound and compacted come out as they would by themselves, type by type."""
    transcripts = Transcripts(mark=MARK)
    request = ask(user("Begin."), *chain(*begin), tools=_TOOLS[0])
    for (step, news), other_form, is_kept in [(("more", []), None, True), *steps]:
        request = _changed(request, step, news)
        data = _written(request, other_form or form)
        assert _continued(transcripts, data) == _alone(data)
        if not is_kept:
            transcripts.forget("a")


def _continued(transcripts: Transcripts, data: bytes) -> Any:
    """All that a request becomes for a session."""
    try:
        prompt = transcripts.read(data, owner="a")
    except NotJsonError as error:
        return str(error)
    return _everything(lambda: prompt)


def _alone(data: bytes) -> Any:
    """The same by itself, each part of it for the first time."""
    try:
        return _everything(lambda: Prompt(loads_object(data)))
    except NotJsonError as error:
        return str(error)


def _request(count: int, **fields: Any) -> dict[str, Any]:
    turns = [[said(use(f"toolu_{at}")), user(result(f"toolu_{at}", f"{at}"))] for at in range(count)]
    return ask(user("Begin."), *chain(*turns), **fields)


def _compact(request: dict[str, Any]) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode()


@pytest.fixture
def transcripts():
    return Transcripts(mark=MARK)


def test_what_was_read_is_not_read_again(transcripts):
    """The messages of a turn before are the same objects, and so are their rounds, their texts and the tools."""
    before = transcripts.read(_compact(_request(20, tools=_TOOLS[0])), owner="a")
    told = to_chat(before, dialect=GROQ, model=MODEL, estimate=0).outgoing.told
    after = transcripts.read(_compact(_request(30, tools=_TOOLS[0], system="Now.", max_tokens=5)), owner="a")
    count = len(before.body["messages"])
    assert all(map(is_, before.body["messages"], after.body["messages"][:count]))
    assert all(map(is_, before.rounds, after.rounds[: len(before.rounds)]))
    assert after.body["tools"] is before.body["tools"]
    assert after.tool_forms is before.tool_forms
    more = to_chat(after, dialect=GROQ, model=MODEL, estimate=0).outgoing.told
    assert len(told.written) == len(before.rounds) // STRETCH
    assert all(map(is_, told.written, more.written[1:]))  # behind the system prompt


def test_half_a_character_is_known_again(transcripts):
    """JavaScript writes one as an escape and all else as it is; so a text that was cut there stays recognised."""
    turns = _request(20)["messages"]
    turns[2] = user(result("toolu_0", "ünï ✓ \ud83d"))
    requests = [ask(*turns), ask(*turns, said("Yes."), user("And?"))]
    data = [json.dumps(one, separators=(",", ":"), ensure_ascii=False) for one in requests]
    before, after = (transcripts.read(one.encode("utf-8", "backslashreplace"), owner="a") for one in data)
    assert before.body["messages"][2] == turns[2]
    assert all(map(is_, before.body["messages"], after.body["messages"][: len(turns)]))


def test_forms_of_tools_are_bounded(transcripts):
    """However many there come to be, only the last few are kept."""
    prompt = transcripts.read(_compact(_request(1, tools=_TOOLS[0])), owner="a")
    made = [prompt.of_tools(number, lambda number=number: number) for number in range(100)]
    assert made == list(range(100))
    assert prompt.of_tools(99, lambda: -1) == 99
    assert prompt.of_tools(0, lambda: -1) == -1
    assert len(prompt.tool_forms) < 20


def test_a_round_that_goes_on_is_made_anew(transcripts):
    """One whose last message is followed by another of the same side is another one, and the old one stays."""
    before = transcripts.read(_compact(_request(STRETCH)), owner="a")
    turns = [*_request(STRETCH)["messages"], user("And?")]
    after = transcripts.read(_compact(ask(*turns)), owner="a")
    assert all(map(is_, before.rounds[:-1], after.rounds))
    assert (len(before.rounds[-1].messages), len(after.rounds[-1].messages)) == (2, 3)


@pytest.mark.parametrize("tools", _TOOLS)
def test_tools_come_late(transcripts, tools):
    """One that the conversation refers to, or defines, later on is offered from then on, with the same tools."""
    other = {"type": "tool_addition", "tool": {"definition": tool("Later", description="Another one.")}}
    requests = [_request(STRETCH, tools=tools)]
    for news in (user(result("toolu_0", [_reference])), system(_added), system(other)):
        requests.append({**requests[0], "messages": [*requests[0]["messages"], news]})
    for data in map(_compact, (*requests, *requests)):
        assert _continued(transcripts, data) == _alone(data)


def test_lengths_that_deceive(transcripts):
    """Sixteen messages as we would write them are as long as these are fifteen."""
    messages = ", ".join(json.dumps(user(f"{at:030d}")) for at in range(17))
    data = b'{"model":"m","messages":[%b]}' % messages.encode()
    for _ in range(2):
        assert _continued(transcripts, data) == _alone(data)


def test_sessions_share_nothing(transcripts):
    """What one session has sent is not looked through for another, and goes with its session."""
    data = _compact(_request(20))
    first = transcripts.read(data, owner="a")
    assert transcripts.read(data, owner="b").rounds[0] is not first.rounds[0]
    transcripts.forget("a")
    assert transcripts.read(data, owner="a").rounds[0] is not first.rounds[0]


def test_several_conversations_of_a_session(transcripts):
    """Subagents that begin alike are told apart; of too many, the one that was used the longest ago is forgotten."""
    requests = [_request(at % 3, system="s", tools=[tool(f"T{at}")]) for at in range(KEPT_COUNT + 1)]
    for at, request in enumerate(requests):
        request["messages"] = [user("Begin."), said(f"I am {at}."), *request["messages"]]
    first = [transcripts.read(_compact(request), owner="a") for request in requests]
    again = [transcripts.read(_compact(request), owner="a") for request in reversed(requests[1:])]
    assert all(one.rounds[-1] is other.rounds[-1] for one, other in zip(reversed(first[1:]), again, strict=True))
    assert transcripts.read(_compact(requests[0]), owner="a").rounds[-1] is not first[0].rounds[-1]


def test_what_is_kept_is_bounded():
    """A conversation that is larger than all that may be kept is not, and takes nobody's place; others do."""
    transcripts = Transcripts(mark=MARK, limit=200_000)
    data = _compact(_request(20))
    small = transcripts.read(data, owner="a")
    assert transcripts.read(data, owner="a").rounds[0] is small.rounds[0]
    large = transcripts.read(_compact(ask(user("x" * 100_000), user("y"))), owner="a")
    assert transcripts.read(_compact(ask(user("x" * 100_000), user("y"))), owner="a").rounds[0] is not large.rounds[0]
    assert transcripts.read(data, owner="a").rounds[0] is small.rounds[0]
    for number in range(3):
        transcripts.read(_compact(ask(user(f"{number}" * 40_000), user("y"))), owner="a")
    assert transcripts.read(data, owner="a").rounds[0] is not small.rounds[0]


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":{"messages":[%b]},"messages":[%b]}',
        b'{"tools":[{"messages":[%b]}],"messages":[%b]}',
        b'{"messages":[%b],"messages":[%b]}',
        b'{"messages":[%b],"x":[%b]',
        b'{"messages":[%b]%b}',
        b'[{"messages":[%b],"x":[%b]}]',
        b'{"messages":[%b],"x":{"tools":[{"name":"Read"}]},"tools":[%b]}',
        b'{"messages":[%b],"tools":[{"name":"Reed"}],"x":[%b]}',
    ],
)
def test_messages_in_another_place(transcripts, data):
    """What looks like the messages that are known, and is something else, is read as what it is."""
    known, other = (_compact({"m": ask(*turns)["messages"]})[6:-2] for turns in ([user("a"), said("b")], [user("c")]))
    transcripts.read(b'{"messages":[%b],"tools":[{"name":"Read"}]}' % known, owner="a")
    data %= (known, other)
    assert _continued(transcripts, data) == _alone(data)
