"""One target for a while, in a process of its own: `python -m bench.fuzz.engine TARGET DIRECTORY SECONDS`.

What is worth keeping goes to the directory's `corpus`, an input that fails to a file beside it. The last line that is
printed is JSON with the number of inputs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import random
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.fuzz.judge import hold

if TYPE_CHECKING:
    from bench.fuzz.targets import Target

HANG_SECONDS: Final = 5
"""Longer than any input of `LENGTH` may take, by a factor of a hundred."""
LENGTH: Final = 4096
MEMORY_MB: Final = 2048
HAS_ATHERIS: Final = importlib.util.find_spec("atheris") is not None


def main(name: str, directory: Path, seconds: float) -> int:
    """Runs the target; 0 where every input held."""
    if HAS_ATHERIS:
        _guided(name, directory, seconds)
    from bench.fuzz.targets import TARGETS

    return _blind(TARGETS[name], directory, seconds)


def _guided(name: str, directory: Path, seconds: float) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris  # type: ignore[import-untyped]

    with atheris.instrument_imports(include=["kimi_cli.wire", "kimi_cli.providers"]):
        from bench.fuzz.targets import TARGETS, dictionary
    words = directory / "words"
    words.write_text("\n".join(dictionary()) + "\n")
    _seed(TARGETS[name], directory / "corpus")
    for example in TARGETS[name].examples:  # imports what is needed only now, which takes longer than any input may
        TARGETS[name](example)
    arguments = [
        sys.argv[0],
        str(directory / "corpus"),
        f"-artifact_prefix={directory}/",
        f"-dict={words}",
        f"-max_total_time={max(1, round(seconds))}",
        f"-max_len={LENGTH}",
        f"-timeout={HANG_SECONDS}",
        f"-rss_limit_mb={MEMORY_MB}",
        "-print_final_stats=1",
    ]
    atheris.Setup(arguments, partial(_try, TARGETS[name], directory))
    atheris.Fuzz()


def _blind(target: Target, directory: Path, seconds: float) -> int:
    """Random changes of the examples, for where atheris is not to be had."""
    corpus = directory / "corpus"
    _seed(target, corpus)
    examples = [path.read_bytes() for path in sorted(corpus.iterdir())]
    chance, end, count = random.Random(0), time.monotonic() + seconds, 0  # noqa: S311 - nothing is kept secret by it
    while time.monotonic() < end:
        data = _mutated(chance.choice(examples), chance)
        count += 1
        started = time.monotonic()
        _try(target, directory, data)
        hold(time.monotonic() - started < HANG_SECONDS, "an end in good time")
    sys.stdout.write(json.dumps({"executions": count}) + "\n")
    return 0


def _try(target: Target, directory: Path, data: bytes) -> None:
    """Keeps an input that fails: not every library lets libFuzzer come to that when the process ends."""
    try:
        target(data)
    except Exception:
        _keep(data, directory, "failed-")
        raise


def _mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(changed))
        match chance.randint(0, 3):
            case 0:
                changed[at : at + 1] = chance.randbytes(1)
            case 1:
                changed[at:at] = chance.randbytes(chance.randint(1, 8))
            case 2:
                del changed[at : at + chance.randint(1, 8)]
            case _:
                start = chance.randint(0, len(changed))
                changed[at:at] = changed[start : start + chance.randint(1, 40)]
    return bytes(changed[:LENGTH])


def _seed(target: Target, corpus: Path) -> None:
    corpus.mkdir(parents=True, exist_ok=True)
    for example in target.examples:
        _keep(example, corpus, "")


def _keep(data: bytes, directory: Path, prefix: str) -> None:
    (directory / f"{prefix}{hashlib.sha256(data).hexdigest()[:40]}").write_bytes(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
