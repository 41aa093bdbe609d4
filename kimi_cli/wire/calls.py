"""Tool calls as hosts stream them, put in order.

Hosts differ: a whole call in one delta, a call cut into many, several calls interleaved by index, indices or ids that
are missing or repeated, arguments that are empty, null, an object, or JSON inside a JSON string.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kimi_cli.wire.arguments import canonical, to_input
from kimi_cli.wire.codec import dumps_text
from kimi_cli.wire.extent import Extent
from kimi_cli.wire.foreign import a_string, an_int, an_object

if TYPE_CHECKING:
    from kimi_cli.wire.foreign import JsonObject

_NULL: Final = "null"


@dataclass(slots=True)
class Call:
    """One tool call on its way: what has come of it, and how much of that has been passed on.

    Arguments that begin like an object are passed on as they come; anything else is held until it can be judged whole.
    What is held, and what has come in one piece, is mended where it can mean only one thing.
    """

    index: int | None
    id: str
    name: str = ""
    is_raw: bool = False
    """Whether it was written as tokens in a text. Then it is whole, and no fragment continues it."""
    _pieces: list[str] = field(default_factory=list)
    size: int = 0
    _passed: int = 0
    _is_object: bool | None = None
    _extent: Extent = field(default_factory=Extent)
    _measured: int = 0

    def add(self, arguments: str) -> None:
        """Append a piece of the arguments."""
        if arguments:
            self._pieces.append(arguments)
            self.size += len(arguments)
        if self._is_object is None and (text := arguments.lstrip()):
            self._is_object = text.startswith("{")

    def take(self) -> str:
        """The arguments that have come since the last time and can be passed on now."""
        if not self._is_object:
            return ""
        text = "".join(self._pieces[self._passed :])
        if not self._passed and text.rstrip().endswith("}"):
            text = to_input(text)
        self._passed = len(self._pieces)
        return text

    def rest(self) -> str:
        """What is left to pass on when the call ends; all of it where nothing could be passed on before."""
        return self.take() if self._is_object else to_input("".join(self._pieces))

    def says(self, arguments: str) -> bool:
        """Whether these are the arguments that have come so far."""
        return len(arguments) == self.size and arguments == "".join(self._pieces)

    def is_complete(self) -> bool:
        """Whether the arguments are a whole JSON value, so that nothing more can belong to them."""
        if self.is_raw:
            return True
        if self._is_object is None:
            return False
        for piece in self._pieces[self._measured :]:
            self._extent.feed(piece, 0, len(piece))
        self._measured = len(self._pieces)
        # Cut into single letters, `null` has as many pieces.
        is_null = len(self._pieces) <= len(_NULL) and "".join(self._pieces).strip() == _NULL
        return self._extent.is_over or is_null

    def key(self) -> tuple[str, str]:
        """What tells it from other calls: its name and what its arguments mean."""
        return self.name, canonical("".join(self._pieces))


class CallList:
    """Says which call a fragment belongs to, and which call is made.

    A host may send a call properly and let its tokens through as well. That is one call: carried out twice, it could do
    harm.
    """

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._made = 0
        self._raw: Counter[tuple[str, str]] = Counter()
        self._raw_names: set[str] = set()
        self._proper: Counter[tuple[str, str]] = Counter()
        self._uncounted: list[Call] = []

    def __len__(self) -> int:
        return self._made

    def may_repeat(self, call: Call) -> bool:
        """Whether it cannot be told yet whether a call repeats one that was made."""
        return call.name in self._raw_names and not call.is_complete()

    def make(self, call: Call) -> bool:
        """Count a call; False where it repeats, properly or as tokens, one that was made in the other way."""
        if call.is_raw:
            # By now the arguments of every call before it are final.
            self._proper.update(proper.key() for proper in self._uncounted)
            self._uncounted.clear()
        others = self._proper if call.is_raw else self._raw
        if others and others[call.key()] > 0:
            others[call.key()] -= 1
            return False
        self._made += 1
        if call.is_raw:
            self._raw[call.key()] += 1
            self._raw_names.add(call.name)
        else:
            self._uncounted.append(call)
        return True

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
        elif arguments and len(arguments) == call.size and call.says(arguments) and call.is_complete():
            return call, False  # all of it once more, which would belong to no JSON
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
