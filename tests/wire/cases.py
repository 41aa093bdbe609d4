"""Requests of many kinds, the same ones every time, whose tokens two vocabularies and their hosts have counted.

The texts in `recorded` were written for this, or are this project's own; `recorded/counts.json` is what
`bench/recorded_tokens.py` counted in them.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import orjson

from tests.wire.asking import ask, result, said, text, thought, use, user

if TYPE_CHECKING:
    from collections.abc import Callable

JsonObject = dict[str, Any]

DIRECTORY: Final = Path(__file__).with_name("recorded")
COUNTS: Final = DIRECTORY / "counts.json"
FAMILIES: Final = ("prose", "python", "typescript", "json", "east", "mixed")
COUNT: Final = 50
"""Requests of each family."""

_ASKED: Final = (
    "Please look at this and tell me what could go wrong.",
    "Can you shorten it without changing what it does?",
    "Why does the second part fail on Windows? Fix it, and add a test that fails without the fix.",
    "ok, next",
    "Summarize what you have found so far in three sentences.",
)
_WORDS: Final = (DIRECTORY / "words.txt").read_text(encoding="utf-8").split()
_FIELDS: Final = ("name", "status", "created_at", "total_price", "isActive", "tags", "owner_id", "url", "description")


def session(family: str, number: int) -> JsonObject:
    """A coding session in texts of this family after so many steps: each request holds the ones before it."""
    turns = [user("<system-reminder>\n" + _lines("prose", 0, 30) + "\n</system-reminder>", "Make the tests pass.")]
    for at in range(number + 1):
        turns += _step(_Dice(f"{family} {at}"), family, at)
    return ask(*turns, system=[text(_lines("prose", 30, 110))], tools=_tools())


def single(family: str, number: int) -> JsonObject:
    """A request of its own, without tools, that has little in common with the others of its family."""
    random = _Dice(f"single {family} {number}")
    turns = []
    for at in range(1 + random.below(6)):
        turns.append(user(f"{random.of(_ASKED)}\n\n{_piece(family, random, 1_500)}"))
        if random.below(2):
            call_id, path = f"toolu_{at}", f"/home/me/{_WORDS[at]}/{random.below(99)}"
            turns.append(said(use(call_id, "Read", file_path=path, limit=200)))
            turns.append(user(result(call_id, _piece(family, random, 6_000))))
        turns.append(said(text(_piece(family, random, 900))))
    turns.append(user(_piece(family, random, 3_000)))
    return ask(*turns, system="You are a careful assistant who answers in few words.")


CASES: Final[dict[str, Callable[[str, int], JsonObject]]] = {"session": session, "single": single}


def digest(requests: list[JsonObject]) -> str:
    """What tells some requests from any others."""
    return hashlib.sha256(orjson.dumps(requests)).hexdigest()[:16]


class _Dice:
    """Random numbers that no version of Python draws otherwise."""

    def __init__(self, seed: str) -> None:
        self._random = Random(hashlib.sha256(seed.encode()).hexdigest())

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def of(self, values: Any) -> Any:
        return values[self.below(len(values))]


def _step(random: _Dice, family: str, at: int) -> list[JsonObject]:
    """A call and its result."""
    piece, call_id = _piece(family, random, 2_500), f"toolu_{at}"
    calls = {
        "Read": {"file_path": f"/home/me/project/src/{random.of(_WORDS)}/{random.of(_WORDS)}.py"},
        "Bash": {"command": f"cd /home/me/project && pytest -q -k {random.of(_WORDS)} 2>&1 | tail -{at + 5}"},
        "Edit": {"file_path": "/home/me/a.py", "old_string": piece[:400], "new_string": piece[400:900]},
    }
    name = random.of(("Read", "Read", "Read", "Bash", "Edit"))
    words = [text(_piece("prose", random, 150))] if random.below(2) else []
    content = {"Read": piece, "Bash": _output(random), "Edit": "The file has been updated."}[name]
    return [
        said(thought(_piece("prose", random, 500)), *words, use(call_id, name, **calls[name])),
        user(result(call_id, [text(content)] if at % 2 else content)),
    ]


def _tools() -> list[JsonObject]:
    random = _Dice("tools")
    tools = []
    for name in ("Read", "Bash", "Edit", "Write", "Glob", "Grep", "Task", "WebFetch", "TodoWrite", "NotebookEdit"):
        properties = {
            f"{random.of(_WORDS)}_{random.of(_WORDS)}": {
                "type": random.of(("string", "string", "integer", "boolean")),
                "description": _piece("prose", random, 120).replace("\n", " "),
            }
            for _ in range(2 + random.below(4))
        }
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": list(properties)[:1],
            "additionalProperties": False,
        }
        tools.append({"name": name, "description": _piece("prose", random, 1_800), "input_schema": schema})
    return tools


def _piece(family: str, random: _Dice, size: int) -> str:
    """About so many characters at most of a family's text."""
    if family == "mixed":
        family = random.of(("python", "python", "typescript", "json", "prose", "east"))
    if family == "json":
        return _records(random, size)
    if family == "east":
        family = random.of(("chinese", "chinese", "japanese", "korean"))
        size //= 3  # a character says more
        lines = _TEXTS[family]
        return "\n".join(random.of(lines) for _ in range(1 + size // 100))
    lines = _TEXTS[family]
    start = random.below(len(lines))
    piece, wanted = "", size // 3 + random.below(size)
    while len(piece) < wanted:
        piece += lines[start % len(lines)] + "\n"
        start += 1
    return piece


def _lines(family: str, start: int, end: int) -> str:
    return "\n".join(_TEXTS[family][start:end])


def _records(random: _Dice, size: int) -> str:
    """What an API or a tool answers."""
    records: list[JsonObject] = []
    while len(json.dumps(records)) < size // 2 + random.below(size // 2):
        record: JsonObject = {"id": random.below(1_000_000)}
        for field in _FIELDS[: 3 + random.below(7)]:
            record[field] = random.of(
                (
                    f"{random.of(_WORDS)}-{random.of(_WORDS)}",
                    random.below(100_000) / 100,
                    f"2026-{1 + random.below(12):02}-{1 + random.below(28):02}T{random.below(24):02}:30:00Z",
                    None,
                    [random.of(_WORDS) for _ in range(random.below(4))],
                    f"https://example.com/{random.of(_WORDS)}/{random.below(10_000)}?page={random.below(30)}",
                    {"code": random.of(_WORDS).upper(), "count": random.below(500)},
                )
            )
        records.append(record)
    return json.dumps(records, indent=random.of((None, 2)))


def _output(random: _Dice) -> str:
    """What a shell shows."""
    lines = []
    for at in range(5 + random.below(30)):
        path = f"tests/{random.of(_WORDS)}/test_{random.of(_WORDS)}.py"
        lines.append(
            random.of(
                (
                    f"{path}::test_{random.of(_WORDS)} PASSED [{random.below(100):3}%]",
                    f"{path}:{random.below(400)}: AssertionError: assert {random.below(90)} == {random.below(90)}",
                    f"-rw-r--r-- 1 me me {random.below(90_000):6} Mar {random.below(28):2} 14:0{at % 10} {path}",
                    f"[{random.below(10**9):08x}] {random.of(_WORDS)}: {random.of(_WORDS)} took {random.below(900)} ms",
                )
            )
        )
    return "\n".join(lines)


_TEXTS: Final = {
    family: (DIRECTORY / f"{family}.txt").read_text(encoding="utf-8").splitlines()
    for family in ("prose", "python", "typescript", "chinese", "japanese", "korean")
}
