"""An MCP server on stdin and stdout: it has the tools of a JSON file, and notes in another how they are called.

Run as a script, with the paths of both files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(tools: Path, calls: Path) -> None:
    """Answer until the client is gone."""
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        parameters = message.get("params") or {}
        result: dict[str, object] = {}
        match message["method"]:
            case "initialize":
                result = {
                    "protocolVersion": parameters["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "test", "version": "1"},
                }
            case "tools/list":
                result = {"tools": json.loads(tools.read_text(encoding="utf-8"))}
            case "tools/call":
                call = {"name": parameters["name"], "arguments": parameters.get("arguments", {})}
                with calls.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(call) + "\n")
                result = {"content": [{"type": "text", "text": f"{parameters['name']} was here"}]}
            case _:
                pass
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
