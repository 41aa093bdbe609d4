"""A conversation as rounds: the assistant's turn, its calls, their results, and what else was answered."""

from __future__ import annotations

import pytest

from kimi_cli.wire.foreign import a_number, a_string, an_int, an_object, objects, strings
from kimi_cli.wire.rounds import rounds_of
from tests.wire.asking import result, said, system, text, use, user

_ORPHANED = text("[result of an earlier tool call]")


def test_rounds_begin_with_what_the_assistant_said():
    """Before the first assistant turn there is a round without one; turns of a role are joined."""
    first, second, third = rounds_of(
        [user("a"), user("b"), said("c"), said("d"), user("e"), system("f"), user("g"), said("h")]
    )
    assert (first.said, first.answers) == ([], [("user", [text("a"), text("b")])])
    assert second.said == [text("c"), text("d")]
    assert second.answers == [("user", [text("e")]), ("system", [text("f")]), ("user", [text("g")])]
    assert (third.said, third.answers) == ([text("h")], [])


@pytest.mark.parametrize("messages", [None, "Hi", [], [None, 3], {}])
def test_no_messages_no_rounds(messages):
    """What is no list of messages has no rounds."""
    assert rounds_of(messages) == []


def test_calls_have_each_id_once():
    """Of calls that share an id one counts."""
    first, second = use("x", "Read"), use("y")
    (turn,) = rounds_of([said(first, text("a"), second, use("x", "Edit"))])
    assert turn.calls == {"x": first, "y": second}
    assert turn.said == [first, text("a"), second]


def test_results_are_found_in_any_user_turn_of_the_round():
    """A result may come late in its round, but only the first one for its call counts."""
    one, two = result("x", "1"), result("x", "2")
    (turn,) = rounds_of([said(use("x")), user("a"), system(result("x", "0")), user(one, two)])
    assert turn.results == {"x": one}
    assert turn.results["x"] is one
    assert turn.answers[2][1] == [
        {"type": "document", "source": {"type": "content", "content": [_ORPHANED, text("2")]}}
    ]


def test_the_remainder_is_all_but_the_results():
    """Nothing of a round is lost, and nothing of it said twice."""
    (turn,) = rounds_of([said(use("x")), user(result("x"), "a"), system("b"), user(result("z", "c"))])
    orphan = {"type": "document", "source": {"type": "content", "content": [_ORPHANED, text("c")]}}
    assert turn.answers == [("user", [text("a")]), ("system", [text("b")]), ("user", [orphan])]


@pytest.mark.parametrize(
    ("read", "taken", "refused"),
    [
        (an_object, [{"a": 1}, {}], [None, [], "a", 1]),
        (a_string, ["a", ""], [None, [], 1, True]),
        (an_int, [1, 0, -1, 10**30], ["1", True, 1.5, None, float("inf"), float("nan")]),
        (a_number, [1, 1.5, 0], ["1", True, None, []]),
    ],
)
def test_what_has_the_wrong_type_counts_as_absent(read, taken, refused):
    """Foreign JSON is read by type, and never trusted for one."""
    nothing = {an_object: {}, a_string: ""}.get(read)
    assert [read(value) for value in taken] == taken
    assert all(read(value) == nothing for value in refused)


def test_lists_are_read_item_by_item():
    """Items of the wrong type are passed over; what is no list has no items. A whole float is an integer."""
    assert objects([{"a": 1}, None, "b"]) == [{"a": 1}]
    assert strings(["a", None, {}]) == ["a"]
    assert objects({"a": 1}) == strings("a") == []
    assert an_int(2.0) == 2
