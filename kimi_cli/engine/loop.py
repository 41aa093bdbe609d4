"""The steps of a request whose tools are carried out on this side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from kimi_cli.engine.progress import Channel, Words, listed
from kimi_cli.engine.step import Step
from kimi_cli.engine.toolbox import shown_id
from kimi_cli.wire.codec import dumps_text
from kimi_cli.wire.events import (
    BlockStop,
    InputDelta,
    MessageDelta,
    MessageStart,
    MessageStop,
    ServerToolUseStart,
    SignatureDelta,
    TextDelta,
    TextStart,
    ThinkingDelta,
    ThinkingStart,
    Usage,
    WholeBlock,
)
from kimi_cli.wire.foreign import a_string
from kimi_cli.wire.signature import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kimi_cli.engine.toolbox import Call, Result, Toolbox
    from kimi_cli.wire.events import Event
    from kimi_cli.wire.foreign import JsonObject

CALLS_AT_ONCE: Final = 8
"""Calls of one answer that are carried out at the same time; models make more only by mistake."""


class Model(Protocol):
    """Whoever answers the steps."""

    async def ask(self, request: JsonObject, hear: Callable[[Sequence[Event]], Awaitable[None]]) -> None:
        """Pass one answer on, event by event, until `MessageStop` or `Failed`.

        What fails before the first event is raised.
        """


class Loop:
    """One request. `run` returns when its last event has been emitted.

    `new_id(prefix)` makes fresh ids. `steps` bounds the questions to the model. `remember` is given what was
    carried out here beside calls of the client's, by the first of those: the calls, then their results.
    """

    def __init__(
        self,
        request: JsonObject,
        *,
        model: Model,
        toolbox: Toolbox,
        new_id: Callable[[str], str],
        steps: int,
        words: Words | None = None,
        channel: Channel = Channel.THINKING,
        remember: Callable[[str, list[JsonObject]], None] | None = None,
    ) -> None:
        self._request, self._model, self._toolbox, self._new_id = request, model, toolbox, new_id
        self._words, self._channel, self._steps = words or Words(), channel, steps
        self._usage = Usage()
        self._block = 0
        self._telling: int | None = None  # the block in which progress is told
        self._memory = remember

    async def run(self, emit: Callable[[Sequence[Event]], Awaitable[None]]) -> None:
        """Answer the request.

        Raises:
            Exception: what the model's `ask` raises, after what was open for the client has been closed.
        """
        request = self._request
        if self._channel is not Channel.OFF:
            await emit([MessageStart(self._new_id("msg_"), str(request.get("model", "")), Usage())])
            await emit(self._tell(self._words.starting))
        has_started = self._channel is not Channel.OFF
        for number in range(1, self._steps + 1):
            if number > 1:
                await emit(self._tell(self._words.thinking.format(step=number)))
            step = Step(self._toolbox.owns, first_block=self._block)

            async def hear(events: Sequence[Event], step: Step = step) -> None:
                nonlocal has_started
                step.next_block = max(step.next_block, self._block)
                out = step.take(events)
                if out:
                    out = [*self._told(), *out]
                if not has_started and step.start is not None:
                    has_started = True
                    out.insert(0, step.start)
                self._block = step.next_block
                if out:
                    await emit(out)

            try:
                await self._model.ask(request, hear)
            except Exception:  # where it is cancelled, nobody is there to be told
                await emit([*self._told(), *step.break_off()])
                raise
            self._add(step)
            if step.failure is not None:
                await emit([*self._told(), *step.break_off(), step.failure])
                return
            calls = step.calls
            if not calls or step.end is None or step.end.stop_reason != "tool_use":
                await emit(self._ended(step.end))
                return
            results = await self._carry_out(calls, emit)
            if step.has_others:
                self._remember(step, calls, results)
                await emit(self._ended(step.end))
                return
            request = _next(request, step.content, calls, results)
        await emit(self._stopped())

    async def _carry_out(
        self, calls: Sequence[Call], emit: Callable[[Sequence[Event]], Awaitable[None]]
    ) -> list[Result]:
        """The results in the order of the calls; they are carried out at the same time, and told as they come."""
        if shown := [call for call in calls if self._toolbox.is_shown(call.name)]:
            await emit(self._told())
            for call in shown:
                await emit(self._shown_call(call))
        await emit(self._tell(self._words.executing.format(tools=listed([call.name for call in calls]))))
        room = asyncio.Semaphore(CALLS_AT_ONCE)
        found: dict[int, Result] = {}

        async def carry_out(index: int, call: Call) -> None:
            async with room:
                found[index] = result = await self._toolbox.run(call)
            words = self._words.failed if result.is_error else self._words.executed
            line = words.format(tool=call.name, done=len(found), count=len(calls))
            await emit([*self._shown_result(result), *self._tell(line)])

        try:
            async with asyncio.TaskGroup() as group:
                for index, call in enumerate(calls):
                    group.create_task(carry_out(index, call))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None  # such as that the client is gone, which is nothing to be logged
        return [found[index] for index in range(len(calls))]

    def _shown_call(self, call: Call) -> list[Event]:
        block = self._new_block()
        start = ServerToolUseStart(block, shown_id(call.id), call.name)
        return [start, InputDelta(block, dumps_text(call.input)), BlockStop(block)]

    def _shown_result(self, result: Result) -> list[Event]:
        self._usage = self._usage._replace(web_searches=self._usage.web_searches + result.searches)
        if result.shown is None:
            return []
        told = self._told()
        block = self._new_block()
        return [*told, WholeBlock(block, result.shown), BlockStop(block)]

    def _tell(self, line: str) -> list[Event]:
        """A line of progress, in a block that stays open for the next."""
        if not line or self._channel is Channel.OFF:
            return []
        events: list[Event] = []
        is_text = self._channel is Channel.TEXT
        if self._telling is None:
            self._telling = self._new_block()
            events.append(TextStart(self._telling) if is_text else ThinkingStart(self._telling))
        delta = TextDelta if is_text else ThinkingDelta
        events.append(delta(self._telling, f"{line}\n"))
        return events

    def _told(self) -> list[Event]:
        """The end of the block in which progress is told."""
        if self._telling is None:
            return []
        block, self._telling = self._telling, None
        signature: list[Event] = [SignatureDelta(block, PROGRESS)] if self._channel is Channel.THINKING else []
        return [*signature, BlockStop(block)]

    def _ended(self, end: MessageDelta | None) -> list[Event]:
        reason, sequence = (end.stop_reason, end.stop_sequence) if end is not None else ("end_turn", None)
        return [*self._told(), MessageDelta(reason, sequence, self._usage), MessageStop()]

    def _stopped(self) -> list[Event]:
        """The end where the model would go on calling: said in the answer, and as Anthropic says it."""
        block = self._new_block() if self._telling is None else self._telling + 1
        self._block = max(self._block, block + 1)
        text = self._words.stopped.format(steps=self._steps)
        said: list[Event] = [TextStart(block), TextDelta(block, text), BlockStop(block)] if text else []
        return [*self._told(), *said, MessageDelta("pause_turn", None, self._usage), MessageStop()]

    def _new_block(self) -> int:
        block, self._block = self._block, self._block + 1
        return block

    def _add(self, step: Step) -> None:
        if step.end is None:
            return
        more, so_far = step.end.usage, self._usage
        thinking = (so_far.thinking_tokens or 0) + (more.thinking_tokens or 0)
        self._usage = so_far._replace(
            input_tokens=so_far.input_tokens + more.input_tokens,
            cached_tokens=so_far.cached_tokens + more.cached_tokens,
            output_tokens=so_far.output_tokens + more.output_tokens,
            thinking_tokens=thinking if thinking or more.thinking_tokens is not None else so_far.thinking_tokens,
        )

    def _remember(self, step: Step, calls: Sequence[Call], results: Sequence[Result]) -> None:
        if self._memory is None:
            return
        ours = {call.id for call in calls}
        made = [a_string(block.get("id")) for block in step.content if block.get("type") == "tool_use"]
        first = next(call_id for call_id in made if call_id not in ours)
        said = [block for block in step.content if block.get("id") in ours]
        self._memory(first, [*said, *_results(calls, results)])


def _results(calls: Sequence[Call], results: Sequence[Result]) -> list[JsonObject]:
    blocks: list[JsonObject] = []
    for call, result in zip(calls, results, strict=True):
        content = result.content if isinstance(result.content, str) else list(result.content)
        block: JsonObject = {"type": "tool_result", "tool_use_id": call.id, "content": content}
        blocks.append({**block, "is_error": True} if result.is_error else block)
    return blocks


def _next(
    request: Mapping[str, object], said: list[JsonObject], calls: Sequence[Call], results: Sequence[Result]
) -> JsonObject:
    """The next question: the conversation with the answer and the results behind it, and a free choice of tools."""
    messages = request["messages"]
    before = messages if isinstance(messages, list) else []
    after = [{"role": "assistant", "content": said}, {"role": "user", "content": _results(calls, results)}]
    choice = request.get("tool_choice")
    free = {"type": "auto"} if isinstance(choice, dict) and choice.get("type") in {"any", "tool"} else choice
    asked: JsonObject = {**request, "messages": [*before, *after]}
    return asked if free is None else {**asked, "tool_choice": free}
