"""One content block at a time: as text, or as the parts of a chat message.

Every block has a form in text, unknown ones too: what a host cannot take is named to the model in a few stable words
instead of being sent, and nothing fails on a type that did not exist when this was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kimi_cli.wire.codec import dumps_text
from kimi_cli.wire.foreign import JsonObject, a_string, an_object, objects

BILLING_HEADER: Final = "x-anthropic-billing-header"
"""The first words of a line at the front of the system prompt that differs from request to request: noise to a model,
and poison to its prompt cache. Claude Code sends it as a block of its own, gateways before us may have joined it."""

IMAGE_BELOW: Final = "[image: in the next message]"
IMAGE_LEFT_OUT: Final = "[image left out: this model reads text only]"
NO_OUTPUT: Final = "(no output)"
_BYTES_PER_BASE64_CHARACTER: Final = 0.75


@dataclass(frozen=True, slots=True)
class Sight:
    """What a model can be shown: images at all, and images that only have an address."""

    images: bool
    image_urls: bool


def blocks_of(content: object) -> list[JsonObject]:
    """Content as blocks, where it may be a string."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return objects(content)


def system_text(system: object) -> str:
    """The system prompt as one text, without the billing line."""
    texts = (_without_billing(text_of(block)) for block in blocks_of(system))
    return "\n\n".join(text for text in texts if text)


def text_of(block: JsonObject) -> str:
    """A block as text. Images and reasoning have none: they travel in other ways."""
    match block.get("type"):
        case "text":
            return a_string(block.get("text"))
        case "thinking" | "redacted_thinking" | "image":
            return ""
        case "document":
            return _document(block)
        case "search_result":
            heading = f"{a_string(block.get('title'))} ({a_string(block.get('source'))})"
            return "\n".join([heading, *(text_of(part) for part in blocks_of(block.get("content")))])
        case "tool_reference":
            return f"The tool {reference_name(block)} is now available and can be called by that name."
        case "tool_addition":
            return text_of({"type": "tool_reference", **_changed_tool(block)})
        case "tool_removal":
            return f"The tool {reference_name(an_object(block.get('tool')))} is no longer available."
        case "tool_search_tool_result":
            found = objects(an_object(block.get("content")).get("tool_references"))
            return "\n".join(text_of(reference) for reference in found)
        case "server_tool_use" | "mcp_tool_use":
            return f"[called {a_string(block.get('name'))} with {dumps_text(block.get('input'))}]"
        case "web_search_tool_result":
            found = objects(block.get("content"))
            return "\n".join(f"{a_string(hit.get('title'))} ({a_string(hit.get('url'))})" for hit in found)
        case "compaction":
            return a_string(block.get("content"))
        case str(kind):
            inner = [text_of(part) for part in blocks_of(block.get("content"))]
            return "\n".join(text for text in inner if text) or f"[{kind} block left out]"
        case _:
            return ""


def reference_name(block: JsonObject) -> str:
    """The tool that a reference names: `tool_name` in results, `name` in tool changes."""
    return a_string(block.get("tool_name")) or a_string(block.get("name"))


def parts_of(block: JsonObject, sight: Sight) -> list[JsonObject]:
    """A block as the parts of a user message: text and images."""
    if block.get("type") == "image":
        return [_image(block, sight)]
    if block.get("type") == "document" and a_string(_source(block).get("type")) == "content":
        return [part for inner in blocks_of(_source(block).get("content")) for part in parts_of(inner, sight)]
    text = text_of(block)
    return [{"type": "text", "text": text}] if text else []


def result_of(block: JsonObject, sight: Sight) -> tuple[str, list[JsonObject]]:
    """A tool_result as the text of a tool message, and the images that have to be lifted out of it."""
    images: list[JsonObject] = []
    if isinstance(content := block.get("content"), str):
        text = content or NO_OUTPUT
    else:
        texts: list[str] = []
        for part in (part for inner in blocks_of(content) for part in parts_of(inner, sight)):
            if part["type"] == "text":
                texts.append(a_string(part["text"]))
            else:
                images.append(part)
                texts.append(IMAGE_BELOW)
        text = "\n".join(texts) or NO_OUTPUT
    return (f"Error: {text}" if block.get("is_error") is True else text), images


def as_content(parts: list[JsonObject]) -> str | list[JsonObject]:
    """Message content in the form that every host takes: a plain string, unless there is an image."""
    if all(part["type"] == "text" for part in parts):
        return "\n\n".join(a_string(part["text"]) for part in parts)
    return parts


def _without_billing(text: str) -> str:
    return text.partition("\n")[2].lstrip("\n") if text.startswith(BILLING_HEADER) else text


def _image(block: JsonObject, sight: Sight) -> JsonObject:
    source = _source(block)
    kind, url = source.get("type"), a_string(source.get("url"))
    if not sight.images:
        return {"type": "text", "text": IMAGE_LEFT_OUT}
    if kind == "base64":
        url = f"data:{a_string(source.get('media_type'))};base64,{a_string(source.get('data'))}"
    elif kind == "url" and url and not sight.image_urls:
        return {"type": "text", "text": f"[image at {url}]"}
    elif kind != "url" or not url:
        return {"type": "text", "text": "[image left out: it is stored where this host cannot read it]"}
    return {"type": "image_url", "image_url": {"url": url}}


def _document(block: JsonObject) -> str:
    source = _source(block)
    title = a_string(block.get("title"))
    name = f" {title!r}" if title else ""
    match source.get("type"):
        case "text":
            text = a_string(source.get("data"))
            return f"{title}\n\n{text}" if title else text
        case "content":
            return "\n".join(text_of(part) for part in blocks_of(source.get("content")))
        case "base64":
            size = int(len(a_string(source.get("data"))) * _BYTES_PER_BASE64_CHARACTER)
            kind = a_string(source.get("media_type")) or "document"
            return f"[{kind}{name} of {size} bytes left out: this host takes no documents]"
        case "url":
            return f"[document{name} at {a_string(source.get('url'))}]"
        case _:
            return f"[document{name} left out: this host takes no documents]"


def _changed_tool(block: JsonObject) -> JsonObject:
    tool = an_object(block.get("tool"))
    name = a_string(an_object(tool.get("definition")).get("name")) or reference_name(tool)
    return {"tool_name": name}


def _source(block: JsonObject) -> JsonObject:
    return an_object(block.get("source"))
