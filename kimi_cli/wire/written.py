"""The ways in which models write calls where nobody taught them, or where they forget what they were taught.

Tagged, at the beginning of a line:
    <function=NAME>{...}</function>        with `=`, a space or nothing in place of the `>`, or with one behind it too
    <function=NAME><parameter=KEY>VALUE</parameter></function>
    <tool_call>{"name": NAME, "arguments": {...}}</tool_call>    or with a function as above inside
    <|python_tag|>{"name": NAME, "parameters": {...}}; ...

Bare:
    {"name": NAME, "arguments": {...}}     with `parameters`, `args` or `input`, the arguments as a string, in a list,
                                           in OpenAI's `function`, or all of it under `tool_calls`
    functions.NAME:0{...}                  with or without what stands around the name, and with a stray `</function>`

An end that is missing is not missed where the arguments are whole.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.arguments import NO_INPUT, mend
from kimi_cli.wire.codec import NotJsonError, dumps_text
from kimi_cli.wire.extent import Extent
from kimi_cli.wire.foreign import a_string, an_object, strings
from kimi_cli.wire.rawcall import RawCall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kimi_cli.wire.foreign import JsonObject

MARK: Final = re.compile(r"<function=|<tool_call>|<\|python_tag\|>")
"""What a tagged call begins with."""
_NAME: Final = r"(?P<name>[^\s<>={}()\[\]\"'`]{1,256})"
_FUNCTION: Final = re.compile(rf"<function={_NAME}\s*=?\s*(?P<ends>>?)\s*")
_FUNCTION_END: Final = re.compile(r"\s*>?\s*(?:</function>\s*)?")
_PARAMETER: Final = re.compile(r"<parameter=(?P<key>[^<>\n]{1,256})>")
_PARAMETER_END: Final = re.compile(r"</parameter>\s*(?=<parameter=|</function>|</tool_call>|\Z)")
_TOOL_CALL: Final = re.compile(r"<tool_call>\s*")
_TOOL_CALL_END: Final = re.compile(r"\s*(?:</tool_call>\s*)?")
_PYTHON_TAG: Final = re.compile(r"<\|python_tag\|>\s*")
_SEPARATOR: Final = re.compile(r"\s*;?\s*")
_HEAD: Final = re.compile(rf"\s*{_NAME}\s*(?=\{{)")
_INDEX: Final = re.compile(r":\d{1,9}\Z")

_NAMES: Final = frozenset({"name", "function", "tool"})
_ARGUMENTS: Final = frozenset({"arguments", "parameters", "args", "input"})
_BESIDE: Final = frozenset({"type", "id", "index"})
"""Keys that say nothing which matters."""


class UnreadableError(Exception):
    """What is there is no call, or not certainly one."""


class Written:
    """Reads a text from `at` on; `offered` are the tools that may be called.

    Its methods raise `UnreadableError` where there is no call, or not certainly one.
    """

    def __init__(self, text: str, offered: Mapping[str, JsonObject], *, at: int = 0) -> None:
        self._text, self._offered, self._at = text, offered, at

    def tagged(self) -> list[RawCall]:
        """The calls behind tags, up to the end of the text."""
        calls: list[RawCall] = []
        while self._at < len(self._text):
            if self._take(_TOOL_CALL):
                calls.append(self._function() if self._text.startswith("<function=", self._at) else self._object_call())
                self._take(_TOOL_CALL_END)
            elif self._take(_PYTHON_TAG):
                calls.append(self._object_call())
                while self._take(_SEPARATOR) and self._text.startswith("{", self._at):
                    calls.append(self._object_call())
            else:
                calls.append(self._function())
        return calls

    def bare(self) -> list[RawCall]:
        """The calls that the text is."""
        first = self._text.lstrip()[:1]
        if first == "{":
            return self._calls_of(_mended(self._text))
        if first == "[":
            return self._calls_of(_loads(self._text))
        calls: list[RawCall] = []
        while self._at < len(self._text):
            head = self._must(_HEAD)
            calls.append(self.call(RawCall(head["name"], self._object())))
            self._take(_FUNCTION_END)
        return calls

    def call(self, call: RawCall) -> RawCall:
        """The call, if its tool was offered and its arguments are an object."""
        name = call.name.strip().removeprefix("functions.")
        name = name if name in self._offered else _INDEX.sub("", name.partition("<|")[0])
        arguments = mend(call.arguments)
        if name not in self._offered or arguments is None:
            raise UnreadableError
        _loads(arguments)
        return RawCall(name, arguments)

    def _function(self) -> RawCall:
        head = self._must(_FUNCTION)
        if self._text.startswith("{", self._at):
            arguments = self._object()
        elif not head["ends"]:
            raise UnreadableError
        elif self._text.startswith("<parameter=", self._at):
            arguments = self._parameters(head["name"])
        elif self._text.startswith("</function>", self._at):
            arguments = NO_INPUT
        else:
            raise UnreadableError
        self._take(_FUNCTION_END)
        return self.call(RawCall(head["name"], arguments))

    def _parameters(self, name: str) -> str:
        """Arguments one by one. What a value is, its schema says: the tags do not."""
        properties = an_object(self._offered.get(name, {}).get("properties"))
        arguments: JsonObject = {}
        while parameter := self._take(_PARAMETER):
            end = _PARAMETER_END.search(self._text, self._at)
            key = parameter["key"].strip()
            if end is None or key in arguments:
                raise UnreadableError
            # A line break behind the opening tag and one ahead of the closing tag belong to the tags.
            value = self._text[self._at : end.start()].removeprefix("\n").removesuffix("\n")
            arguments[key] = _typed(value, an_object(properties.get(key)))
            self._at = end.end()
        return dumps_text(arguments)

    def _object_call(self) -> RawCall:
        return self._call_of(_mended(self._object()))

    def _calls_of(self, value: object) -> list[RawCall]:
        if isinstance(value, dict) and set(value) == {"tool_calls"}:
            value = value["tool_calls"]
        if isinstance(value, list):
            return [self._call_of(item) for item in value]
        return [self._call_of(value)]

    def _call_of(self, value: object) -> RawCall:
        fields = an_object(value)
        if inner := an_object(fields.get("function")):
            # Its arguments stand in it, or beside it.
            outer = {key: beside for key, beside in fields.items() if key != "function"}
            if outer.keys() & inner.keys():
                raise UnreadableError
            fields = outer | inner
        names, arguments = set(fields) & _NAMES, set(fields) & _ARGUMENTS
        if len(names) != 1 or len(arguments) != 1 or set(fields) - names - arguments - _BESIDE:
            raise UnreadableError
        given = fields[arguments.pop()]
        text = given if isinstance(given, str) else dumps_text(given)
        return self.call(RawCall(a_string(fields[names.pop()]), text))

    def _object(self) -> str:
        """The object that begins here."""
        end = Extent().feed(self._text, self._at, len(self._text)) if self._text.startswith("{", self._at) else None
        if end is None:
            raise UnreadableError
        start, self._at = self._at, end
        return self._text[start:end]

    def _must(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = self._take(pattern)
        if found is None:
            raise UnreadableError
        return found

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found


def _typed(value: str, schema: JsonObject) -> object:
    """A value that was written as text."""
    kinds = set(strings(schema.get("type"))) or {a_string(schema.get("type"))}
    if kinds <= {"string", "null"}:
        if kinds & {"string"}:
            return value
    elif kinds <= {"integer", "number", "boolean", "array", "object"} and len(kinds) == 1:
        spelled = {"True": "true", "False": "false"}.get(value.strip(), value)
        return _loads(spelled)
    raise UnreadableError


def _mended(text: str) -> object:
    """An object, whose JSON may be wrong in the ways that arguments may."""
    mended = mend(text)
    if mended is None:
        raise UnreadableError
    return _loads(mended)


def _loads(text: str) -> object:
    """JSON in which no object has a key twice."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except ValueError as error:
        raise UnreadableError from error


def _once(pairs: list[tuple[str, object]]) -> JsonObject:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise NotJsonError("a key stands there twice")
    return fields


def _refuse(name: str) -> object:
    raise NotJsonError(f"{name} is not JSON")
