"""A launch of Claude Code with an MCP server of the test's own, and what came of it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_cli.store.paths import Paths

if TYPE_CHECKING:
    from tests.doubles.scenario import Ask
    from tests.e2e.stage import Finished, Stage

SERVER = Path(__file__).with_name("mcp_server.py")


@dataclass(frozen=True, slots=True)
class Mcp:
    """One server, called `name`, whose tools are `schemas`, by their names."""

    stage: Stage
    name: str
    schemas: dict[str, dict[str, Any]]

    def launch(self, *client: str, search: bool = False) -> Finished:
        """Run Claude Code with the server and nothing but it; without tool search all tools are sent at once."""
        tools = [{"name": name, "description": "Does it.", "inputSchema": self.schemas[name]} for name in self.schemas]
        file = self.stage.sandbox.root / "tools.json"
        file.write_text(json.dumps(tools), encoding="utf-8")
        server = {"command": sys.executable, "args": [str(SERVER), str(file), str(self._calls_file)]}
        servers = json.dumps({"mcpServers": {self.name: server}})
        command = self.stage.launch_command(
            *client, "--mcp-config", servers, "--strict-mcp-config", "--allowedTools", f"mcp__{self.name}"
        )
        environ = self.stage.environ if search else {**self.stage.environ, "ENABLE_TOOL_SEARCH": "false"}
        return self.stage.run(*command, environ=environ)

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """How the server was called: names and arguments."""
        lines = self._calls_file.read_text(encoding="utf-8").splitlines() if self._calls_file.exists() else []
        return [(call["name"], call["arguments"]) for call in map(json.loads, lines)]

    @property
    def _calls_file(self) -> Path:
        return self.stage.sandbox.root / "calls.jsonl"


def tool_of(ask: Ask, part: str) -> str:
    """The one offered tool with this in its name."""
    (name,) = [name for name in ask.tools if part in name]
    return name


def schema_of(ask: Ask, part: str) -> dict[str, Any]:
    """The schema of that tool, as the host got it."""
    (tool,) = [tool.get("function", tool) for tool in ask.body["tools"] if part in tool.get("function", tool)["name"]]
    return tool["parameters"] if "parameters" in tool else tool["input_schema"]


def log_lines(event: str) -> list[dict[str, Any]]:
    """The lines of the proxy's log that tell of this."""
    lines = Paths.find(os.environ).log_file.read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == event]
