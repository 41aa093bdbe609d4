"""A real LiteLLM proxy between kimi and a host's double, as `docs/teams.md` says, on the loopback interface alone.

It takes ten seconds to start, so that one serves all tests of a process.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.fetch_litellm import is_installed, python
from tests.doubles.moonshot_chat import MoonshotChat
from tests.doubles.scenario import Scenario
from tests.doubles.serve import running
from tests.e2e.stage import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doubles.scenario import JsonObject

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 240.0
"""Ten on an idle machine."""
STOP_SECONDS: Final = 30.0
ATTEMPTS: Final = 3
"""A port that was free may be taken by the time that LiteLLM asks for it, which ends it."""
NOWHERE: Final = "http://127.0.0.1:9"
RUN: Final = "import sys, litellm; sys.exit(litellm.run_server())"
KEYS: Final = "  custom_auth: litellm_keys.check\n"


class Upstream(MoonshotChat):
    """Moonshot, without a word about `thinking_blocks`.

    LiteLLM, asked in Anthropic's format, gives an assistant turn that field beside `reasoning_content`, and Moonshot is
    the host for which it was made so.
    """

    def _check(self, body: JsonObject) -> None:
        messages = [
            {name: value for name, value in message.items() if name != "thinking_blocks"}
            for message in body["messages"]
        ]
        super()._check({**body, "messages": messages})


@dataclass(frozen=True, slots=True)
class Gateway:
    """One that runs. `key` is a user's; its host's is the double's."""

    address: str
    key: str
    double: Upstream

    def base_url(self, format: str | None) -> str:  # noqa: A002 - the word of the settings
        """Where it speaks a format."""
        return self.address if format == "anthropic" else f"{self.address}/v1"

    def reset(self) -> None:
        """Forget what the last test asked and said."""
        self.double.scenario = Scenario()
        self.double.requests.clear()
        self.double.refusals.clear()


def example() -> str:
    """The configuration that the documentation shows."""
    text = (ROOT / "docs" / "teams.md").read_text(encoding="utf-8")
    found = re.search(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def missing() -> str | None:
    """Why there can be none here."""
    return None if is_installed() else "LiteLLM is not here; install it with: python scripts/fetch_litellm.py"


@contextmanager
def running_gateway(folder: Path) -> Iterator[Gateway]:
    """Run one whose files are in `folder`, and end it."""
    config = example()
    assert re.search(r"^general_settings:\n(?:  .*\n)+\Z", config, re.MULTILINE), "the keys cannot be appended"
    (folder / "config.yaml").write_text(config + KEYS, encoding="utf-8")
    shutil.copy(Path(__file__).with_name("litellm_keys.py"), folder)
    key, double = "sk-team-" + secrets.token_hex(24), Upstream()
    with running(double):
        for _ in range(ATTEMPTS):
            process, address = _start(folder, key, double)
            try:
                if _is_ready(process, address):
                    yield Gateway(address, key, double)
                    return
            finally:
                _end(process)
        raise AssertionError(f"LiteLLM did not start:\n{_log(folder).read_text(encoding='utf-8')[-3000:]}")


def _start(folder: Path, key: str, double: Upstream) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LITELLM_MASTER_KEY": "sk-" + secrets.token_hex(32),
        "ADAS_KEY": key,
        "MOONSHOT_API_KEY": double.key,
        "MOONSHOT_API_BASE": double.base_url,
        # Its price list comes with it; whatever else it might ask the world for leads nowhere.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "NO_PROXY": "127.0.0.1",
    }
    command = [str(python()), "-c", RUN, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with _log(folder).open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return process, f"http://127.0.0.1:{port}"


def _is_ready(process: subprocess.Popen[bytes], address: str) -> bool:
    """Wait until it answers; False where it ends before."""
    deadline = time.monotonic() + START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with opener.open(f"{address}/health/liveliness", timeout=5):
                return process.poll() is None
        except OSError:
            time.sleep(0.1)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


def _log(folder: Path) -> Path:
    return folder / "litellm.log"
