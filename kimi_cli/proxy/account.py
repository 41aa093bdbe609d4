"""What an answer took, as an entry of the usage ledger: of the host that gave it, at that host's price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimi_cli.store.ledger_entry import Entry

if TYPE_CHECKING:
    from kimi_cli.proxy.attempt import Attempt
    from kimi_cli.proxy.sessions import Session


def entry_of(attempt: Attempt, session: Session, *, request_id: str, estimate: int, now: float) -> Entry | None:
    """The entry for one attempt; None where the host has answered nothing, for then it charges nothing.

    A host that has answered and reported no tokens, as most do when an answer is broken off, has read the prompt at
    least: that is taken to be `estimate` tokens. `now` is in seconds since the epoch.
    """
    usage, answer = attempt.usage, attempt.said
    is_reported = bool(usage.input_tokens or usage.cached_tokens or usage.output_tokens)
    if not is_reported and (answer is None or not answer.has_content):
        return None
    is_whole = answer is None or (answer.is_over and answer.failure is None)
    return Entry(
        time=now,
        session=session.id,
        project=session.project,
        provider=attempt.route.provider,
        model=attempt.model.id,
        input_tokens=usage.input_tokens if is_reported else estimate,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        request_id=request_id,
        price=attempt.model.price,
        is_estimate=not (is_reported and is_whole),
    )
