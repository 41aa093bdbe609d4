"""The provider's key stays between the launcher, the proxy's memory and the host."""

from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.doubles.scenario import Call, call, say

if TYPE_CHECKING:
    from pathlib import Path

    from tests.doubles.scenario import Ask, Reply
    from tests.e2e.stage import Stage

pytestmark = [
    pytest.mark.claude,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes by way of /proc"),
]

LOOK = r"""
echo "== own environment"; env
echo "== Claude Code's environment"; tr '\0' '\n' < /proc/$PPID/environ
echo "== Claude Code's command line"; tr '\0' ' ' < /proc/$PPID/cmdline
echo "== settings"; tr '\0' '\n' < /proc/$PPID/cmdline | grep -A1 -x -e --settings | tail -n 1 | xargs -r cat
echo "== end"
"""


def test_key_is_out_of_the_clients_reach(stage: Stage) -> None:
    """No tool that Claude Code runs finds the key: not in the environment, the command line, the settings or a file."""
    seen: dict[str, list[object]] = {"files": [], "commands": [], "modes": [], "ports": []}

    def look_around(ask: Ask) -> Reply:
        """Runs in the upstream while the client waits: everything that a launch makes is there now."""
        seen["files"] = list(stage.files_with_key())
        seen["modes"] = [path for path in stage.sandbox.runtime_files() if _others_can_read(path)]
        for process in stage.sandbox.processes():
            seen["commands"] += [argument for argument in process.cmdline() if stage.key in argument]
            seen["ports"] += [
                address.laddr.port
                for address in process.net_connections(kind="inet")
                if address.status == psutil.CONN_LISTEN and address.laddr.ip != "127.0.0.1"
            ]
        return call(Call("Bash", {"command": LOOK, "description": "Look around"}), thinking="Let me look.")

    stage.script(look_around, say("Nothing to be seen."))
    done = stage.launch("--print", "Look around.", "--allowedTools", "Bash")
    stage.assert_said(done, "Nothing to be seen.")
    assert seen == {"files": [], "commands": [], "modes": [], "ports": []}
    found = stage.asks[1].result
    assert "== end" in found
    assert "ANTHROPIC_BASE_URL=http://127.0.0.1:" in found
    assert stage.key not in found
    assert stage.key not in done.stderr


def test_key_reaches_only_the_host(stage: Stage) -> None:
    """The host gets the key as its bearer, and neither the session's token nor the client's own headers of identity."""
    stage.script(say("Hello."))
    done = stage.launch("--print", "Say hello.")
    stage.assert_said(done, "Hello.")
    headers = {name.lower(): value for name, value in stage.double.requests[0].headers.items()}
    assert headers["authorization"] == f"Bearer {stage.key}"
    assert "x-api-key" not in headers


def test_environment_of_the_proxy_is_scrubbed(stage: Stage) -> None:
    """The background process does not have the key in its environment either."""
    environments: list[str] = []

    def look(ask: Ask) -> Reply:
        environments.extend(str(process.environ()) for process in stage.sandbox.proxies())
        return say("Looked.")

    stage.script(look)
    assert stage.launch("--print", "Say hello.").status == 0
    assert len(environments) == 1
    assert stage.key not in environments[0]


def _others_can_read(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
