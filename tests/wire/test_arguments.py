"""Arguments are mended where they can mean only one thing, and as long as nothing of them has been passed on."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_cli.wire.arguments import canonical, mend, to_input
from tests.wire.build import calls, end, fragment, inputs_of, read, sse, told
from tests.wire.upstream import inputs, values

_OPEN = {"id": "call_1", "name": "Read"}


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("", "{}"),
        (" \n", "{}"),
        ("null", "{}"),
        ('""', "{}"),
        ('"null"', "{}"),
        ("None", "{}"),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
        (json.dumps(json.dumps(json.dumps({"a": "\\"}))), '{"a": "\\\\"}'),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('```\n{"a": 1}\n```', '{"a": 1}'),
        ('\n```JSON\r\n\r\n{"a": 1}\r\n```\n', '{"a": 1}'),
        ('```{"a": "```"}```', '{"a": "```"}'),
        ('{"a": 1}{"a": 1}', '{"a": 1}'),
        ('{"a": 1}\n{"a":1}\n{"a": 1}\n', '{"a": 1}'),
        ('{"b": 2, "a": [1.50]}{"b": 2, "a": [1.50]}', '{"b": 2, "a": [1.50]}'),
        ('{"a": 1,}', '{"a": 1}'),
        ('{"a": [1, 2, ], "b": {"c": "d",\n},\n}', '{"a": [1, 2 ], "b": {"c": "d"\n}\n}'),
        ('{"a": True, "b": [False, None]}', '{"a": true, "b": [false, null]}'),
        ('{"True": "None, False,}"}{"True": "None, False,}"}', '{"True": "None, False,}"}'),
        ('{"a": "one\n\ttwo\x00"}', '{"a": "one\\n\\ttwo\\u0000"}'),
        ('```python\n{"a": True,}\n```', '{"a": true}'),
        (json.dumps('{"a": True,}{"a": true}'), '{"a": true}'),
        (json.dumps('```json\n"{}"\n```'), "{}"),
        ('"{\n}"', "{\n}"),
        ('{"a": "\\ud83c",}', '{"a": "\\ud83c"}'),
        ('{"a": "\ud83c",}', '{"a": "\ud83c"}'),
        ('{"a": 12345678901234567890123.50,}', '{"a": 12345678901234567890123.50}'),
    ],
)
def test_what_can_mean_only_one_thing_is_mended(text, mended):
    """The one object is found, and its own spelling is kept."""
    assert to_input(text) == mended
    assert isinstance(json.loads(mended), dict)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1',
        '{"a": 1}}',
        '{"a": "b}',
        '{"a": b"}',
        '{"a": ',
        '{"a": 1 "b": 2}',
        '{"a": "x" True}',
        '{"a": 1}{"a": 2}',
        '{"a": 1}{"a": 1.0}',
        '{"a": 1}{"a": true}',
        '{"a": 1}{"a": "1"}',
        '{}{"a": 1}',
        '{"a": 1}{"a": 1',
        '{"a": 1}, {"a": 1}',
        '[{"a": 1}]',
        '[{"a": 1},]',
        "[,]",
        "{,}",
        '{"a": [,]}',
        '{"a": [1,,]}',
        '{"a": ,}',
        '{,"a": 1}',
        '{"a": NaN}',
        '{"a": NaN,}{"a": NaN,}',
        '{"a": Nonesuch}',
        '{True: "a"}',
        "{'a': 1}",
        "'{}'",
        "{a: 1}",
        '{"a": 1} // as asked',
        'Here: {"a": 1}',
        '```json\n{"a": 1}',
        '```json\n{"a": 1}\n```\nDone.',
        '```json\n{"a": 1}\n```\n```json\n{"a": 2}\n```',
        "```json\n```",
        "`{}`",
        '{"a": 01}',
        "17",
        '"text"',
        '"17"',
        "True",
        '"',
        '{"a": "' + "\\" * 3,
    ],
)
def test_what_could_mean_something_else_stays_as_it_is(text):
    """Nothing is guessed: the client is shown what the model wrote."""
    assert mend(text) is None
    assert to_input(text) == text
    assert canonical(text) == text


@pytest.mark.parametrize(
    "text", ['{"a": 1}', ' {"a": 1}\n', '{"a":1,"a":2}', '{"a": "True,}"}', '{"a": "\ud83c"}', "{ }"]
)
def test_an_object_is_not_touched(text):
    """What is an object already stays the text that it is."""
    assert to_input(text) == text


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '"' * 100_000, "{}" * 50_000 + "x", '"\\' * 50_000])
def test_no_text_is_too_much(text):
    """Text of any depth and length is judged, and quickly."""
    assert to_input(text) == text


def test_arguments_mean_the_same_in_any_spelling():
    """Order, spacing and what was mended are of no matter for what arguments mean; types are."""
    assert (
        canonical('{"a": 1, "b": [true]}')
        == canonical('{"b":[True],\n"a":1,}')
        == canonical('"{\\"b\\":[true],\\"a\\":1}"')
    )
    assert len({canonical(text) for text in ('{"a": 1}', '{"a": true}', '{"a": "1"}', '{"a": 1.0}', "{a: 1}")}) == 5


@given(value=inputs)
def test_every_object_survives_every_harm(value):
    """An object that was quoted, fenced, repeated or given a comma too many is the same object again."""
    plain, pretty = json.dumps(value), json.dumps(value, indent=2, ensure_ascii=False)
    harmed = [json.dumps(plain), json.dumps(json.dumps(pretty)), f"```json\n{pretty}\n```", plain + pretty, pretty * 3]
    if value:
        harmed += [plain[:-1] + ",}", f"```\n{pretty[:-1]},\n}}\n```", json.dumps(plain[:-1] + ", }")]
    for text in harmed:
        assert json.loads(to_input(text)) == value


@given(value=inputs)
def test_pythons_spelling_is_read_outside_of_strings(value):
    """True, False and None become what they mean, and the same words in strings stay."""
    value = {"True, None": "False,}", **value}
    text = json.dumps(value).replace("true", "True").replace("false", "False").replace("null", "None")
    expected = text.replace("True", "true").replace("False", "false").replace("None", "null")
    said = json.loads(to_input(text))
    assert json.dumps(said).replace("True", "true").replace("False", "false").replace("None", "null") == json.dumps(
        json.loads(expected)
    )
    assert said["True, None"] == "False,}"


@given(text=st.text('{}[]",:\\ \n`aTrue1', max_size=30) | values.map(json.dumps))
def test_what_is_mended_is_an_object(text):
    """Whatever the text, what comes out is an object, or the text; and mending that once more changes nothing."""
    mended = to_input(text)
    assert mended == text or isinstance(json.loads(mended), dict)
    assert to_input(mended) == mended


def _call(*pieces: str, **first) -> bytes:
    head, *rest = pieces
    opening = calls(fragment(0, **_OPEN, **first, arguments=head))
    return sse(opening, *(calls(fragment(0, arguments=piece)) for piece in rest), end("tool_calls"))


@pytest.mark.parametrize(
    "arguments", ['{"a": True,}', '{"a": true}{"a": true}', '```json\n{"a": True}\n```', '"{\\"a\\": true}"']
)
def test_arguments_in_one_piece_are_mended(arguments):
    """A call that comes whole, at once or behind its name, is mended before anything of it is passed on."""
    assert inputs_of(_call(arguments)) == [("Read", {"a": True})]
    assert inputs_of(_call("", arguments)) == [("Read", {"a": True})]


@pytest.mark.parametrize("arguments", ['```json\n{"a": True}\n```', '"{\\"a\\": true}"', ' \n"{\\"a\\":\\n True,}"'])
def test_what_does_not_begin_like_an_object_is_mended_in_any_pieces(arguments):
    """Nothing of it is passed on until it is whole."""
    data = _call(*arguments)
    assert inputs_of(data) == [("Read", {"a": True})]
    assert sum(hasattr(event, "partial_json") for event in read([data])) == 1


def test_what_was_passed_on_is_not_taken_back():
    """The pieces of an object leave as they come, and the client sees what is wrong in them."""
    data = _call('{"a": ', "True,", "}")
    assert [event.partial_json for event in told(data) if hasattr(event, "partial_json")] == ['{"a": ', "True,", "}"]
    text = '{"a": True,}'
    assert inputs_of(data) == [("Read", {"__unparsedToolInput": {"raw": text, "len": len(text)}})]


def test_a_later_piece_is_not_taken_for_an_object():
    """What looks like an object in the middle of the arguments may stand in a string, and stays."""
    assert inputs_of(_call('{"a": "', "{}", "{'b': None,}", '{True,}", "b": "', "```{}```", '"}')) == [
        ("Read", {"a": "{}{'b': None,}{True,}", "b": "```{}```"})
    ]
    assert inputs_of(_call('{"a": "x', "{}{}", '"}')) == [("Read", {"a": "x{}{}"})]


def test_a_first_piece_that_ends_like_an_object_is_not_mistaken_for_one():
    """Only what is whole is mended; the beginning of an object that is passed on stays the host's own text."""
    data = _call('{"a": {"b": None}', "}")
    assert [event.partial_json for event in told(data) if hasattr(event, "partial_json")] == ['{"a": {"b": None}', "}"]


def test_valid_arguments_keep_their_spelling():
    """What needs no mending is the host's own text, to the last space."""
    text = ' {"a" : 1.50e0, "é": "\\u00e9"} \n'
    assert [event.partial_json for event in told(_call(text)) if hasattr(event, "partial_json")] == [text]


@pytest.mark.parametrize("identity", [{}, {"id": "call_1"}, _OPEN])
def test_all_arguments_once_more_are_no_arguments(identity):
    """A host that repeats what it has streamed, with the call's name and id or without them, has said nothing new."""
    text = '{"a": 1}'
    opening = [calls(fragment(0, **_OPEN, arguments="")), *(calls(fragment(0, arguments=letter)) for letter in text)]
    assert inputs_of(sse(*opening, calls(fragment(0, **identity, arguments=text)), end())) == [("Read", {"a": 1})]
