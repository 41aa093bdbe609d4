"""What a session cost is known: tokens and cached tokens of every answer, at the real price of the model that gave it.

It is told for each session, day, project, model and host, long after the session has ended, and nothing that was said
is kept for it.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from kimi_cli.store.ledger_files import LedgerReader, ledger_files
from kimi_cli.store.paths import Paths
from tests.doubles.groq import KIMI
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, HttpError, Reply, Scenario, Text, Usage, call, say
from tests.doubles.serve import running
from tests.e2e.stage import HOSTS, new_key, wait_until

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

pytestmark = pytest.mark.claude

PRICES = {"groq": (1.00, 0.50, 3.00), "moonshot": (3.00, 0.30, 15.00)}
"""Dollars for a million tokens: fresh, cached and written ones, of the model that each host serves here."""
USUAL = Usage()
BASH = Call("Bash", {"command": "echo marmalade", "description": "A step of the script"})
BOTH = pytest.mark.parametrize("stage", ["groq", "moonshot"], indirect=True)
ONE = pytest.mark.parametrize("stage", ["groq"], indirect=True)


def cost(provider: str, *usages: Usage) -> float:
    """What a host charges for these answers, in dollars."""
    fresh, cached, written = PRICES[provider]
    return (
        sum(
            (usage.prompt - usage.cached) * fresh + usage.cached * cached + usage.completion * written
            for usage in usages
        )
        / 1e6
    )


def report(stage: Stage, *arguments: str) -> dict[str, Any]:
    """What `kimi usage --json` says."""
    ran = stage.run(*stage.command("usage", "--json", *arguments))
    assert (ran.status, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


def wait_for(stage: Stage, answers: int) -> dict[str, Any]:
    """The report once that many answers are in it; they are written within about a second."""
    directory = Paths.find(os.environ).usage_dir
    wait_until(lambda: sum(1 for _ in LedgerReader(directory)) >= answers)
    return report(stage)


@BOTH
def test_field_32_what_sessions_cost(stage: Stage) -> None:
    """Two sessions cost what the host charges for every answer that it gave, and the ledger says nothing else."""
    dear = Reply((Text(("It is marmalade.",)),), usage=Usage(prompt=20_000, completion=700, cached=19_000))
    stage.script(call(BASH, thinking="A plan."), dear)
    stage.launch("--print", "What is it?", "--allowedTools", "Bash")
    usual = [USUAL] * (len(stage.double.requests) - 1)  # the client may ask for a title as well
    first = cost(stage.host.provider, dear.usage, *usual)
    stage.script(say("Nothing else."))
    stage.launch("--print", "--continue", "What else?")
    total = cost(stage.host.provider, dear.usage, *[USUAL] * (len(stage.double.requests) - 1))

    found = wait_for(stage, len(stage.double.requests))
    one, other = found["groups"]
    assert one["cost"] == pytest.approx(first)
    assert (one["projects"], one["providers"], one["models"]) == (
        [str(stage.work.resolve())], [stage.host.provider], [stage.host.model]
    )  # fmt: skip
    assert one["input_tokens"] == 20_000 + len(usual) * USUAL.prompt
    assert one["cached_tokens"] == 19_000 + len(usual) * USUAL.cached
    assert one["sessions"] != other["sessions"]
    assert (found["total"]["cost"], found["total"]["unpriced"]) == (pytest.approx(total), 0)
    again = report(stage, "--by", "project")
    assert (len(again["groups"]), again["total"]) == (1, found["total"])

    (file,) = ledger_files(Paths.find(os.environ).usage_dir)
    text = file.read_text(encoding="utf-8")
    for word in ("marmalade", "What is it?", "A plan.", stage.key, "Bearer", "tok_"):
        assert word not in text
    stage.run(*stage.command("reset", "--yes"))
    assert not file.parent.exists()


@ONE
def test_field_32_another_host_in_the_middle(stage: Stage) -> None:
    """Where another host goes on with a session, each answer has the price of the host that gave it."""
    second = HOSTS["moonshot"]
    beside = Moonshot(Scenario(say("Done by another.")), key=new_key(second))
    down = HttpError(503, {"error": {"message": "Service Unavailable", "type": "internal_server_error"}})
    stage.double.scenario = Scenario(call(BASH), default=down)
    with running(beside) as url:
        settings = Paths.find(os.environ).settings_file
        text = f'fallback = ["moonshot"]\n{settings.read_text(encoding="utf-8")}'
        settings.write_text(
            f'{text}[providers.moonshot]\nbase_url = "{url}"\nmodel = "{second.model}"\n', encoding="utf-8"
        )
        environ = {**stage.environ, second.key_variable: beside.key}
        done = stage.run(*stage.launch_command("--print", "Do it.", "--allowedTools", "Bash"), environ=environ)
        assert done.stdout == "Done by another.\n", done.stderr
        found = wait_for(stage, 1 + len(beside.requests))
    (session,) = found["groups"]
    assert (session["providers"], session["models"]) == (["groq", "moonshot"], [KIMI, second.model])
    elsewhere = cost("moonshot", *[USUAL] * len(beside.requests))
    assert session["cost"] == pytest.approx(cost("groq", USUAL) + elsewhere)
    hosts = {group["providers"][0]: group["cost"] for group in report(stage, "--by", "provider")["groups"]}
    assert hosts == {"groq": pytest.approx(cost("groq", USUAL)), "moonshot": pytest.approx(elsewhere)}


@ONE
def test_field_32_models_that_nobody_has_a_price_of(stage: Stage) -> None:
    """Their tokens are counted, and their cost is said to be unknown: it is never nothing."""
    settings = Paths.find(os.environ).settings_file
    text = settings.read_text(encoding="utf-8").replace("groq", "mine")
    settings.write_text(f'{text}format = "openai"\nkey_variable = "MINE"\n', encoding="utf-8")
    stage.script(say("Hello."))
    environ = {**stage.environ, "MINE": stage.key}
    done = stage.run(*stage.launch_command("--print", "Hello."), environ=environ)
    stage.assert_said(done, "Hello.")
    found = wait_for(stage, len(stage.double.requests))
    assert found["total"]["input_tokens"] == USUAL.prompt * len(stage.double.requests)
    assert (found["total"]["cost"], found["total"]["unpriced"]) == (None, len(stage.double.requests))
    ran = stage.run(*stage.command("usage"))
    assert ran.stdout.splitlines()[1].split()[-1] == "unknown"
    assert "$" not in ran.stdout


@ONE
def test_field_32_a_ledger_that_is_switched_off(stage: Stage) -> None:
    """Whoever wants nothing recorded has nothing recorded."""
    settings = Paths.find(os.environ).settings_file
    settings.write_text(f'ledger = "off"\n{settings.read_text(encoding="utf-8")}', encoding="utf-8")
    stage.script(say("Hello."))
    stage.assert_said(stage.launch("--print", "Hello."), "Hello.")
    stage.sandbox.assert_nothing_left()  # what the proxy had to write is written
    assert not Paths.find(os.environ).usage_dir.exists()
    assert 'ledger is "off"' in stage.run(*stage.command("usage")).stderr
