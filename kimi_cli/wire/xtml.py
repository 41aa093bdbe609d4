"""The tags of Kimi K3, which writes its answers in channels and its tool calls value by value.

    <|open|>think<|sep|>...<|close|>think<|sep|><|open|>response<|sep|>...<|close|>response<|sep|>
    <|open|>tools<|sep|><|open|>call tool="NAME" index="1"<|sep|>
    <|open|>argument key="KEY" type="string"<|sep|>VALUE<|close|>argument<|sep|>
    <|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|><|end_of_msg|>

Strings stand there as they are, values of other types as JSON; `json` in place of the arguments holds all of them. In
attributes `&` and `"` are escaped. White space inside a tag, which some detokenizers put there, says nothing, and a
`<|sep|>` behind a closing tag may be missing. The form is that of Moonshot's own renderer, `encoding_k3.py`, as the
parsers of vLLM, SGLang and NVIDIA's Dynamo have it.
"""

from __future__ import annotations

import re
from typing import Final

from kimi_cli.wire.codec import NotJsonError, dumps_text, loads
from kimi_cli.wire.rawcall import RawCall

_OPEN: Final = "<|open|>"
_CLOSE: Final = "<|close|>"
_SEP: Final = "<|sep|>"
_END: Final = "<|end_of_msg|>"
_REST_LIMIT: Final = 80
"""Characters between a tag's name and its `<|sep|>` that are waited for in a text: those of `message` and its role."""

TAG: Final = (
    r"<\|open\|>\s*(?:(?P<calls>tools\s*<\|sep\|>|call\s)"
    rf"|(?P<begun>think|response|message)[^<]{{0,{_REST_LIMIT}}}<\|sep\|>)"
    r"|<\|close\|>\s*(?P<ended>think|response|message|tools|call|argument|json)\s*(?:<\|sep\|>|(?=<\|))"
    r"|(?P<stray><\|sep\|>|<\|end_of_msg\|>)"
)
"""What is looked for in a text: beginnings of calls, beginnings and ends of channels, and what is left of both."""
LONGEST: Final = len(_OPEN) + _REST_LIMIT + len(_SEP)
"""Characters of the longest tag that is looked for in a text."""

_IN_SECTION: Final = re.compile(
    r"\s*(?:(?P<call><\|open\|>\s*call\s)|<\|open\|>\s*tools\s*<\|sep\|>|<\|sep\|>|<\|end_of_msg\|>"
    r"|<\|close\|>\s*(?:call|tools|response|message))"
)
_CALL_END: Final = re.compile(
    r"(?P<own><\|close\|>\s*call)|<\|close\|>\s*(?:tools|message)|<\|open\|>\s*call\s|<\|end_of_msg\|>"
)
"""What ends a call: its own closing tag, or a tag that cannot stand inside it."""
_ATTRIBUTE: Final = re.compile(r'(\w+)\s*=\s*"([^"]*)"')
_FIELD: Final = re.compile(r"\s*<\|open\|>\s*(?P<kind>argument|json)(?P<attributes>[^<]*)<\|sep\|>")
_FIELD_END: Final = re.compile(
    r"<\|close\|>\s*(?:argument|json)\s*(?:<\|sep\|>\s*)?(?=<\|open\|>\s*(?:argument|json)[\s<]|\Z)"
)
"""The end of a value: a closing tag behind which another value or nothing follows. One inside a value is part of it."""


class Section:
    """Reads calls one after another."""

    def __init__(self) -> None:
        self._pieces: list[str] | None = None  # of the call that is being read

    @property
    def is_between(self) -> bool:
        """Whether no call is being read."""
        return self._pieces is None

    @property
    def name(self) -> str:
        """The name of the call that is being read, as far as it has come."""
        return _attributes("".join(self._pieces or ())).get("tool", "")

    def read(self, text: str, at: int) -> tuple[int, RawCall | str | None] | None:
        """How far the text was read, and the call that ended there, or what stood there for one.

        What may go on to be a tag is not read. None where the text goes on with something else than calls.
        """
        if self._pieces is None:
            return self._between(text, at)
        end = _CALL_END.search(text, at)
        if end is None:
            last = text.rfind("<", at)
            stop = last if last >= 0 and may_be_tag(text[last:]) else len(text)
            self._pieces.append(text[at:stop])
            return stop, None
        whole, self._pieces = "".join((*self._pieces, text[at : end.start()])), None
        if end["own"] is None:
            return end.start(), _call_of(whole) or whole
        return end.end(), _call_of(whole) or whole + end[0]

    def _between(self, text: str, at: int) -> tuple[int, RawCall | str | None] | None:
        found = _IN_SECTION.match(text, at)
        if found is None:
            rest = text[at:].lstrip()
            return (at, None) if not rest or may_be_tag(rest) else None
        if found["call"] is not None:
            self._pieces = []
        return found.end(), None


def may_be_tag(rest: str) -> bool:
    """Whether a text may go on to be a tag."""
    return _PART.fullmatch(rest) is not None


def is_torn(rest: str) -> bool:
    """Whether the end of an answer is the beginning of a tag and nothing else."""
    return rest.startswith((_OPEN, _CLOSE)) and may_be_tag(rest)


def _beginnings(literal: str, then: str = "") -> str:
    """An expression for every beginning of a literal, of which the whole goes on with `then`."""
    pattern = then
    for letter in reversed(literal[1:]):
        pattern = f"(?:{re.escape(letter)}{pattern})?"
    return literal[0] + pattern


_PART: Final = re.compile(
    "|".join(
        (
            _beginnings(_OPEN, rf"[^<]{{0,{_REST_LIMIT}}}(?:{_beginnings(_SEP)})?"),
            _beginnings(_CLOSE, rf"\s*[a-z]*\s*(?:{_beginnings(_SEP)})?"),
            _beginnings(_SEP),
            _beginnings(_END),
        )
    )
)


def _call_of(text: str) -> RawCall | None:
    """The call that stands between its tags; None where it has no name. What is wrong in it stays for all to see."""
    head, _, body = text.partition(_SEP)
    name = _attributes(head).get("tool")
    if not name:
        return None
    values: list[str] = []
    at, stop = 0, len(body.rstrip())
    while at < stop:
        field = _FIELD.match(body, at)
        end = _FIELD_END.search(body, field.end()) if field is not None else None
        if field is None or end is None:
            return RawCall(name, body)
        value = body[field.end() : end.start()]
        if field["kind"] == "json":
            return RawCall(name, body if values or end.end() < len(body) else value)
        attributes = _attributes(field["attributes"])
        values.append(f"{dumps_text(attributes.get('key', ''))}:{_typed(value, attributes.get('type', 'string'))}")
        at = end.end()
    return RawCall(name, "{" + ",".join(values) + "}")


def _typed(value: str, kind: str) -> str:
    """A value as JSON. What is no JSON, though its type says so, is the text that it is."""
    if kind != "string":
        try:
            loads(value.encode("utf-8", "surrogatepass"))
        except NotJsonError:
            pass
        else:
            return value.strip()
    return dumps_text(value)


def _attributes(head: str) -> dict[str, str]:
    """The attributes at the beginning of a text, up to the first tag in it."""
    found = _ATTRIBUTE.findall(head.partition("<|")[0])
    return {key: value.replace("&quot;", '"').replace("&amp;", "&") for key, value in found}
