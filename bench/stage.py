"""What every measurement of streams stands on: the host's double, both floors, the load generator, the real proxy.

A request can go to any `Subject`: to the host's double itself, through the raw relay, through the bare aiohttp relay,
or through the proxy, which is started and given its sessions as a launch does it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.child import Child, processor_seconds
from bench.conversation import SMALL
from bench.load import Job, Target
from kimi_cli.daemon import Control
from kimi_cli.daemon.end import kill, wait_for_end
from kimi_cli.daemon.spawn import SpawnOptions, spawn
from kimi_cli.providers.model import Model
from kimi_cli.providers.provider import Format
from kimi_cli.providers.route import Route
from kimi_cli.store.identity import ProcessIdentity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.conversation import Conversation
    from bench.plan import Plan

_MODEL: Final = Model(id="kimi-bench", context_window=4_194_304, max_output=32_768)
"""Its window has room for the longest history."""
_KEY: Final = "sk-bench0123456789abcdef"
_GRACE: Final = 600.0
_WARM_STREAMS: Final = 8
_END_SECONDS: Final = 10.0


class Way(Enum):
    """Which way a request takes to the host's double."""

    DIRECT = "direct"
    RELAY = "raw relay"
    THIN = "bare aiohttp"
    PROXY = "kimi"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy process, with sessions for every plan that is asked for."""

    control: Control
    upstream: int

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.control.state.process.pid

    def target(self, plan: Plan, spoken: Format) -> Target:
        """Where a client asks for an answer of this plan, with a session of its own."""
        session = self.control.open_session(
            _route(self.upstream, plan, spoken), owners=[ProcessIdentity.current()], project="/bench"
        )
        headers = (f"Authorization: Bearer {session.token}",)
        return Target(self.control.state.port, "/v1/messages?beta=true", headers)


@dataclass(frozen=True, slots=True)
class Subject:
    """One way for one plan, and the process whose cost is counted."""

    way: Way
    plan: Plan
    target: Target
    pid: int

    def job(self, conversation: Conversation, *, at_once: int = 1, rounds: int = 1) -> Job:
        """Requests to this one alone."""
        return Job((self.target,), conversation, self.plan.chunks, at_once, rounds)

    def processor(self) -> float:
        """Processor seconds that its process has used until now."""
        return processor_seconds(self.pid)


@dataclass(frozen=True, slots=True)
class Stage:
    """All processes but the proxies, which `proxy` starts."""

    upstream: Child
    relay: Child
    thin: Child
    load: Child
    place: Path

    def warm(self, subjects: list[Subject]) -> None:
        """Has what is loaded on first use loaded, and connections opened."""
        for subject in subjects:
            self.load.run(subject.job(SMALL, at_once=_WARM_STREAMS, rounds=2))

    def processor_seconds(
        self, subject: Subject, conversation: Conversation = SMALL, *, at_once: int = 1, rounds: int = 1
    ) -> float:
        """Processor seconds that one answer costs."""
        before = subject.processor()
        self.load.run(subject.job(conversation, at_once=at_once, rounds=rounds))
        return (subject.processor() - before) / (at_once * rounds)

    def subjects(self, plan: Plan, spoken: Format, proxy: Proxy, *, direct: bool = False) -> list[Subject]:
        """Every way, in the order in which they are measured: one after the other, again and again."""
        plain = {Way.DIRECT: self.upstream, Way.RELAY: self.relay, Way.THIN: self.thin}
        subjects = [
            Subject(way, plan, self.plain_target(child, plan, spoken), child.pid) for way, child in plain.items()
        ]
        subjects.append(Subject(Way.PROXY, plan, proxy.target(plan, spoken), proxy.pid))
        return subjects if direct else subjects[1:]

    @staticmethod
    def plain_target(child: Child, plan: Plan, spoken: Format) -> Target:
        """Where a client asks the host's double for an answer, or asks for it through a floor."""
        return Target(
            child.port, plan.segment + ("/v1/chat/completions" if spoken is Format.OPENAI else "/v1/messages")
        )

    @contextmanager
    def proxy(self) -> Iterator[Proxy]:
        """A proxy of its own, as the daemon starts it, with all that is on for a user."""
        place = Path(tempfile.mkdtemp(dir=self.place))
        options = SpawnOptions(
            state_file=place / "run" / "proxy.json",
            log_file=place / "proxy.log",
            usage_dir=place / "usage",
            calibration_file=place / "calibration.json",
            port=0,
            grace=_GRACE,
        )
        state = spawn(options, environ=os.environ)
        try:
            yield Proxy(Control(state), self.upstream.port)
        finally:
            Control(state).stop(force=True)
            if not wait_for_end(state.process, seconds=_END_SECONDS):
                kill(state.process)


@contextmanager
def stage() -> Iterator[Stage]:
    """All of it, until the end of the block."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        upstream = stack.enter_context(Child("upstream"))
        relay = stack.enter_context(Child("relay", str(upstream.port)))
        thin = stack.enter_context(Child("thin", str(upstream.port)))
        load = stack.enter_context(Child("load", listens=False))
        yield Stage(upstream, relay, thin, load, place)


def _route(port: int, plan: Plan, spoken: Format) -> Route:
    base_url = f"http://127.0.0.1:{port}{plan.segment}"
    if spoken is Format.OPENAI:
        return Route(
            provider="groq",
            format=spoken,
            base_url=f"{base_url}/v1",
            dialect="groq",
            models=(_MODEL,),
            key=_KEY,
            name="Groq",
        )
    return Route(
        provider="moonshot",
        format=spoken,
        base_url=base_url,
        dialect="generic",
        models=(_MODEL,),
        key=_KEY,
        name="Moonshot",
    )
