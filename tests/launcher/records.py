"""Records of a session, as Claude Code writes them."""

from __future__ import annotations

import json
from base64 import b64encode
from uuid import UUID

OWN = b64encode(bytes(range(120))).decode()
"""A signature as Anthropic makes them."""


def uid(number: int) -> str:
    """The id of a record."""
    return str(UUID(int=number))


def thought(text: str = "A plan.", signature: str = "") -> dict:
    """A block of reasoning."""
    return {"type": "thinking", "thinking": text, "signature": signature}


def said(text: str = "Done.") -> dict:
    """A block of text."""
    return {"type": "text", "text": text}


def record(number: int, *blocks: dict, parent: int | None = -1, model: str = "kimi-k3", **more: object) -> dict:
    """A record of an assistant; without `parent` it follows the one of the number before."""
    before = number - 1 if parent == -1 else parent
    message = {"id": "msg_1", "role": "assistant", "model": model, "content": list(blocks)}
    own = {"parentUuid": None if before is None else uid(before), "type": "assistant", "message": message}
    return {**own, "uuid": uid(number), **more}


def user(number: int, content: object = "Hello.", **more: object) -> dict:
    """A record of a user."""
    message = {"role": "user", "content": content}
    return {"parentUuid": uid(number - 1), "type": "user", "message": message, "uuid": uid(number), **more}


def lines(*records: object) -> bytes:
    """The file, as Claude Code writes it."""
    return b"".join(
        one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        for one in records
    )


def read(data: bytes) -> list[dict]:
    """The records of a file."""
    return [json.loads(line) for line in data.splitlines()]
