"""What one process asks of the other, and the answer: values, and their form on a pipe.

A task is one line of JSON, the base64 of a document or an image comes after it. An outcome is one line of JSON with its
text or data after it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias


@dataclass(frozen=True, slots=True)
class PdfTask:
    """Text of the first `pages` pages, as far as `characters` reach."""

    pages: int
    characters: int


@dataclass(frozen=True, slots=True)
class ImageTask:
    """An image of one of the types that every host takes, within these limits; `size` is in characters of base64."""

    side: int
    pixels: int
    size: int


Task: TypeAlias = PdfTask | ImageTask


class Reason(StrEnum):
    """Why something could not be read."""

    BROKEN = "broken"
    ENCRYPTED = "encrypted"
    EMPTY = "empty"
    """A PDF without any text: the scan of a paper."""
    UNKNOWN = "unknown"
    """An image of a type that is not known."""
    TOO_LARGE = "too large"
    TOO_SLOW = "too slow"
    TOO_MUCH = "too much"
    """It needs more memory than it is given."""
    FAILED = "failed"
    """The process failed without a word: it was killed, or ran into something that nobody foresaw."""
    NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True)
class PdfText:
    """What a PDF says. `read` of its `pages` pages are in `text`, the last of them not whole where `is_cut`."""

    pages: int
    read: int
    is_cut: bool
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that hosts take. `data` is its base64, empty where it is the one that came.

    `came` and `goes` are widths and heights; of an animation with `frames` the first one is left.
    """

    media_type: str
    data: str
    came: tuple[int, int]
    goes: tuple[int, int]
    frames: int = 1


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What could not be read, and why; `pages` where that is known."""

    reason: Reason
    pages: int = 0


Outcome: TypeAlias = PdfText | Picture | Unreadable

_TASKS: Final = {kind.__name__: kind for kind in (PdfTask, ImageTask)}
_TEXT_OF: Final = {"PdfText": "text", "Picture": "data", "Unreadable": ""}
"""The field of an outcome that is after its line."""


def task_to_line(task: Task) -> bytes:
    """One line."""
    return json.dumps({"kind": type(task).__name__, **asdict(task)}).encode() + b"\n"


def task_from_line(line: bytes) -> Task:
    """The reverse."""
    fields = json.loads(line)
    return _TASKS[fields.pop("kind")](**fields)


def outcome_to_bytes(outcome: Outcome) -> bytes:
    """A line and what comes after it."""
    kind = type(outcome).__name__
    fields = asdict(outcome)
    text = str(fields.pop(_TEXT_OF[kind], ""))
    return json.dumps({"kind": kind, **fields}).encode() + b"\n" + text.encode("utf-8", "replace")


def outcome_from_bytes(data: bytes) -> Outcome:
    """The reverse.

    Raises:
        ValueError: it is not an outcome. Whoever could make the other process say anything gets no further than that.
    """
    line, _, rest = data.partition(b"\n")
    try:
        fields = json.loads(line)
        return _outcome(fields, rest.decode("utf-8", "replace"))
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        raise ValueError("not an outcome") from error


def _outcome(fields: dict[str, Any], text: str) -> Outcome:
    match fields["kind"]:
        case "PdfText":
            return PdfText(
                int(fields["pages"]), int(fields["read"]), bool(fields["is_cut"]), str(fields["title"]), text
            )
        case "Picture":
            came, goes = fields["came"], fields["goes"]
            return Picture(
                str(fields["media_type"]),
                text,
                (int(came[0]), int(came[1])),
                (int(goes[0]), int(goes[1])),
                int(fields["frames"]),
            )
        case "Unreadable":
            return Unreadable(Reason(fields["reason"]), int(fields["pages"]))
        case kind:
            raise ValueError(f"unknown outcome {kind!r}")
