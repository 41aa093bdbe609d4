"""Every shape in which hosts stream tool calls comes out as the same blocks, however the bytes are cut."""

from __future__ import annotations

import json

import pytest

from kimi_cli.wire.calls import Call
from tests.wire.build import calls, chunk, content_of, end, failure_of, fragment, inputs_of, read, sse, text, told

_ARGUMENTS = '{"a": ["b"]}'
_INPUT = json.loads(_ARGUMENTS)
_END = end("tool_calls")


def _ids(data: bytes) -> list[str]:
    return [block["id"] for block in content_of(data) if block["type"] == "tool_use"]


def _open(index=0, **fields) -> dict:
    return fragment(index, **{"id": "call_1", "name": "Read", "arguments": "", **fields})


@pytest.mark.parametrize(
    "chunks",
    [
        [calls(_open(arguments=_ARGUMENTS))],
        [calls(_open()), calls(fragment(0, arguments=_ARGUMENTS))],
        [calls(_open()), *(calls(fragment(0, arguments=letter)) for letter in _ARGUMENTS)],
        [calls(_open(arguments=None)), calls(fragment(0, arguments=_ARGUMENTS)), calls(fragment(0, arguments=None))],
        [calls(fragment(0, id="call_1")), calls(fragment(0, name="Read")), calls(fragment(0, arguments=_ARGUMENTS))],
        [calls(_open()), *(calls(fragment(0, id="call_1", arguments=letter)) for letter in _ARGUMENTS)],
        [calls(_open()), *(calls(_open(arguments=letter)) for letter in _ARGUMENTS)],
        [calls(_open(id=None)), *(calls(fragment(0, name="Read", arguments=letter)) for letter in _ARGUMENTS)],
        [calls(_open(None, id=None)), *(calls(fragment(arguments=letter)) for letter in _ARGUMENTS)],
        [calls(_open(None)), *(calls(fragment(id="call_1", arguments=letter)) for letter in _ARGUMENTS)],
        [calls(_open()), *(calls(fragment(arguments=letter)) for letter in _ARGUMENTS)],
        [calls(_open(None)), *(calls(fragment(0, arguments=letter)) for letter in _ARGUMENTS)],
        [calls(_open()), *(calls(fragment(0, id=f"r-{at}", arguments=c)) for at, c in enumerate(_ARGUMENTS))],
        [calls(_open()), calls(fragment(0, arguments=_ARGUMENTS)), calls(_open())],
        [calls(_open(arguments=_ARGUMENTS)), calls(_open(arguments=_ARGUMENTS))],
        [calls(_open()), *(calls(fragment(0, arguments=c)) for c in _ARGUMENTS), calls(_open(arguments=_ARGUMENTS))],
        [calls(_open(arguments=_INPUT))],
        [calls(_open(arguments=json.dumps(_ARGUMENTS)))],
        [calls(_open()), *(calls(fragment(0, arguments=letter)) for letter in json.dumps(_ARGUMENTS))],
        [calls(_open(arguments="  " + _ARGUMENTS + "\n"))],
        [calls(_open(arguments=" ")), *(calls(fragment(0, arguments=letter)) for letter in _ARGUMENTS)],
        [calls(_open(arguments=_ARGUMENTS)), calls({})],
        [calls(_open(arguments=_ARGUMENTS)), calls(fragment(1, arguments=""))],
        [chunk({"function_call": {"name": "Read", "arguments": _ARGUMENTS}})],
        [
            chunk({"function_call": {"name": "Read", "arguments": ""}}),
            chunk({"function_call": {"arguments": _ARGUMENTS}}),
        ],
    ],
    ids=[
        "whole in one delta",
        "opened, then whole",
        "letter by letter",
        "null around the arguments",
        "id, name and arguments apart",
        "id repeated",
        "id and name repeated",
        "no id, name repeated",
        "no index, no id",
        "no index, id repeated",
        "index in the first fragment only",
        "index in all but the first fragment",
        "a new id in every fragment",
        "opened once more at the end",
        "the whole call twice",
        "letter by letter, then whole once more",
        "an object for arguments",
        "JSON inside a JSON string",
        "JSON inside a JSON string, letter by letter",
        "space around",
        "space first",
        "an empty fragment at the end",
        "an empty fragment with an index of its own",
        "function_call",
        "function_call split",
    ],
)
def test_one_call(chunks):
    """A call has one block with its name and whole input, and the message stops for it."""
    data = sse(*chunks, _END)
    assert inputs_of(data) == [("Read", _INPUT)]
    assert told(data)[-2].stop_reason == "tool_use"


@pytest.mark.parametrize("arguments", ["", None, "null", "{}", " ", '"{}"', '""', "{ }", {}, ...])
def test_a_call_without_arguments(arguments):
    """A tool that needs nothing is called with an empty object, whatever the host writes for nothing."""
    assert inputs_of(sse(calls(_open(arguments=arguments)), _END)) == [("Read", {})]


_TWO = [("Read", {"a": 1}), ("Bash", {"b": "}"})]


@pytest.mark.parametrize(
    "chunks",
    [
        [calls(_open(arguments='{"a": 1}'), _open(1, id="call_2", name="Bash", arguments='{"b": "}"}'))],
        [calls(_open(arguments='{"a": 1}')), calls(_open(1, id="call_2", name="Bash", arguments='{"b": "}"}'))],
        [
            calls(_open(), _open(1, id="call_2", name="Bash")),
            calls(fragment(0, arguments='{"a"'), fragment(1, arguments='{"b": "')),
            calls(fragment(1, arguments='}"}'), fragment(0, arguments=": 1}")),
        ],
        [
            calls(_open()),
            calls(_open(1, id="call_2", name="Bash", arguments='{"b": "}"}')),
            calls(fragment(0, arguments='{"a": 1}')),
        ],
        [
            calls(_open(id=None, arguments='{"a": 1}')),
            calls(_open(0, id=None, name="Bash", arguments='{"b": "}"}')),
        ],
        [calls(_open(id="x", arguments='{"a": 1}')), calls(_open(0, id="y", name="Bash", arguments='{"b": "}"}'))],
        [calls(_open(arguments='{"a": 1}')), calls(_open(1, name="Bash", arguments='{"b": "}"}'))],
        [
            calls(_open(None, arguments='{"a"')),
            calls(_open(None, id="call_2", name="Bash", arguments='{"b": "')),
            calls(fragment(id="call_1", arguments=": 1}")),
            calls(fragment(id="call_2", arguments='}"}')),
        ],
        [
            calls(_open(arguments='{"a": 1}')),
            calls(fragment(1, id="call_2")),
            calls(fragment(1, name="Bash")),
            calls(fragment(1, arguments='{"b": "}"}')),
        ],
        [calls(_open(7, arguments='{"a": 1}')), calls(_open(3, id="call_2", name="Bash", arguments='{"b": "}"}'))],
    ],
    ids=[
        "in one delta",
        "one after the other",
        "interleaved",
        "the second whole first",
        "the same index, no ids",
        "the same index, two ids",
        "the same id, two indices",
        "interleaved by id",
        "the second in fragments",
        "odd indices",
    ],
)
def test_two_calls(chunks):
    """Several calls at once become blocks one after another, as they began, with ids of their own."""
    data = sse(*chunks, _END)
    assert inputs_of(data) == _TWO
    assert len(set(_ids(data))) == 2


def test_two_calls_of_one_tool_without_index_or_id():
    """Two whole calls of the same tool stay two, though only their completeness tells them apart."""
    data = sse(calls(fragment(name="Read", arguments='{"a": 1}'), fragment(name="Read", arguments='{"a": 2}')), _END)
    assert inputs_of(data) == [("Read", {"a": 1}), ("Read", {"a": 2})]


def test_the_same_call_under_the_same_id_twice():
    """A host that repeats an id for another call of the same tool, told by its arguments, has made two calls."""
    data = sse(calls(_open(arguments='{"a": 1}')), calls(_open(arguments='{"a": 2}')), _END)
    assert inputs_of(data) == [("Read", {"a": 1}), ("Read", {"a": 2})]
    assert len(set(_ids(data))) == 2


def test_a_completion_in_one_piece_has_its_calls_apart():
    """In a whole message every entry is a call of its own, even where index, id and arguments are missing."""
    entry = {"type": "function", "function": {"name": "Now", "arguments": ""}}
    message = {"role": "assistant", "content": None, "tool_calls": [entry, dict(entry)]}
    data = sse({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    assert inputs_of(data) == [("Now", {}), ("Now", {})]


def test_calls_in_one_delta_without_index_or_id_are_apart():
    """Entries of one delta that open calls are calls of their own, for a fragment never stands beside its like."""
    entry = {"type": "function", "function": {"name": "Now", "arguments": ""}}
    assert inputs_of(sse(calls(entry, dict(entry)), _END)) == [("Now", {}), ("Now", {})]


def test_ids_are_fresh():
    """The host's ids, which repeat from turn to turn, are never shown."""
    data = sse(calls(_open(id="functions.Read:0", arguments="{}")), _END)
    assert _ids(data) == ["toolu_2"]


def test_changed_names_come_back():
    """A tool whose name had to be changed for the host is called by the client's name for it."""
    data = sse(calls(_open(name="a_b_12345678", arguments="{}")), _END)
    assert inputs_of(data, tool_names={"a_b_12345678": "a.b"}) == [("a.b", {})]


def test_arguments_pass_on_as_they_come():
    """The pieces of a call's input leave with the reads that bring them, and are the host's own text."""
    data = sse(calls(_open()), *(calls(fragment(0, arguments=piece)) for piece in ('{"a"', ":", ' "é\\n"}')), _END)
    deltas = [event.partial_json for event in told(data) if hasattr(event, "partial_json")]
    assert deltas == ['{"a"', ":", ' "é\\n"}']


@pytest.mark.parametrize("arguments", ['{"a": ', "[1, 2]", "hello", "17", '"text"', '{"a": 1}}', '{"a": 01}', "'{}'"])
def test_arguments_that_are_no_object_are_told_as_they_are(arguments):
    """What the model wrote instead of an object reaches the client unchanged, in Claude Code's own form."""
    data = sse(calls(_open(arguments=arguments)), _END)
    assert inputs_of(data) == [("Read", {"__unparsedToolInput": {"raw": arguments, "len": len(arguments)}})]


def test_what_follows_a_broken_call_is_kept():
    """A call whose arguments never become JSON gives way at the end, to everything that has waited behind it."""
    data = sse(
        calls(_open(arguments='{"a": ')), calls(_open(1, id="x", name="Bash", arguments="{}")), text("after"), _END
    )
    kinds = [block["type"] for block in content_of(data)]
    assert kinds == ["tool_use", "tool_use", "text"]


def test_a_call_without_a_name_is_a_failure():
    """A call of nobody knows what is not passed over, because the answer is not complete without it."""
    failure = failure_of(sse(calls(fragment(0, id="x", arguments='{"a": 1}')), _END))
    assert (failure.status, failure.kind) == (500, "api_error")
    assert "name" in failure.message


def test_fragments_of_the_wrong_form_are_passed_over():
    """Entries that are no objects say nothing; the others still count."""
    data = sse(chunk({"tool_calls": ["x", None, 3, _open(arguments="{}")]}), chunk({"tool_calls": {"a": 1}}), _END)
    assert inputs_of(data) == [("Read", {})]


@pytest.mark.parametrize(
    "whole", [_ARGUMENTS, '{"a": "\\"}{"}', '{"é": "\\\\"}', "{}", '{"a": {"b": [{}]}}', '"{\\"a\\": 1}"', "null"]
)
def test_a_call_is_complete_exactly_at_its_end(whole):
    """Arguments are whole with their last character and not before, however they are cut."""
    call = Call(index=0, id="", name="Read")
    for letter in whole:
        assert not call.is_complete()
        call.add(letter)
    assert call.is_complete()


def test_truncation_inside_a_call_is_not_an_end():
    """A stream that breaks off in a call ends in an error, never in a shorter call."""
    data = sse(calls(_open(arguments='{"a": ')), done=False)
    assert failure_of(data).kind == "api_error"
    assert [type(event).__name__ for event in read([data])][-2:] == ["InputDelta", "Failed"]


def test_a_whole_call_is_closed_by_the_truncation():
    """A call that is whole is closed before the error; Claude Code goes on from blocks that are whole."""
    data = sse(calls(_open(arguments='{"a": 1}')), done=False)
    assert [type(event).__name__ for event in told(data)][-2:] == ["BlockStop", "Failed"]
