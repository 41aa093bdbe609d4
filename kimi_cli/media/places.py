"""Where documents and images stand in a request, and the request with something else in their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from kimi_cli.wire.foreign import JsonObject, an_object

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPTH: Final = 8
"""How deep content may lie in content: a document in a result is two. What is deeper is left to the translation."""

Instead: TypeAlias = "Mapping[int, list[JsonObject]]"
"""Blocks to put in the place of one, by its `id()`."""


def media_of(body: JsonObject) -> list[JsonObject]:
    """The image and document blocks that are shown to the model, in order.

    Only types are looked at, so that a request without any costs next to nothing.
    """
    found: list[JsonObject] = []
    messages = body.get("messages")
    if isinstance(messages, list):
        for message in messages:
            if isinstance(message, dict) and message.get("role") != "assistant":
                _gather(message.get("content"), found, DEPTH)
    return found


def with_others(body: JsonObject, instead: Instead) -> JsonObject:
    """The request with others in the place of some blocks. The one that is given, and all in it, stay as they are."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    return {**body, "messages": [_message_with(message, instead) for message in messages]}


def _gather(content: object, found: list[JsonObject], depth: int) -> None:
    if not isinstance(content, list) or not depth:
        return
    for block in content:
        if not isinstance(block, dict):
            continue
        kind = block.get("type")
        if kind == "tool_result":
            _gather(block.get("content"), found, depth - 1)
        elif kind == "image":
            found.append(block)
        elif kind == "document":
            found.append(block)
            _gather(an_object(block.get("source")).get("content"), found, depth - 1)


def _message_with(message: object, instead: Instead) -> object:
    if isinstance(message, dict) and message.get("role") != "assistant":
        return _inside(message, "content", instead, DEPTH)
    return message


def _blocks_with(content: list[object], instead: Instead, depth: int) -> list[object]:
    """The same list where there is nothing to replace in it."""
    blocks: list[object] = []
    for block in content:
        if isinstance(block, dict) and id(block) in instead:
            blocks += instead[id(block)]
        elif isinstance(block, dict) and block.get("type") == "tool_result":
            blocks.append(_inside(block, "content", instead, depth))
        elif isinstance(block, dict) and block.get("type") == "document":
            source = an_object(block.get("source"))
            inside = _inside(source, "content", instead, depth)
            blocks.append(block if inside is source else {**block, "source": inside})
        else:
            blocks.append(block)
    is_same = len(blocks) == len(content) and all(new is old for new, old in zip(blocks, content, strict=True))
    return content if is_same else blocks


def _inside(holder: JsonObject, name: str, instead: Instead, depth: int) -> JsonObject:
    content = holder.get(name)
    if not isinstance(content, list) or not depth:
        return holder
    blocks = _blocks_with(content, instead, depth - 1)
    return holder if blocks is content else {**holder, name: blocks}
