"""Estimates of token counts: one quick walk through a request, and a look at the characters of its texts.

The host reports exact counts at the end of every answer. Until then these stand in: for the client's context meter, for
`count_tokens`, for what is left of a window or of an allowance. `calibration` learns from the reports how far they are
off for a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import add
from typing import TYPE_CHECKING, Final, NamedTuple

from kimi_cli.wire.characters import PRICES, weigh
from kimi_cli.wire.codec import dumps
from kimi_cli.wire.content import BILLING_HEADER, IMAGE_BELOW, IMAGE_LEFT_OUT, blocks_of, reference_name, text_of
from kimi_cli.wire.failure import bounded_depth
from kimi_cli.wire.foreign import a_string, an_object, objects
from kimi_cli.wire.picture import picture_tokens
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.rounds import so_far
from kimi_cli.wire.signature import PREFIX
from kimi_cli.wire.tools import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimi_cli.wire.foreign import JsonObject
    from kimi_cli.wire.rounds import Round

KINDS: Final = (*PRICES, "tools", "reasoning", "frame", "images", "request")
"""What a prompt's tokens are told apart by: the characters of its texts; definitions of tools; reasoning of earlier
turns; what stands around turns and calls; images; what every prompt has. Hosts write all but the texts in ways of their
own, or leave it out."""
ASCII_CHARACTERS_PER_TOKEN: Final = 3.9
"""English and code, where no more than the length of a text is known."""
REQUEST_TOKENS: Final = 8
"""What begins a prompt, and an answer."""
MESSAGE_TOKENS: Final = 4
"""What stands around a turn: its beginning, its role, its end."""
CALL_TOKENS: Final = 10
"""What stands around a call: its id, which repeats the name, and the marks between its parts."""
RESULT_TOKENS: Final = 12
"""What stands around a result: that of a turn, and the id of the call."""
TOOL_TOKENS: Final = 12
"""What stands around a definition: that it is a function, and the names of its fields."""
DOCUMENT_TOKENS: Final = 0.01
"""Tokens for each character of a PDF's base64, which is by far most of its images and fonts."""
PACKED_TOKENS: Final = 0.28
"""Tokens for each character of a signature that holds reasoning, compressed."""


@dataclass(frozen=True, slots=True)
class Measure:
    """The size of a prompt: estimated tokens of each of `KINDS`, in their order."""

    parts: tuple[float, ...]

    @property
    def tokens(self) -> int:
        """The size as estimated, without what is known of a model."""
        return round(sum(self.parts))


NO_SIZE: Final = Measure(())


def estimate_characters(count: int) -> int:
    """Tokens of a text of which only the length is known."""
    return round(count / ASCII_CHARACTERS_PER_TOKEN)


def estimate_request(request: JsonObject) -> int:
    """Tokens of an Anthropic request's prompt: system, messages and tools.

    Raises:
        InvalidRequestError: the request is nested too deeply.
    """
    return measure(Prompt(request)).tokens


@bounded_depth
def measure(prompt: Prompt, *, vision: bool = True) -> Measure:
    """The size of a request's prompt; without `vision` the model is shown no images.

    Raises:
        InvalidRequestError: the request is nested too deeply.
    """
    told = so_far(prompt.rounds, ("sums", vision), partial(_more, vision=vision))
    aside = _Found(vision=vision)
    for text in map(text_of, blocks_of(prompt.body.get("system"))):
        if not text.startswith(BILLING_HEADER):
            aside.texts.append(text)
    sums = told.plus(aside)
    tools = prompt.of_tools(("size", sums.references), partial(_defined, prompt.body, sums.references))
    return Measure((*sums.texts, tools, sums.reasoning, sums.frame, sums.images, REQUEST_TOKENS))


def _more(sums: _Sums | None, rounds: Sequence[Round], *, vision: bool) -> _Sums:
    """What was measured already, and these rounds."""
    found = _Found(vision=vision)
    found.go_through([message.get("content") for turn in rounds for message in turn.messages])
    return (sums or _Sums()).plus(found)


def _defined(request: JsonObject, references: frozenset[str]) -> float:
    """Tokens of the tools that the host is told of: of a deferred one, once the conversation has referred to it."""
    offered = [
        [name, tool.get("description"), tool.get("input_schema")]
        for tool in objects(request.get("tools"))
        if (name := a_string(tool.get("name"))) != PLACEHOLDER
        and (tool.get("defer_loading") is not True or name in references)
    ]
    return sum(weigh(dumps(offered))) + TOOL_TOKENS * len(offered) if offered else 0


class _Sums(NamedTuple):
    """Tokens of some messages, by the kinds that they have, and the tools that they refer to."""

    texts: tuple[float, ...] = (0.0,) * len(PRICES)
    reasoning: float = 0.0
    frame: float = 0.0
    images: float = 0.0
    references: frozenset[str] = frozenset()

    def plus(self, found: _Found) -> _Sums:
        """These, and those of more messages."""
        written = _joined(found.texts) + (dumps(found.inputs) if found.inputs else b"")
        return _Sums(
            tuple(map(add, self.texts, weigh(written))) if written else self.texts,
            self.reasoning + (sum(weigh(_joined(found.thoughts))) if found.thoughts else 0) + found.packed,
            self.frame + found.frame,
            self.images + found.images,
            self.references.union(found.references) if found.references else self.references,
        )


class _Found:
    """What messages are made of. Texts are only gathered: looking at all of them at once is what is quick.

    A history has thousands of blocks, so that the common ones are told apart in one loop without a call.
    """

    def __init__(self, *, vision: bool) -> None:
        self._vision = vision
        self.texts: list[str] = []
        self.inputs: list[object] = []
        self.thoughts: list[str] = []
        self.references: list[str] = []
        self.packed = 0.0
        self.frame = 0.0
        self.images = 0

    def go_through(self, contents: list[object]) -> None:
        """The contents of messages; those of the results in them are appended, and come after them."""
        messages = len(contents)
        texts, inputs, thoughts = self.texts, self.inputs, self.thoughts
        for content in contents:
            if isinstance(content, str):
                texts.append(content)
            for block in content if isinstance(content, list) else ():
                if not isinstance(block, dict):
                    continue
                kind = block.get("type")
                if kind == "tool_use":
                    inputs.append(block.get("input"))
                elif kind == "tool_result":
                    contents.append(block.get("content"))
                elif kind == "text" and isinstance(text := block.get("text"), str):
                    texts.append(text)
                elif kind == "thinking" and isinstance(text := block.get("thinking"), str) and text:
                    thoughts.append(text)
                else:
                    self._add(block, contents)
        results = len(contents) - messages
        self.frame += MESSAGE_TOKENS * messages + CALL_TOKENS * len(inputs) + RESULT_TOKENS * results

    def _add(self, block: JsonObject, contents: list[object]) -> None:
        kind, source = block.get("type"), an_object(block.get("source"))
        if kind == "thinking":
            if (signature := a_string(block.get("signature"))).startswith(PREFIX):
                self.packed += PACKED_TOKENS * len(signature)
        elif kind == "image":
            self.images += picture_tokens(block) if self._vision else 0
            self.texts.append(IMAGE_BELOW if self._vision else IMAGE_LEFT_OUT)
        elif kind == "document" and source.get("type") == "content":
            contents.append(source.get("content"))
        elif kind == "document" and source.get("type") == "base64":
            self.frame += DOCUMENT_TOKENS * len(a_string(source.get("data")))
        else:
            if kind == "tool_reference":
                self.references.append(reference_name(block))
            self.texts.append(text_of(block))


def _joined(texts: list[str]) -> bytes:
    return "".join(texts).encode("utf-8", "surrogatepass")
