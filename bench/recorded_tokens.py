"""Counts the tokens of the requests in `tests/wire/cases.py` with vocabularies in use, for the tests of the estimates.

    .venv/bin/python -m pip install --no-deps --target /tmp/counting litellm tiktoken tokenizers regex
    PYTHONPATH=/tmp/counting .venv/bin/python -m bench.recorded_tokens

`litellm` brings the vocabularies along: OpenAI's `o200k_base` and `cl100k_base`, and DeepSeek's. Kimi's own is not on
the package index; it is of their size. What is counted is the prompt as three hosts would write it: the chat request
that we make of the case, in the template of Kimi's models or one that treats reasoning and tools in other ways.
"""

from __future__ import annotations

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kimi_cli.providers.dialect import MOONSHOT
from kimi_cli.providers.model import Model, Thinking
from kimi_cli.wire.prompt import Prompt
from kimi_cli.wire.request import to_chat
from tests.wire.cases import CASES, COUNT, COUNTS, FAMILIES, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JsonObject = dict[str, Any]

_MODEL: Final = Model("recorded", 1_048_576, 32_768, thinking=Thinking.ALWAYS, vision=True)
_SPECIAL: Final = re.compile(r"<\|[a-z_]+\|>|</?think>")
"""Each of these is one token, whatever the vocabulary."""
_PREFACE: Final = "The answers are read by engineers who have little time, so that every word counts. " * 20


def main() -> None:
    """Writes the counts of every case."""
    encoders = _encoders()
    hosts: dict[str, Callable[[JsonObject], int]] = {
        "kimi": lambda chat: _count(_kimi(chat), encoders["o200k"]),
        "brief": lambda chat: _count(_brief(chat), encoders["deepseek"]),
        "prefacing": lambda chat: _count(_prefacing(chat), encoders["cl100k"]),
    }
    recorded: JsonObject = {}
    for kind, make in CASES.items():
        for family in FAMILIES:
            requests = [make(family, number) for number in range(COUNT)]
            chats = [to_chat(Prompt(request), dialect=MOONSHOT, model=_MODEL, estimate=0).body for request in requests]
            counts = {host: [count(chat) for chat in chats] for host, count in hosts.items()}
            recorded[f"{kind} {family}"] = {"digest": digest(requests), **counts}
    COUNTS.write_text(json.dumps(recorded, separators=(",", ":")).replace("],", "],\n") + "\n", encoding="utf-8")


def _encoders() -> dict[str, Callable[[str], int]]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        raise SystemExit("litellm is not installed: see the beginning of this file")
    directory = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"
    os.environ["TIKTOKEN_CACHE_DIR"] = str(directory)  # where nothing is fetched, because all is there
    import tiktoken
    import tokenizers

    deepseek = tokenizers.Tokenizer.from_file(str(directory / "deepseek_tokenizer.json"))
    o200k, cl100k = tiktoken.get_encoding("o200k_base"), tiktoken.get_encoding("cl100k_base")
    return {
        "o200k": lambda text: len(o200k.encode_ordinary(text)),
        "cl100k": lambda text: len(cl100k.encode_ordinary(text)),
        "deepseek": lambda text: len(deepseek.encode(text, add_special_tokens=False).ids),
    }


def _count(prompt: Iterator[str], encode: Callable[[str], int]) -> int:
    text = "".join(prompt)
    return len(_SPECIAL.findall(text)) + sum(encode(part) for part in _SPECIAL.split(text) if part)


def _kimi(chat: JsonObject) -> Iterator[str]:
    """Kimi's template: tools as JSON before everything else, reasoning in front of what was said."""
    if chat.get("tools"):
        yield f"<|im_system|>tool_declare<|im_middle|>{_json(chat['tools'])}<|im_end|>"
    for message in chat["messages"]:
        yield _turn(message, reasoning=f"<think>{message.get('reasoning_content', '')}</think>")
    yield "<|im_assistant|>assistant<|im_middle|>"


def _brief(chat: JsonObject) -> Iterator[str]:
    """A template that drops reasoning, and writes tools the way that a programmer would declare them."""
    for tool in chat.get("tools", ()):
        function = tool["function"]
        fields = function["parameters"].get("properties", {})
        lines = (
            f"  // {field.get('description')}\n  {name}?: {field.get('type')},\n" for name, field in fields.items()
        )
        yield f"// {function['description']}\ntype {function['name']} = (_: {{\n{''.join(lines)}}}) => any;\n\n"
    for message in chat["messages"]:
        yield _turn(message, reasoning="")
    yield "<|im_assistant|>"


def _prefacing(chat: JsonObject) -> Iterator[str]:
    """A host that puts words of its own before the prompt."""
    yield f"<|im_system|>system<|im_middle|>{_PREFACE}<|im_end|>"
    yield from _kimi(chat)


def _turn(message: JsonObject, *, reasoning: str) -> str:
    role, content = message["role"], message.get("content") or ""
    if not isinstance(content, str):
        content = "".join(part.get("text", "") for part in content)
    if role == "tool":
        content = f"## Return of {message['tool_call_id']}\n{content}"
    if role == "assistant":
        content = f"{reasoning}{content}"
    if calls := message.get("tool_calls"):
        written = (
            f"<|tool_call_begin|>{call['id']}<|tool_call_argument_begin|>{call['function']['arguments']}<|tool_call_end|>"
            for call in calls
        )
        content += f"<|tool_calls_section_begin|>{''.join(written)}<|tool_calls_section_end|>"
    mark = role if role in {"user", "assistant"} else "system"
    return f"<|im_{mark}|>{role}<|im_middle|>{content}<|im_end|>"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    main()
