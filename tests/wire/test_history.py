"""A conversation becomes chat messages in the order that hosts demand, whatever happened in it."""

from __future__ import annotations

import pytest

from kimi_cli.providers.dialect import (
    DEEPINFRA,
    FIREWORKS,
    GENERIC,
    GROQ,
    MOONSHOT,
    NOVITA,
    OPENROUTER,
    TOGETHER,
    VLLM,
)
from kimi_cli.record import replace
from kimi_cli.wire.content import IMAGE_BELOW
from kimi_cli.wire.rounds import INTERRUPTED
from kimi_cli.wire.signature import Carried, to_signature
from tests.wire.asking import MODEL, PNG, SEES, messages_of, result, said, system, text, thought, use, user

_URL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}


def _call(call_id: str, name: str = "Read", arguments: str = "{}") -> dict:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _roles(messages: list[dict]) -> str:
    """The roles in short: `s`, `u`, `a` and `t`."""
    return "".join(message["role"][0] for message in messages)


def test_a_plain_conversation():
    """Turns of text stay turns of text."""
    assert messages_of(user("Hi"), said("Hello."), user(text("And?"))) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "And?"},
    ]


@pytest.mark.parametrize(
    ("messages", "roles"),
    [
        ([user("a"), user("b")], "u"),
        ([user("a"), said("b"), said("c"), user("d")], "uau"),
        ([said("a"), user("b")], "au"),
        ([user("a"), said("b")], "ua"),
        ([user("a"), said(), user("b")], "uu"),
        ([user("a"), said(""), user("b")], "uu"),
        ([user("a"), said(thought("hm")), user("b")], "uu"),
        ([user(""), user("b")], "u"),
        ([user("a"), {"role": "developer", "content": "b"}], "u"),
        ([user("a"), {"content": "b"}], "u"),
    ],
)
def test_turns_of_the_same_role_are_joined(messages, roles):
    """Neighbours become one turn, empty turns none."""
    assert _roles(messages_of(*messages)) == roles


def test_joined_turns_keep_all_of_their_text():
    """What was said in two turns is in the one."""
    messages = messages_of(user("a", "b"), user("c"), said("d", "e"), said("f"))
    assert [message["content"] for message in messages] == ["a\n\nb\n\nc", "d\n\ne\n\nf"]


def test_calls_and_results():
    """Each result follows its call at once, in the order of the calls, with the ids of Kimi's own form."""
    messages = messages_of(
        user("Go."),
        said("I look.", use("toolu_1", "Read", path="a"), use("toolu_2", "Bash", command="ls")),
        user(result("toolu_2", "two"), "Also this.", result("toolu_1", [text("one")])),
    )
    assert messages[1:] == [
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                _call("functions.Read:0", "Read", '{"path":"a"}'),
                _call("functions.Bash:1", "Bash", '{"command":"ls"}'),
            ],
        },
        {"role": "tool", "tool_call_id": "functions.Read:0", "content": "one"},
        {"role": "tool", "tool_call_id": "functions.Bash:1", "content": "two"},
        {"role": "user", "content": "Also this."},
    ]


def test_calls_count_through_the_conversation():
    """Kimi's ids count on over all turns, whatever ids the client has."""
    turns = [turn for at in range(3) for turn in (said(use(f"x{at}")), user(result(f"x{at}")))]
    ids = [message["tool_call_id"] for message in messages_of(user("Go."), *turns) if message["role"] == "tool"]
    assert ids == ["functions.Read:0", "functions.Read:1", "functions.Read:2"]


@pytest.mark.parametrize(("dialect", "call_id"), [(GENERIC, "toolu_1"), (MOONSHOT, "functions.Read:0")])
def test_ids_by_dialect(dialect, call_id):
    """Hosts of other models get the client's own ids."""
    messages = messages_of(user("Go."), said(use("toolu_1")), user(result("toolu_1")), dialect=dialect)
    assert messages[1]["tool_calls"] == [_call(call_id)]
    assert messages[2]["tool_call_id"] == call_id


def test_a_call_without_text_has_no_content():
    """Null says that there is no text; an empty string is refused."""
    assert messages_of(user("Go."), said(use()), user(result()))[1]["content"] is None


@pytest.mark.parametrize(
    "messages",
    [
        [user("a"), said(use("x"), use("y")), user(result("y", "yes"))],
        [user("a"), said(use("x"), use("y")), user("Stop.")],
        [user("a"), said(use("x"), use("y"))],
        [user("a"), said(use("x")), said(use("y")), user(result("y"))],
        [user("a"), said(use("x")), said("b"), user(result("x"))],
        [user("a"), said(use("x")), user("b"), said("c"), user(result("x"))],
        [user(result("x")), said("b"), user("c")],
        [user("a"), said(use("x")), user(result("x", "1"), result("x", "2"), result("z"))],
        [user("a"), said(use("x"), use("x")), user(result("x"))],
        [user("a"), said(use("x")), system("b"), user(result("x"))],
        [user("a"), said(use("x")), user(result("x")), system("b"), user("c")],
        [user("a"), said(use("x")), user("b"), user(result("x"))],
        [user("a"), said(result("x")), user(use("x"))],
        [user("a"), said({"type": "tool_use"}, {"type": "tool_use", "id": 3}), user({"type": "tool_result"})],
    ],
)
@pytest.mark.parametrize("dialect", [GROQ, MOONSHOT, OPENROUTER, VLLM], ids=lambda dialect: dialect.name)
def test_results_that_do_not_match_are_repaired(messages, dialect):
    """Missing, orphaned, late and doubled results, as interrupted turns leave them, never reach a host that way."""
    messages_of(*messages, dialect=dialect)


def test_a_missing_result_is_said_to_be_missing():
    """The model learns that its call was not carried out."""
    messages = messages_of(user("a"), said(use("x"), use("y")), user(result("y", "yes"), "Stop."))
    assert [message["content"] for message in messages[2:]] == [INTERRUPTED, "yes", "Stop."]


def test_an_orphaned_result_is_told_as_text():
    """A result without its call keeps its content."""
    messages = messages_of(user("a"), said("b"), user(result("x", "Found."), "Go on."))
    assert messages[-1]["content"] == "[result of an earlier tool call]\n\nFound.\n\nGo on."


def test_the_first_of_two_results_counts():
    """The second result for a call is an orphan."""
    messages = messages_of(user("a"), said(use("x")), user(result("x", "1"), result("x", "2")))
    assert messages[2]["content"] == "1"
    assert messages[3]["content"].endswith("2")


@pytest.mark.parametrize(
    ("content", "fields", "expected"),
    [
        ("done", {}, "done"),
        ("", {}, "(no output)"),
        (None, {}, "(no output)"),
        ([], {}, "(no output)"),
        ([text("")], {}, "(no output)"),
        ([text("a"), text("b")], {}, "a\nb"),
        ("no such file", {"is_error": True}, "Error: no such file"),
        ("", {"is_error": True}, "Error: (no output)"),
        ("fine", {"is_error": False}, "fine"),
        ("fine", {"is_error": "yes"}, "fine"),
        (
            [{"type": "tool_reference", "tool_name": "Edit"}],
            {},
            "The tool Edit is now available and can be called by that name.",
        ),
        ([PNG], {}, "[image left out: this model reads text only]"),
        ([text("page"), {"type": "document", "source": {"type": "text", "data": "words"}}], {}, "page\nwords"),
        ([{"type": "new"}], {}, "[new block left out]"),
        (17, {}, "(no output)"),
    ],
)
def test_results(content, fields, expected):
    """A result is one text, which says of a failure that it is one."""
    assert messages_of(user("a"), said(use()), user(result("toolu_1", content, **fields)))[2]["content"] == expected


def test_an_image_in_a_result_is_lifted_out():
    """A host takes images in user turns only, so one that a tool brought follows its results."""
    messages = messages_of(
        user("a"),
        said(use("x"), use("y")),
        user(result("x", [text("a.png:"), PNG]), result("y", [PNG]), "What is it?"),
        model=SEES,
    )
    assert [message["content"] for message in messages[2:4]] == [f"a.png:\n{IMAGE_BELOW}", IMAGE_BELOW]
    assert messages[4] == {"role": "user", "content": [_URL, _URL, {"type": "text", "text": "What is it?"}]}


def test_images_of_a_result_stand_before_a_system_turn():
    """What belongs to a result is not torn from it by a system turn."""
    messages = messages_of(user("a"), said(use()), user(result("toolu_1", [PNG])), system("b"), user("c"), model=SEES)
    assert _roles(messages) == "uatusu"
    assert messages[3]["content"] == [_URL]


@pytest.mark.parametrize(
    ("dialect", "roles"), [(GROQ, "usau"), (MOONSHOT, "usau"), (OPENROUTER, "usau"), (VLLM, "uau"), (GENERIC, "uau")]
)
def test_system_turns(dialect, roles):
    """System stays system where the host takes it, else it is a marked part of the user's turn."""
    messages = messages_of(user("a"), system("Mind the gap."), said("b"), user("c"), dialect=dialect)
    assert _roles(messages) == roles
    if "s" in roles:
        assert messages[1] == {"role": "system", "content": "Mind the gap."}
    else:
        assert messages[0]["content"] == "a\n\n<system-reminder>\nMind the gap.\n</system-reminder>"


def test_system_turns_stay_in_their_places():
    """A system turn between two user turns parts them; one without text is none."""
    messages = messages_of(user("a"), system("b"), user("c"), system(), system("d"), system("e"), user("f"))
    assert [(message["role"][0], message["content"]) for message in messages] == [
        ("u", "a"),
        ("s", "b"),
        ("u", "c"),
        ("s", "d\n\ne"),
        ("u", "f"),
    ]


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        (GROQ, set()),
        (MOONSHOT, {"reasoning_content"}),
        (OPENROUTER, {"reasoning"}),
        (VLLM, {"reasoning", "reasoning_content"}),
        (FIREWORKS, {"reasoning_content"}),
        (TOGETHER, {"reasoning_content"}),
        (NOVITA, {"reasoning_content"}),
        (DEEPINFRA, {"reasoning_content"}),
        (GENERIC, set()),
    ],
)
def test_reasoning_goes_back_where_the_host_takes_it(dialect, fields):
    """Genuine reasoning returns word for word in the host's own fields, and nowhere where the host refuses it.

    It does so as the text of a block, as what a signature of ours holds in its place, and not at all where a block was
    made by somebody else and shows nothing.
    """
    hidden = {"type": "thinking", "thinking": "", "signature": to_signature(Carried(text="see."))}
    foreign = {"type": "thinking", "thinking": "", "signature": "EqQBCkYIBxgCKkA"}
    messages = messages_of(
        user("a"),
        said(thought("Let me "), hidden, foreign, {"type": "redacted_thinking", "data": "x"}, use()),
        user(result()),
        dialect=dialect,
    )
    assert {key: value for key, value in messages[1].items() if key not in {"role", "content", "tool_calls"}} == (
        dict.fromkeys(fields, "Let me see.")
    )


def test_structured_reasoning_goes_back_as_it_came():
    """Details go back unchanged to the model that they came from, with the rest of the turn's reasoning around them.

    To another model, and to another host, goes their text.
    """
    details = [
        {"type": "reasoning.text", "text": "Hm.", "signature": "s"},
        {"type": "reasoning.encrypted", "data": "x"},
    ]
    carried = to_signature(Carried(details=tuple(details), model=MODEL.id))
    shown = {"type": "thinking", "thinking": "Hm.", "signature": carried}
    turns = user("a"), said(shown, thought("So."), use()), user(result())
    message = messages_of(*turns, dialect=OPENROUTER)[1]
    assert message["reasoning_details"] == [*details, {"type": "reasoning.text", "text": "So."}]
    assert "reasoning" not in message
    for dialect, model in [(OPENROUTER, replace(MODEL, id="another")), (MOONSHOT, MODEL)]:
        message = messages_of(*turns, dialect=dialect, model=model)[1]
        assert message[dialect.reasoning_fields[0]] == "Hm.So."
        assert "reasoning_details" not in message


def test_arguments_are_an_object():
    """Input goes back as compact JSON; what is no object goes back as an empty one."""
    blocks = [use("a", path="é月"), {"type": "tool_use", "id": "b", "name": "Read"}]
    blocks += [{"type": "tool_use", "id": "c", "name": "Read", "input": odd} for odd in [None]]
    messages = messages_of(user("a"), said(*blocks), user(result("a"), result("b"), result("c")))
    arguments = [call["function"]["arguments"] for call in messages[1]["tool_calls"]]
    assert arguments == ['{"path":"é月"}', "{}", "{}"]


def test_input_that_could_not_be_parsed_is_replayed():
    """Claude Code's form for broken arguments is an object like any other."""
    block = use("a", __unparsedToolInput={"raw": '{"path": ', "len": 9})
    messages = messages_of(user("a"), said(block), user(result("a", "InputValidationError", is_error=True)))
    assert (
        messages[1]["tool_calls"][0]["function"]["arguments"]
        == '{"__unparsedToolInput":{"raw":"{\\"path\\": ","len":9}}'
    )
    assert messages[2]["content"] == "Error: InputValidationError"


def test_names_in_the_history_are_those_of_the_tools():
    """A name that had to be changed for the host is changed in the same way in the history."""
    messages = messages_of(user("a"), said(use("x", "mcp.server/tool")), user(result("x")))
    name = messages[1]["tool_calls"][0]["function"]["name"]
    assert name.startswith("mcp_server_tool_")
    assert messages[2]["tool_call_id"] == f"functions.{name}:0"
