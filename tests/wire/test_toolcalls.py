"""Calls that were written as tokens are found wherever a text is cut, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from kimi_cli.wire.toolcalls import CallScanner, RawCall
from tests.wire.rawcalls import ARGUMENTS, BEGIN, CALL, CALL_END, END, TOKENS, raw, section

_ONE = ("functions.Read:0", '{"a": 1}')
_READ = RawCall("Read", '{"a": 1}')
_BASH = RawCall("Bash", '{"b": "}"}')
_FENCED = '```json\n{"a": 1}\n```'


def _scan(parts) -> tuple[list, str | None]:
    """What comes out, pieces of text joined, and what is cut off."""
    scanner = CallScanner()
    found: list = []
    for part in [*(scanner.feed(part) for part in parts), scanner.finish()]:
        for piece in part:
            assert piece, "an empty piece"
            if found and isinstance(found[-1], str) and isinstance(piece, str):
                found[-1] += piece
            else:
                found.append(piece)
    return found, scanner.cut


def _scan_every_cut(text: str) -> tuple[list, str | None]:
    """The same, however the text is cut."""
    whole = _scan([text])
    assert _scan(text) == whole
    for at in range(1, len(text)):
        assert _scan([text[:at], text[at:]]) == whole
    return whole


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (section(_ONE), [_READ]),
        ("Now I read. " + section(_ONE), ["Now I read. ", _READ]),
        (section(_ONE) + "Done.", [_READ, "Done."]),
        (f"a\n\n{section(_ONE)}\n\nb", ["a\n\n", _READ, "b"]),
        (section(_ONE, ("functions.Bash:1", _BASH.arguments)), [_READ, _BASH]),
        (section(_ONE) + section(("functions.Bash:1", _BASH.arguments)), [_READ, _BASH]),
        (section(_ONE) + " and " + section(_ONE), [_READ, "and ", _READ]),
        (f"{BEGIN}\n{CALL} functions.Read:0 {ARGUMENTS} {_READ.arguments} {CALL_END}\n{END}\n", [_READ]),
        (section(_ONE).replace("calls_section", "call_section"), [_READ]),
        (section(_ONE).replace("calls_section_end", "call_section_end"), [_READ]),
        (raw(*_ONE), [_READ]),
        (raw(*_ONE) + raw("functions.Bash:1", _BASH.arguments) + " b", [_READ, _BASH, "b"]),
        (section(_ONE).removesuffix(END) + " Done.", [_READ, "Done."]),
        (section(_ONE, _ONE).replace(CALL_END, ""), [_READ, _READ]),
        (section(_ONE, _ONE).replace(CALL_END, "").replace(BEGIN, ""), [_READ, _READ]),
        (section(_ONE) + END + CALL_END + "b", [_READ, "b"]),
        (section(_ONE) + "<", [_READ, "<"]),
        (section(_ONE).removesuffix(">"), [_READ]),
        (raw("functions.a", "{}") + BEGIN + raw("b", "{}"), [RawCall("a", "{}"), RawCall("b", "{}")]),
    ],
    ids=[
        "alone",
        "text before",
        "text after",
        "white space around",
        "two calls",
        "two sections",
        "text between sections",
        "white space between the tokens",
        "the section in the singular",
        "the section's end in the singular",
        "no section",
        "no section, two calls",
        "no end of the section",
        "no ends of the calls",
        "no ends of the calls, no beginning of the section",
        "ends too many",
        "text that begins like a token after the section",
        "half an end of the section",
        "a section begins late",
    ],
)
def test_calls_are_found(text, found):
    """A section becomes its calls in order, with the text around it, also where tokens of it are missing."""
    assert _scan_every_cut(text) == (found, None)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("functions.Read:0", "Read"),
        ("functions.Read:117", "Read"),
        ("functions.Read", "Read"),
        ("Read:0", "Read"),
        ("Read", "Read"),
        (" functions.Read:0\n", "Read"),
        ("functions.mcp__a-b__c_1:2", "mcp__a-b__c_1"),
        ("functions.a.b.c:3", "a.b.c"),
        ("a.b:3", "a.b"),
        ("functions.functions.x:0", "functions.x"),
        ("functions.mcp:read:0", "mcp:read"),
        ("functions.7:7", "7"),
        ("functions.読む:0", "読む"),
    ],
)
def test_names(head, name):
    """The name is what the id holds between its prefix and its number, whether these are there or not."""
    assert _scan_every_cut(section((head, "{}"))) == ([RawCall(name, "{}")], None)


@pytest.mark.parametrize(
    "arguments",
    [
        "{}",
        "",
        '{"a": {"b": [{}, "}"]}}',
        '{"a": "é🌒\\"\\\\"}',
        '{"a":\n 1\n}',
        f'{{"a": "{section(_ONE)}"}}',
        f'{{"a": "{CALL_END}{END}", "b": "{BEGIN}"}}',
        '{"a": "<|tool_call_"}',
        '{"a": 1}{"a": 1}',
        '{"a": 1}}',
        '{"a": 1',
        '{"a": "b',
        '{"a": {"b": 1}',
        '"{\\"a\\": 1}"',
        "[1, 2]",
        "hello",
        _FENCED,
        f"{_FENCED}\n{_FENCED}",
    ],
)
def test_arguments_are_taken_as_they_are(arguments):
    """Arguments end with their object, tokens inside its strings included, or with the call; they are not judged."""
    text = "a " + section(("functions.Read:0", arguments), ("functions.Bash:1", "{}")) + "b"
    assert _scan_every_cut(text) == (["a ", RawCall("Read", arguments), RawCall("Bash", "{}"), "b"], None)


@pytest.mark.parametrize("arguments", ['{"a": 1}', "{}", _FENCED])
@pytest.mark.parametrize("space", ["", "\n"])
def test_the_token_before_the_arguments_may_be_missing(arguments, space):
    """An object or a code block behind the name is what the call is made with."""
    text = f"{BEGIN}{CALL}functions.Read:0{space}{arguments}{CALL_END}{END}"
    assert _scan_every_cut(text) == ([RawCall("Read", arguments)], None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a < b <| c |> <|im_end|> <|tool_calls|> <tool_call> <|tool_call_begin|",
        "<",
        "a <|tool_call",
        "<<<|<|tool",
        "<|tool_calls_section_begin>",
        f"The token {BEGIN} opens a section, and {CALL} a call.",
        f"{BEGIN} of what follows",
        f"{BEGIN}\n\n{BEGIN} twice",
        f"{ARGUMENTS} alone, and {BEGIN}{ARGUMENTS}" + "{}",
        f"{CALL}{ARGUMENTS}",
        f"{BEGIN}{CALL} two words{ARGUMENTS}" + "{}",
        f"{CALL}{'x' * 2_000}",
        f"{CALL}{' ' * 2_000}x",
        f"{CALL}a{' ' * 600}{ARGUMENTS}" + "{}",
    ],
)
def test_what_forms_no_call_is_text(text):
    """Text without the tokens, and tokens that do not form a call, pass unchanged."""
    assert _scan_every_cut(text) == ([text] if text else [], None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"`{section(_ONE)}`", None),
        (f"a `b` and `{section(_ONE)}` c", None),
        (f"The form:\n```\n{section(_ONE)}\n```\nand so on.", None),
        (f"The form:\n\n  ~~~text\n  {section(_ONE)}\n  ```\n  {section(_ONE)}\n  ~~~\n", None),
        (f"````md\n```\n{section(_ONE)}\n```\n{section(_ONE)}\n````", None),
        (f"> ```\n> {section(_ONE)}", None),
        (f"`a` {section(_ONE)}", ["`a` ", _READ]),
        (f"a ` b\n{section(_ONE)}", ["a ` b\n", _READ]),
        (f"```\nx\n```\n{section(_ONE)}", ["```\nx\n```\n", _READ]),
        (f"```a```\n{section(_ONE)}", ["```a```\n", _READ]),
        (f"`{BEGIN}` begins. {section(_ONE)}", [f"`{BEGIN}` begins. ", _READ]),
    ],
)
def test_what_is_quoted_is_text(text, found):
    """Tokens in code are an example and nobody's call; after the code they count again."""
    assert _scan_every_cut(text) == ([text] if found is None else found, None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{BEGIN}{END}", []),
        (f"a {BEGIN}\n{END} b", ["a  b"]),
        (f"a{CALL_END}\n b{END}", ["a\n b"]),
        (f"a{END}\n", ["a\n"]),
    ],
)
def test_tokens_that_say_nothing_are_left_out(text, found):
    """An end without a beginning and a section without a call leave no trace in the text around them."""
    assert _scan_every_cut(text) == (found, None)


@pytest.mark.parametrize("last", ["", *(CALL_END[:at] for at in range(1, len(CALL_END))), CALL_END, f"{CALL_END}\n"])
@pytest.mark.parametrize("arguments", ['{"a": "b"}', '"{}"', _FENCED, '{"a": 1,}', "null"])
def test_a_whole_call_whose_end_is_missing_is_made(last, arguments):
    """Arguments that are a whole object when the answer ends make a call, though the tokens behind it are missing."""
    text = section(("functions.Read:0", arguments)).removesuffix(CALL_END + END) + last
    assert _scan_every_cut(text) == ([RawCall("Read", arguments)], None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (BEGIN, ""),
        (f"{BEGIN} \n", ""),
        (f"{BEGIN}{CALL[:9]}", ""),
        (f"{BEGIN}{CALL}", ""),
        (f"{BEGIN}{CALL}functions.Re", "functions.Re"),
        (f"{CALL}functions.Read:0{ARGUMENTS[:5]}", "functions.Read:0"),
        (f"{CALL}functions.Read:0{ARGUMENTS}", "Read"),
        (f"{CALL}functions.Read:0{ARGUMENTS} \n", "Read"),
        (f"{CALL}functions.Read:0{ARGUMENTS}" + '{"a": ', "Read"),
        (f"{CALL}functions.Read:0{ARGUMENTS}" + '{"a": "', "Read"),
        (f"{CALL}functions.Read:0{ARGUMENTS}" + '{"a": 1} and', "Read"),
        (f"{CALL}functions.Read:0{ARGUMENTS}" + '```json\n{"a": 1}', "Read"),
        (f"{CALL}functions.Read:0{ARGUMENTS}[1]", "Read"),
    ],
)
def test_a_call_that_is_cut_off_is_named(text, name):
    """Half a call is neither a call nor text, and what it was of is known; what came before it has come out."""
    assert _scan_every_cut(f"a {text}") == (["a "], name)
    found, cut = _scan_every_cut(section(_ONE).removesuffix(END) + text)
    assert (found, cut) == ([_READ], name)


@pytest.mark.parametrize("arguments", ['{"a": "b', '{"a": ['])
def test_broken_arguments_end_at_the_first_token(arguments):
    """Brackets that are never closed hold everything until the end, and then only their own call goes without."""
    broken = ("functions.Read:0", arguments)
    text = section(broken) + "a" + section(broken) + raw(*_ONE) + "b" + raw(*broken).removesuffix(CALL_END)
    bad = RawCall("Read", arguments)
    assert _scan_every_cut(text) == ([bad, "a", bad, _READ, "b"], "Read")


def test_only_what_could_begin_a_token_is_held():
    """Text leaves at once, but for an end that may turn out to be part of a token."""
    scanner = CallScanner()
    assert scanner.feed("a <") == ("a ",)
    assert scanner.feed("b <|tool_") == ["<b "]
    assert scanner.feed("x <|tool_call_") == ["<|tool_x "]
    assert scanner.feed("x<") == ["<|tool_call_x"]
    assert scanner.finish() == ["<"]


def test_a_call_leaves_with_the_token_that_ends_it():
    """A call is held until its end and no longer, though its section goes on."""
    scanner = CallScanner()
    assert scanner.feed(section(_ONE).removesuffix(CALL_END + END)) == []
    assert scanner.feed(CALL_END) == [_READ]
    assert scanner.feed(CALL) == []


def test_what_is_held_comes_out_when_the_answer_goes_on_elsewhere():
    """Part of a token turns out to be text; a section without a call is over; a call that has begun can go on."""
    scanner = CallScanner()
    assert scanner.release() == []
    scanner.feed("a <|tool_")
    assert scanner.release() == ["<|tool_"]
    assert scanner.feed(f"call_end|> {BEGIN}") == ["call_end|> "]
    assert scanner.release() == []
    assert scanner.feed(" then " + raw(*_ONE)[:-20]) == [" then "]
    assert scanner.release() == []
    assert [*scanner.feed(raw(*_ONE)[-20:]), *scanner.finish()] == [_READ]
    assert scanner.cut is None


@pytest.mark.parametrize("token", TOKENS)
def test_every_token_is_known_in_all_its_parts(token):
    """Of a text that ends in part of a token, only that part is held."""
    for at in range(1, len(token)):
        scanner = CallScanner()
        assert list(scanner.feed("a" + token[:at])) == ["a"]
        assert list(scanner.feed("~")) == [token[:at] + "~"]
