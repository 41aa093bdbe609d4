"""What must be true of the conversation: each check gives its detail, or says what is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kimi_cli.demo.model import READER, SHELL
from kimi_cli.demo.report import DemoError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimi_cli.demo.case import Case
    from kimi_cli.demo.outcome import Outcome, ToolRun
    from kimi_cli.demo.upstream import Served

_REQUESTS: Final = 3
"""The conversation's requests to the model: two that end in a call, one that ends in the answer."""


def check_requests(served: Sequence[Served]) -> str:
    """The host, which is strict, refused nothing, and was asked for streams."""
    refusals = [one.refused for one in served if one.refused is not None]
    if refusals:
        raise DemoError(f"The demo model refused a request that the proxy had translated: {refusals[0]}.")
    if len(served) < _REQUESTS:
        raise DemoError(f"The demo model got {len(served)} requests where the conversation takes {_REQUESTS}.")
    streamed = sum(one.streamed for one in served)
    if streamed < _REQUESTS:
        raise DemoError(f"Only {streamed} of {len(served)} requests asked for a stream.")
    return f"{len(served)} requests were translated, and the model, which is strict, refused none"


def check_thinking(outcome: Outcome, served: Sequence[Served], *, is_shown: bool) -> str:
    """Thoughts reached the client, and every later request brought them back to the model.

    `is_shown` is whether the client asks for their text; Claude Code does not where nobody watches.
    """
    if is_shown and not outcome.thinking:
        raise DemoError("The client saw no thinking.")
    lost = [one for one in served if one.reasoned < one.callers]
    if lost:
        raise DemoError(f"{len(lost)} requests came back without the model's earlier thoughts.")
    if not outcome.thinking:
        return "the client was not shown it, as it asked, and brought it back with the history"
    return f"{len(outcome.thinking)} characters reached the client, and came back with the history"


def check_tools(outcome: Outcome, case: Case) -> str:
    """The client ran both tools, and they brought what is in the file."""
    failed = [run for run in outcome.tools if run.failed]
    if failed:
        raise DemoError(f"{failed[0].name} failed: {failed[0].result}")
    if [run.name for run in outcome.tools] != [READER, SHELL]:
        ran = " and ".join(run.name for run in outcome.tools) or "none"
        raise DemoError(f"The client ran {ran} of the tools where {READER} and {SHELL} were called.")
    reader, shell = outcome.tools
    for run, fact in ((reader, case.number), (shell, case.lines)):
        if not re.search(rf"\b{fact}\b", run.result):
            raise DemoError(f"What {run.name} brought does not hold {fact}: {_short(run.result)}")
    return f"{_shown(reader, str(case.number))}; {_shown(shell, str(case.lines))}"


def check_answer(outcome: Outcome, case: Case) -> str:
    """The answer is the one that only real tool results can give."""
    if outcome.answer.strip() != case.answer:
        raise DemoError(f"The answer should be {case.answer!r} and is {outcome.answer.strip()!r}.")
    return f"it has both, {case.number} and {case.lines}, which only the tools can have told"


def _shown(run: ToolRun, found: str) -> str:
    return f"{run.name}({run.argument}) brought {found}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
