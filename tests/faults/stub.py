"""A program in Claude Code's place: it asks what it is told to ask, and says what came of it.

Every line of its stdin is a JSON object with a question, which is asked again and again until its answer has come
whole, as Claude Code does. Every line of its stdout is a JSON object whose `event` is

- `up`      at the start, with the process, the address, the settings file and the models of the session
- `word`    a piece of an answer, as it arrives
- `broken`  a try that did not end as an answer ends, with the text that came before
- `whole`   an answer
- `gave up` no answer, however often it was asked

It ends with its stdin, or at the word `end`, with the status that it is given there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

TRY_SECONDS = 60
PAUSE_SECONDS = 0.05


def main() -> int:
    """Answers stdin line by line."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    file = Path(sys.argv[sys.argv.index("--settings") + 1])
    client = Client(json.loads(file.read_text(encoding="utf-8"))["env"])
    say(
        event="up",
        pid=os.getpid(),
        port=client.port,
        address=client.address,
        settings=str(file),
        models=client.models() if "--no-models" not in sys.argv else [],
    )
    for line in sys.stdin:
        told = json.loads(line)
        if "end" in told:
            return told["end"]
        if not any(client.ask(told["ask"]) for _ in range(told["tries"])):
            say(event="gave up")
    return 0


def say(**fields: object) -> None:
    """One line."""
    print(json.dumps(fields), flush=True)


class Client:
    """Talks to the address in the settings, with the token from there."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.address = variables["ANTHROPIC_BASE_URL"]
        parts = urlsplit(self.address)
        self.host, self.port = parts.hostname or "", parts.port or 0
        self.headers = {
            "Authorization": f"Bearer {variables['ANTHROPIC_AUTH_TOKEN']}",
            "Content-Type": "application/json",
        }
        self.model = "opus"

    def models(self) -> list[str]:
        """The models of the session; the first is asked from then on."""
        connection = HTTPConnection(self.host, self.port, timeout=TRY_SECONDS)
        try:
            connection.request("GET", "/v1/models", headers=self.headers)
            models = [model["id"] for model in json.loads(connection.getresponse().read())["data"]]
        finally:
            connection.close()
        self.model = models[0]
        return models

    def ask(self, text: str) -> bool:
        """One try; whether an answer came whole."""
        words: list[str] = []
        reason = ""
        try:
            if self._stream(text, words):
                say(event="whole", text="".join(words))
                return True
        except (OSError, HTTPException, ValueError) as error:
            reason = repr(error)
        say(event="broken", text="".join(words), reason=reason)
        time.sleep(PAUSE_SECONDS)
        return False

    def _stream(self, text: str, words: list[str]) -> bool:
        """Whether the answer ended with `message_stop`, and its connection in order; gathers its words."""
        body = {
            "model": self.model,
            "max_tokens": 100,
            "stream": True,
            "messages": [{"role": "user", "content": text}],
        }
        connection = HTTPConnection(self.host, self.port, timeout=TRY_SECONDS)
        try:
            connection.request("POST", "/v1/messages?beta=true", json.dumps(body), self.headers)
            response = connection.getresponse()
            if response.status != 200:
                raise ValueError(f"{response.status} {response.read(500)!r}")
            is_whole = False
            while line := response.readline():
                if not line.startswith(b"data:"):
                    continue
                event = json.loads(line[5:])
                if event["type"] == "error":
                    raise ValueError(str(event["error"]))
                if event["type"] == "content_block_delta" and event["delta"]["type"] == "text_delta":
                    words.append(event["delta"]["text"])
                    say(event="word", text=words[-1])
                is_whole = is_whole or event["type"] == "message_stop"
            return is_whole
        finally:
            connection.close()


if __name__ == "__main__":
    sys.exit(main())
