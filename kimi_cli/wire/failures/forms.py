"""The forms in which hosts and gateways wrap an error, and the one sentence inside them all.

A gateway puts its host's error into its own, often as JSON inside a string, and whoever stands before the gateway does
so again. The innermost sentence is the one that says what happened; types and codes are kept from every layer, for any
of them may be the one that is known.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final

from kimi_cli.wire.codec import NotJsonError, dumps_text, loads
from kimi_cli.wire.failures.redaction import redact
from kimi_cli.wire.foreign import JsonObject, a_number, a_string, an_object, objects

MESSAGE_LIMIT: Final = 2000
"""Characters of a host's message that are passed on: enough for any sentence, too few for a list of everything."""
PAGE_LIMIT: Final = 300
"""The same of what is no error in a form that is known, such as a web page."""
_PAGE_READ: Final = 16 * 1024
"""Characters of such a page that are looked at."""
_LAYERS: Final = 12
"""How many wrappings are taken off."""


@dataclass(slots=True)
class Said:
    """What an error says: its sentence on one line, the innermost type and code, and every name that it has on the way.

    `status` is an HTTP status that the error itself gives. `by` is the host behind a gateway, where it is named.
    `generation` is what a model had written when the host could not read it.
    """

    message: str = ""
    kind: str = ""
    code: str = ""
    names: list[str] = field(default_factory=list)
    status: int | None = None
    is_recognised: bool = False
    by: str = ""
    generation: str = ""


def read_body(body: bytes) -> Said:
    """Read the body of an answer."""
    try:
        value = loads(_data_of(body))
    except NotJsonError:
        return _read_page(body.decode("utf-8", "replace"))
    return read_error(value)


def read_error(error: object) -> Said:
    """Read an error that is JSON already."""
    said = _Reader()
    for _ in range(_LAYERS):
        if error is None:
            break
        error = said.take(error)
    return said.result()


_TAG: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_SPACE: Final = re.compile(r"\s+")
_KEY_HEADER: Final = re.compile(r"\bx-api-key\b", re.IGNORECASE)
_SENTENCES: Final = (
    *("message", "detail", "error_description", "error_message", "errorMessage", "Message", "msg", "error", "errors"),
    "title",
)
"""Where hosts put the sentence, the likeliest first."""
_NAMES: Final = ("type", "code", "reason", "status", "error_type", "errorCode", "error_code")
_NO_NAMES: Final = frozenset({"", "none", "null", "error", "about:blank"})
_WRAPPING: Final = re.compile(
    r"\s*(?:(?:litellm\.)?(?P<name>[A-Z]\w*?(?:Error|Exception))\s*(?::|\s-)\s+"
    r"|(?:Error code|HTTP(?: status)?|Status(?: code)?):?\s*\d{3}(?:\s*-|:)\s+"
    r"|(?:API )?Error:\s+)"
)
"""What gateways and SDKs put in front of a sentence."""
_TRAILER: Final = re.compile(
    r"(?:Received Model Group=|Available Model Group Fallbacks=|LiteLLM Retr(?:ied|ies):|LiteLLM Max Retries:"
    r"|LiteLLM: model group ).*",
    re.DOTALL,
)
"""What LiteLLM puts behind it."""
_FIELD: Final = re.compile(
    r"(?P<quote>['\"])(?P<name>message|detail|type|code)(?P=quote)\s*:\s*"
    r"(?P<around>['\"])(?P<text>.*?)(?P=around)(?=\s*(?:[,}]|$))",
    re.DOTALL,
)
"""A field of an object that cannot be parsed."""


class _Reader:
    """Takes off one layer after another."""

    def __init__(self) -> None:
        self._said = Said()

    def take(self, error: object) -> object | None:
        """Note what a layer says; the layer inside it, or None."""
        if isinstance(error, list):
            return self._take_list(error)
        if isinstance(error, str):
            return self._take_text(error)
        fields = an_object(error)
        said = self._said
        said.generation = a_string(fields.get("failed_generation")) or said.generation
        for name in ("status_code", "statusCode", "code", "status"):
            said.status = said.status or _status(fields.get(name))
        said.kind = _named(fields.get("type")) or said.kind
        code = fields.get("code")
        said.code = _named(code) or _named(fields.get("reason")) or said.code or ("" if code is None else _text(code))
        said.names += filter(None, (_named(fields.get(name)) for name in _NAMES))
        metadata = an_object(fields.get("metadata"))
        said.by = a_string(metadata.get("provider_name")) or said.by
        found = [fields[name] for name in _SENTENCES if fields.get(name)]
        said.names += [one for one in found[1:] if isinstance(one, str)]
        inner = self._take_sentence(found)
        if raw := metadata.get("raw"):
            return raw
        for one in found:
            if isinstance(one, dict) and (_has_sentence(one) or one is fields.get("error")):
                return one
        return inner

    def result(self) -> Said:
        """All that was said."""
        said = self._said
        said.message = _one_line(said.message, MESSAGE_LIMIT)
        said.is_recognised = bool(said.message)
        return said

    def _take_sentence(self, found: list[object]) -> object | None:
        first = found[0] if found else None
        if isinstance(first, str | list):
            return self.take(first)
        if first is not None:
            self._said.message = _text(first)
        return None

    def _take_list(self, errors: list[object]) -> object | None:
        """Several errors: the first one, or all the places that a validator found."""
        places = [
            f"{place}: {problem}" if (place := ".".join(map(str, where))) else problem
            for one in objects(errors)
            if (problem := a_string(one.get("msg"))) and isinstance(where := one.get("loc", []), list)
        ]
        if places:
            self._said.message = "; ".join(places)
            return None
        return errors[0] if errors else None

    def _take_text(self, text: str) -> object | None:
        text = _TRAILER.sub("", text, count=1).strip()
        for _ in range(_LAYERS):
            wrapping = _WRAPPING.match(text)
            if wrapping is None:
                break
            if name := wrapping["name"]:
                self._said.names.append(name)
                if name.endswith("Exception") and wrapping[0].rstrip().endswith("-"):
                    self._said.by = name.removesuffix("Exception")  # how LiteLLM names the host that it asked
            text = text[wrapping.end() :]
        if text:
            self._said.message = text
        return _error_in(text)


def _error_in(text: str) -> JsonObject | None:
    """The error that a text holds: JSON, or what is left of it, or what Python writes in its place.

    A sentence may quote an object that is none, such as the arguments of a call.
    """
    start = text.find("{")
    if start < 0:
        return None
    try:
        value = json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        found = _FIELD.finditer(text, start, start + MESSAGE_LIMIT)
        value = {field["name"]: field["text"] for field in found}
    fields = an_object(value)
    is_error = "error" in fields or start == 0 or any(name in fields for name in ("type", "code", "status"))
    return fields if is_error and _has_sentence(fields) else None


def _has_sentence(fields: JsonObject) -> bool:
    return any(fields.get(name) for name in _SENTENCES)


def _read_page(text: str) -> Said:
    """A web page has a title, and everything else has its beginning."""
    text = text[:_PAGE_READ]
    title = _TITLE.search(text)
    words = title[1] if title is not None and title[1].strip() else _TAG.sub(" ", text)
    return Said(message=_one_line(words, PAGE_LIMIT))


def _data_of(body: bytes) -> bytes:
    """An error may come as an event of a stream that has not begun."""
    if not body.startswith((b"data:", b"event:", b":")):
        return body
    lines = (line[5:].strip() for line in body.splitlines() if line.startswith(b"data:"))
    return next(filter(None, lines), b"")


def _named(value: object) -> str:
    """A type or code that says something; a number is a status, and is none."""
    text = a_string(value)
    return "" if text.lower() in _NO_NAMES or text.isdigit() else text


def _status(value: object) -> int | None:
    """An HTTP status, as a number or in digits."""
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[1-5]\d\d", value) else a_number(value)
    return int(number) if number is not None and 100 <= number < 600 else None


def _text(value: object) -> str:
    """What stands where a sentence should, in a form that can be shown."""
    try:
        return value if isinstance(value, str) else dumps_text(value)
    except (RecursionError, ValueError, TypeError):
        return ""


def _one_line(text: str, limit: int) -> str:
    # Claude Code takes whatever names that header for a request of its own to log in.
    line = _KEY_HEADER.sub("API key", redact(_SPACE.sub(" ", text).strip())).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"
