"""Hosts that fail while the real Claude Code works: it goes on, and its user sees why in `kimi status`."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from kimi_cli.store.paths import Paths
from tests.doubles.moonshot import Moonshot
from tests.doubles.scenario import Call, Gate, HttpError, Reply, Scenario, Silence, Text, call, say
from tests.doubles.serve import running

pytestmark = pytest.mark.claude

LIMITED = HttpError(
    429, {"error": {"message": "slow down", "type": "rate_limit_reached_error"}}, headers={"retry-after": "0.1"}
)
OVERLOADED = HttpError(503, {"error": {"message": "over capacity", "type": "server_unavailable"}})
UNPAID = HttpError(429, {"error": {"message": "Your account has no balance.", "type": "exceeded_current_quota_error"}})
PROMPT = "-p", "What does a.txt say?", "--allowedTools", "Read"


def test_rate_limits_and_an_outage(stage):
    """Two rate limits and an outage in the middle of a tool loop do not reach Claude Code at all."""
    file = stage.work / "a.txt"
    file.write_text("hello\n")
    read = call(Call("Read", {"file_path": str(file)}))
    stage.script(LIMITED, read, LIMITED, OVERLOADED, say("It says hello."))
    environ = {**stage.environ, "KIMI_RETRY_SECONDS": "15"}
    stage.assert_said(stage.run(*stage.launch_command(*PROMPT), environ=environ), "It says hello.")
    assert stage.double.scenario.is_done


@pytest.mark.parametrize("stage", ["groq"], indirect=True)
def test_another_host_stands_in(stage):
    """The balance runs out in the middle of a tool loop; the other host goes on with it, and `kimi status` says so."""
    file = stage.work / "a.txt"
    file.write_text("hello\n")
    gate, moonshot = Gate(), Moonshot()
    stage.script(call(Call("Read", {"file_path": str(file)})), UNPAID)
    with running(moonshot), ThreadPoolExecutor(1) as pool:
        moonshot.scenario = Scenario(Reply((Text(("It says hello.", "")), Silence(gate))))
        settings = Paths.find(os.environ).settings_file
        second = f'[providers.moonshot]\nbase_url = "{moonshot.base_url}"\nmodel = "kimi-k3"\n'
        settings.write_text(f'fallback = ["moonshot"]\n{settings.read_text()}{second}')
        environ = {**stage.environ, "MOONSHOT_API_KEY": moonshot.key}
        running_launch = pool.submit(stage.run, *stage.launch_command(*PROMPT), environ=environ)
        gate.wait_reached(seconds=60)
        told = json.loads(stage.run(*stage.command("status", "--json")).stdout)
        gate.open()
        stage.assert_said(running_launch.result(), "It says hello.")
        assert moonshot.refusals == []
    (session,) = told["sessions"]
    assert (session["provider"], session["model"]) == ("groq", stage.host.model)
    assert (session["fallback"]["provider"], session["fallback"]["model"]) == ("moonshot", "kimi-k3")
    assert "no balance" in session["fallback"]["reason"]
    log = stage.run(*stage.command("logs", "--json")).stdout
    assert log.count('"another host"') == 1
