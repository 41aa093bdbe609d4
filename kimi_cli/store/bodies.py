"""Recorded requests and answers: the names of their files, and which there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from stat import S_ISREG
from typing import TYPE_CHECKING, Final

from kimi_cli.errors import KimiError
from kimi_cli.store.files import ensure_private_dir
from kimi_cli.store.remedy import write_remedy

if TYPE_CHECKING:
    from pathlib import Path


class Part(StrEnum):
    """What is recorded of one request, each in a file of its own: `REQUEST_ID.PART`."""

    CLIENT_REQUEST = "client-request.json"
    """As the client sent it."""
    HOST_REQUEST = "host-request.json"
    """As it was sent to the host."""
    HOST_ANSWER = "host-answer.txt"
    """As it came from the host: JSON, or a stream of events."""
    CLIENT_ANSWER = "client-answer.txt"
    """As it was sent to the client."""


BODY_NAME: Final = rf"req_[0-9a-f]{{24}}\.(?:{'|'.join(map(re.escape, Part))})"
"""The form of a recorded body's name."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The bodies of one request. `size` is in bytes, `time` in seconds since the epoch, of the first of them."""

    request_id: str
    files: tuple[Path, ...]
    size: int
    time: float


def ensure_bodies_dir(directory: Path) -> None:
    """Makes the directory for recorded bodies, for this user alone, before anybody relies on it.

    Raises:
        KimiError: it cannot be made, or is not private.
    """
    try:
        ensure_private_dir(directory)
    except OSError as error:
        fix = write_remedy(directory / Part.CLIENT_REQUEST, error, variable="XDG_STATE_HOME")
        raise KimiError(f"Bodies cannot be recorded in {directory} ({error.strerror or error}).", fix=fix) from error


def recorded_bodies(directory: Path) -> tuple[Recorded, ...]:
    """The requests whose bodies lie in a directory, oldest first. What is no body of ours is passed over."""
    found: dict[str, list[tuple[float, Path, int]]] = {}
    name = re.compile(BODY_NAME)
    try:
        entries = [entry for entry in directory.iterdir() if name.fullmatch(entry.name)]
    except OSError:  # there is none, or it may not be read
        entries = []
    for entry in entries:
        try:
            facts = entry.lstat()
        except FileNotFoundError:
            continue
        if S_ISREG(facts.st_mode):
            found.setdefault(entry.name.partition(".")[0], []).append((facts.st_mtime, entry, facts.st_size))
    bodies = (
        Recorded(
            request_id,
            files=tuple(sorted(path for _, path, _ in parts)),
            size=sum(size for _, _, size in parts),
            time=min(time for time, _, _ in parts),
        )
        for request_id, parts in found.items()
    )
    return tuple(sorted(bodies, key=lambda recorded: (recorded.time, recorded.request_id)))
