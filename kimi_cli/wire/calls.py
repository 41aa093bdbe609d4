"""Tool calls as hosts stream them, put in order.

Hosts differ: a whole call in one delta, a call cut into many, several calls interleaved by index, indices or ids that
are missing or repeated, arguments that are empty, null, an object, or JSON inside a JSON string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.codec import NotJsonError, dumps_text, loads
from kimi_cli.wire.foreign import a_string, an_int, an_object

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

NO_INPUT: Final = "{}"
_NULL: Final = "null"
_MARK: Final = re.compile(r'\\.?|["{}\[\]]', re.DOTALL)
"""All that decides where a JSON value ends: escapes, quotes and brackets."""


class _Extent:
    """Finds where a JSON object, list or string ends; every piece is looked at once, however often one asks."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_quoted = False
        self._is_escaped = False
        self.is_over = False

    def feed(self, text: str) -> None:
        """Look at some more of the value's text."""
        start = 1 if self._is_escaped else 0
        self._is_escaped = False
        for found in _MARK.finditer(text, start):
            mark = found[0]
            if mark[0] == "\\":
                self._is_escaped = len(mark) == 1
                continue
            if mark == '"':
                self._is_quoted = not self._is_quoted
            elif not self._is_quoted:
                self._depth += 1 if mark in "{[" else -1
            if self._depth <= 0 and not self._is_quoted:
                self.is_over = True
                return


@dataclass(slots=True)
class Call:
    """One tool call on its way: what has come of it, and how much of that has been passed on.

    Arguments that begin like an object are passed on as they come; anything else is held until it can be judged whole.
    """

    index: int | None
    id: str
    name: str = ""
    _pieces: list[str] = field(default_factory=list)
    _size: int = 0
    _passed: int = 0
    _is_object: bool | None = None
    _extent: _Extent = field(default_factory=_Extent)
    _measured: int = 0

    def add(self, arguments: str) -> None:
        """Append a piece of the arguments."""
        if arguments:
            self._pieces.append(arguments)
            self._size += len(arguments)
        if self._is_object is None and (text := arguments.lstrip()):
            self._is_object = text.startswith("{")

    def take(self) -> str:
        """The arguments that have come since the last time and can be passed on now."""
        if not self._is_object:
            return ""
        text = "".join(self._pieces[self._passed :])
        self._passed = len(self._pieces)
        return text

    def rest(self) -> str:
        """What is left to pass on when the call ends; all of it where nothing could be passed on before."""
        return self.take() if self._is_object else _as_object("".join(self._pieces))

    def says(self, arguments: str) -> bool:
        """Whether these are the arguments that have come so far."""
        return len(arguments) == self._size and arguments == "".join(self._pieces)

    def is_complete(self) -> bool:
        """Whether the arguments are a whole JSON value, so that nothing more can belong to them."""
        if self._is_object is None:
            return False
        for piece in self._pieces[self._measured :]:
            self._extent.feed(piece)
        self._measured = len(self._pieces)
        # Cut into single letters, `null` has as many pieces.
        is_null = len(self._pieces) <= len(_NULL) and "".join(self._pieces).strip() == _NULL
        return self._extent.is_over or is_null


class CallList:
    """Says which call a fragment belongs to."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, fragment: JsonObject) -> tuple[Call | None, bool]:
        """Add one fragment of `delta.tool_calls`; returns its call, if it belongs to one, and whether that is new."""
        function = an_object(fragment.get("function"))
        index, call_id, name = (
            an_int(fragment.get("index")),
            a_string(fragment.get("id")),
            a_string(function.get("name")),
        )
        arguments = _arguments(function.get("arguments"))
        call = self._find(index, call_id, name, arguments)
        is_new = call is None
        if call is None:
            if not (call_id or name or arguments):
                return None, False
            call = Call(index=index, id=call_id)
            self._calls.append(call)
        elif name and call_id and call.is_complete() and call.says(arguments):
            return call, False  # the whole call once more; carried out twice, it could do harm
        call.id = call.id or call_id
        call.name = call.name or name
        call.add(arguments)
        return call, is_new

    def _find(self, index: int | None, call_id: str, name: str, arguments: str) -> Call | None:
        """The call that a fragment continues, or None where it begins one."""
        known = [call for call in self._calls if call.index == index] if index is not None else self._calls
        if not known and not (call_id or name):
            # Its call began without an index.
            known = [call for call in self._calls if call.index is None]
        if not known:
            return None
        last = known[-1]
        if index is None and call_id:
            same = [call for call in known if call.id == call_id]
            last = same[-1] if same else last
        if not name:
            # Only a name opens a call; some engines make up an id for every fragment.
            return last
        if call_id and last.id and call_id != last.id:
            return None
        # Hosts that repeat the name in every fragment do so before the arguments are whole, or with nothing new to say.
        is_repeated = call_id and call_id == last.id and (not arguments or last.says(arguments))
        if last.name and (name != last.name or (last.is_complete() and not is_repeated)):
            return None
        return last


def _arguments(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else dumps_text(value)


def _as_object(text: str) -> str:
    """Arguments that do not begin like an object: nothing, null, or an object inside a JSON string."""
    try:
        value = loads(text.encode("utf-8", "surrogatepass"))
        if isinstance(value, str):
            value = loads(value.encode("utf-8", "surrogatepass")) if value.strip() else None
    except NotJsonError:
        return text if text.strip() else NO_INPUT
    if value is None:
        return NO_INPUT
    return dumps_text(value) if isinstance(value, dict) else text
