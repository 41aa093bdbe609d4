"""A session of Claude Code without the reasoning that Anthropic's models have not written.

Claude Code sends an assistant's reasoning back as it came, with its signature. Anthropic refuses a request with a
signature that is not its own, and clients up to 2.1.150 then stop for good; later ones ask a second time without any
reasoning. A session that is to go on with one of Anthropic's models is better off without.

Each line of a session is one record, most of them one content block. A record that held nothing but such reasoning
goes, and those that followed it follow the one before. Everything else stays as it is, byte for byte: Claude Code
looks for some of it without parsing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kimi_cli.launcher.json_spans import elements, value_at, with_elements

if TYPE_CHECKING:
    from collections.abc import Mapping

_REASONING: Final = {"thinking": "signature", "redacted_thinking": "data"}
"""The blocks of reasoning, and the field of each that only its own host can make."""
_ANTHROPICS: Final = re.compile(r"[A-Za-z0-9+/]{64,}={0,2}")
"""The form of Anthropic's signatures. Those of other hosts are empty, short, or marked as theirs."""
_NONE: Final = b"null"
_ONE: Final = rb'"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"'
_ID: Final = re.compile(_ONE)
"""A record's id. Within a text its quotes would be escaped."""
_REFERENCE: Final = re.compile(rb'(?P<key>"headUuid")?(?P<colon>\s*:\s*)(?P<id>' + _ONE + rb")")
_REFERENCES: Final = re.compile(rb"\[\s*(?P<ids>" + _ONE + rb"(?:\s*,\s*" + _ONE + rb")*)\s*\]")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of a session. `blocks` counts what was removed, `records` how many records went with it."""

    data: bytes
    blocks: int = 0
    records: int = 0


def clean(data: bytes) -> Cleaned:
    """A session's file without foreign reasoning. What is no record, or not understood, stays."""
    lines: list[bytes] = []
    blocks, gone = 0, _Gone()
    for line in data.split(b"\n"):
        kept, count, record = _cleaned(line)
        blocks += count
        if kept is None:
            gone.add(record)
        else:
            lines.append(kept)
    if not blocks:
        return Cleaned(data)
    concerned = [at for at, line in enumerate(lines) if gone.is_named_in(line)]
    for at in concerned:
        gone.note_follower(_record(lines[at]))
    for at in concerned:
        lines[at] = gone.relinked(lines[at])
    return Cleaned(b"\n".join(lines), blocks, gone.records)


class _Gone:
    """The records that went, and which ones stood before and after each. Ids are as they stand in JSON."""

    def __init__(self) -> None:
        self._before: dict[bytes, bytes] = {}
        self._after: dict[bytes, bytes] = {}
        self.records = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """A record that goes; any that follows it is added later."""
        self.records += 1
        if (own := _json_id(record.get("uuid"))) != _NONE:
            self._before[own] = before = _json_id(record.get("parentUuid"))
            self._after.setdefault(before, own)

    def is_named_in(self, line: bytes) -> bool:
        """Whether a record that stays says something of one that went."""
        return bool(self._before) and not self._before.keys().isdisjoint(_ID.findall(line))

    def note_follower(self, record: Mapping[str, Any]) -> None:
        """A record that stays, and may follow one that went."""
        self._after.setdefault(_json_id(record.get("parentUuid")), _json_id(record.get("uuid")))

    def relinked(self, line: bytes) -> bytes:
        """A record that stays, in which none is named that went.

        In its place stands the one before it; the one after it where compaction has noted what begins with it. Lists
        of records, which compaction notes as well, become shorter.
        """

        def link(found: re.Match[bytes]) -> bytes:
            if found["id"] not in self._before:
                return found[0]
            if found["key"]:
                return found["key"] + found["colon"] + self._standing(found["id"], self._after)
            return found["colon"] + self._standing(found["id"], self._before)

        def sift(found: re.Match[bytes]) -> bytes:
            ids = _ID.findall(found["ids"])
            kept = [one for one in ids if one not in self._before]
            return found[0] if kept == ids else b"[%s]" % b",".join(kept)

        return _REFERENCES.sub(sift, _REFERENCE.sub(link, line))

    def _standing(self, own: bytes, order: Mapping[bytes, bytes]) -> bytes:
        """The nearest record in an order that has not gone."""
        seen: set[bytes] = set()
        while own in self._before and own not in seen:  # in a circle, which no client writes, there is none
            seen.add(own)
            own = order.get(own, _NONE)
        return _NONE if own in seen else own


def _cleaned(line: bytes) -> tuple[bytes | None, int, Mapping[str, Any]]:
    """A line as it is to stay, or None; how many blocks it has lost; the record that it was, where it has lost any."""
    if b"thinking" not in line:
        return line, 0, {}
    record = _record(line)
    message = record.get("message")
    if not isinstance(message, dict) or record.get("type") != "assistant":
        return line, 0, {}
    content = message.get("content")
    if not isinstance(content, list):
        return line, 0, {}
    foreign = [_is_foreign(block, model=message.get("model")) for block in content]
    if not any(foreign):
        return line, 0, {}
    if all(foreign):
        return None, len(foreign), record
    text = line.decode()
    array = value_at(text, "message", "content")
    kept = [span for span, is_gone in zip(elements(text, array), foreign, strict=True) if not is_gone]
    return with_elements(text, array, kept).encode(), sum(foreign), record


def _is_foreign(block: object, *, model: object) -> bool:
    if not isinstance(block, dict) or (field := _REASONING.get(str(block.get("type")))) is None:
        return False
    proof = block.get(field)
    by_anthropic = isinstance(model, str) and "claude" in model
    return not (by_anthropic and isinstance(proof, str) and _ANTHROPICS.fullmatch(proof))


def _record(line: bytes) -> Mapping[str, Any]:
    try:
        record = json.loads(line.decode())
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _json_id(value: object) -> bytes:
    return json.dumps(value).encode() if isinstance(value, str) else _NONE
